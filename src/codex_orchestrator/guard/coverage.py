"""Coverage: which spec allows each changed code path, and which specs do not."""

from collections.abc import Callable, Mapping

from codex_orchestrator.guard.case import Case
from codex_orchestrator.guard.spec_edits import SpecEdit
from codex_orchestrator.guard.specs import Spec
from codex_orchestrator.system.git_output import Change
from codex_orchestrator.text.lean_typing import NamedTuple

IsSound = Callable[[Spec], bool]
"""Tells whether a spec may allow code: it has no error."""


class Coverage(NamedTuple):
    """What the changed code relies on.

    `relied_on`: per code path the sound specs that own it, or that carry it when nobody does.
    `failing`: per spec path the code that needs it and that no sound spec owns.
    `uncovered`: code that no spec owns and none carries. `carriers`: edits that carry such code.
    """

    relied_on: Mapping[str, tuple[Spec, ...]]
    failing: Mapping[str, tuple[str, ...]]
    uncovered: tuple[Change, ...]
    carriers: tuple[SpecEdit, ...]
    is_sound: IsSound

    def needed(self) -> set[str]:
        """Return the paths of the specs that changed code needs, sound or not."""
        return {*self.failing, *(spec.path for specs in self.relied_on.values() for spec in specs)}


def cover(case: Case, is_sound: IsSound) -> Coverage:
    """Decide which specs allow each changed code path."""
    relied_on: dict[str, tuple[Spec, ...]] = {}
    failing: dict[str, list[str]] = {}
    unowned: list[Change] = []
    for change in case.code:
        owners = case.owners_of(change)
        sound = tuple(filter(is_sound, owners))
        if sound:
            relied_on[change.path] = sound
        elif owners:
            for spec in [spec for spec in owners if spec.is_active] or owners:
                failing.setdefault(spec.path, []).append(change.path)
        else:
            unowned.append(change)
    carriers: tuple[SpecEdit, ...] = ()
    if unowned and case.config.unowned == "touched":
        carriers = tuple(edit for edit in case.edits if carries(edit, is_sound))
    if carriers:
        specs = tuple(edit.after for edit in carriers if edit.after is not None)
        relied_on |= {change.path: specs for change in unowned}
    is_excused = bool(carriers) or case.config.unowned == "ignore"
    if case.is_audit:
        is_excused = case.config.unowned != "error"
    return Coverage(
        relied_on,
        {path: tuple(code) for path, code in failing.items()},
        () if is_excused else tuple(unowned),
        carriers,
        is_sound,
    )


def carries(edit: SpecEdit, is_sound: IsSound) -> bool:
    """Say whether a spec edit can carry code that nobody owns.

    It must say something, in a sound spec that is new or owns no paths.
    """
    return (
        edit.after is not None
        and edit.has_substance
        and (edit.is_new or not edit.after.facts.paths)
        and is_sound(edit.after)
    )
