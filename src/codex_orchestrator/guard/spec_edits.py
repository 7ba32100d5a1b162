"""Edits: what a change does to specs, and whether the edits are substantive."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from codex_orchestrator.guard.facts import Facts
from codex_orchestrator.guard.specs import Spec
from codex_orchestrator.system.git_output import REGULAR, Change
from codex_orchestrator.text.lean_typing import NamedTuple

_BOOKKEEPING = r"[\"']?(?:last_review|approvals|status)[\"']?\s*:"


class SpecEdit(NamedTuple):
    """One spec path that the change touches, before and after. None: it was not, or is not, there.

    `has_substance` is false when only spaces, review date, approvals or status differ, or when the
    text only moved here from another path. `is_new`: no spec of that path or id was there before.
    """

    path: str
    before: Facts | None
    after: Spec | None
    has_substance: bool
    is_new: bool


def find_edits(
    changes: Sequence[Change],
    specs: Mapping[str, Spec],
    is_spec: Callable[[str], bool],
    read: Callable[[str, str], bytes],
    facts_of: Callable[[str, str], Facts],
) -> Iterator[SpecEdit]:
    """Yield the edits of specs in a change.

    Args:
        changes: the change.
        specs: the specs of the head, by path.
        is_spec: tells whether a path is a spec.
        read: returns the bytes of a path's object, without what only a review writes.
        facts_of: returns the facts of a path's object.
    """
    touching = [change for change in changes if is_spec(change.path)]
    gone = [
        (change.path, change.old_blob)
        for change in touching
        if change.path not in specs and change.old_mode in REGULAR
    ]
    gone_texts = {_substance(read(*place)) for place in gone}
    gone_ids = {facts_of(*place).spec_id for place in gone} - {""}
    for change in touching:
        before = facts_of(change.path, change.old_blob) if change.old_mode in REGULAR else None
        after = specs.get(change.path)
        has_substance = False
        if after is not None and change.new_mode in REGULAR:
            now = _substance(read(change.path, change.new_blob))
            old = gone_texts if before is None else {_substance(read(change.path, change.old_blob))}
            has_substance = now not in old
        is_new = before is None and after is not None and after.facts.spec_id not in gone_ids
        yield SpecEdit(change.path, before, after, has_substance, is_new)


def _substance(data: bytes) -> str:
    """Return the text without white space, invisible characters and review bookkeeping.

    Two versions with the same substance differ in spaces, review date, approvals or status only.
    """
    from codex_orchestrator.guard.frontmatter import BOM, split

    parts = split(data)
    if parts is None:
        return _visible(data.removeprefix(BOM).decode("utf-8", "surrogateescape"))
    start, end, body = parts
    kept = []
    is_bookkeeping = False
    for line in data[start:end].decode("utf-8", "surrogateescape").split("\n"):
        if line.lstrip().startswith("#"):
            continue
        if line[:1] not in (" ", "\t", "-", "", "\r", "}", "]"):
            is_bookkeeping = re.match(_BOOKKEEPING, line) is not None
        if not is_bookkeeping:
            kept.append(line)
    return _visible("".join(kept)) + "\n" + _visible(data[body:].decode("utf-8", "surrogateescape"))


def _visible(text: str) -> str:
    if text.isascii():
        return "".join(text.split())
    import unicodedata

    return "".join(
        char for char in text if not char.isspace() and unicodedata.category(char) != "Cf"
    )
