"""Edits: what a change does to specs, and whether it says anything."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from codex_orchestrator.guard.changes import REGULAR, Change
from codex_orchestrator.guard.facts import Facts
from codex_orchestrator.guard.frontmatter import parse_facts
from codex_orchestrator.guard.specs import Spec
from codex_orchestrator.guard.substance import substance


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
    read: Callable[[str], bytes | None],
) -> Iterator[SpecEdit]:
    """Yield the edits of specs in a change.

    Args:
        changes: the change.
        specs: the specs of the head, by path.
        is_spec: says whether a path is a spec.
        read: returns an object's bytes.
    """
    touching = [change for change in changes if is_spec(change.path)]
    before = {
        change.path: read(change.old_blob) for change in touching if change.old_mode in REGULAR
    }
    gone = [
        before[change.path] or b""
        for change in touching
        if change.path not in specs and change.path in before
    ]
    gone_texts = {substance(text) for text in gone}
    gone_ids = {parse_facts(text, size=len(text)).spec_id for text in gone} - {""}
    for change in touching:
        old, after = before.get(change.path), specs.get(change.path)
        facts = parse_facts(old, size=len(old)) if old is not None else None
        text = read(change.new_blob) if after is not None and change.new_mode in REGULAR else None
        now = substance(text) if text is not None else ""
        is_new = facts is None and after is not None and after.facts.spec_id not in gone_ids
        says_more = text is not None and (
            now != substance(old) if old is not None else now not in gone_texts
        )
        yield SpecEdit(change.path, facts, after, says_more, is_new)
