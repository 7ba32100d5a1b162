"""Edits: what a change does to specs, and whether it says anything."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from codex_orchestrator.guard.facts import Facts
from codex_orchestrator.guard.specs import Spec
from codex_orchestrator.guard.substance import substance
from codex_orchestrator.system.git_output import REGULAR, Change


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
    facts_of: Callable[[str], Facts],
) -> Iterator[SpecEdit]:
    """Yield the edits of specs in a change.

    Args:
        changes: the change.
        specs: the specs of the head, by path.
        is_spec: says whether a path is a spec.
        read: returns an object's bytes.
        facts_of: returns the facts of an object.
    """
    touching = [change for change in changes if is_spec(change.path)]
    gone = [
        change for change in touching if change.path not in specs and change.old_mode in REGULAR
    ]
    gone_texts = {substance(read(change.old_blob) or b"") for change in gone}
    gone_ids = {facts_of(change.old_blob).spec_id for change in gone} - {""}
    for change in touching:
        before = facts_of(change.old_blob) if change.old_mode in REGULAR else None
        after = specs.get(change.path)
        has_substance = False
        if after is not None and change.new_mode in REGULAR:
            now = substance(read(change.new_blob) or b"")
            if before is None:
                has_substance = now not in gone_texts
            else:
                has_substance = now != substance(read(change.old_blob) or b"")
        is_new = before is None and after is not None and after.facts.spec_id not in gone_ids
        yield SpecEdit(change.path, before, after, has_substance, is_new)
