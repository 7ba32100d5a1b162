"""Which tests a check ran, by name, on code from where, and what that says about the check."""

import hashlib
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Literal, NamedTuple

from codex_orchestrator.model.verdict import ValidationStatus
from codex_orchestrator.text.shown import one_line


class Outcome(StrEnum):
    """What became of a test. A test that failed as it was expected to counts as skipped."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    DESELECTED = "deselected"


class SuiteRun(NamedTuple):
    """What a report says of a run of tests.

    `outcomes` holds what became of each test by its name. `problem` says why the report proves
    nothing, "" when it is whole: it is missing, cannot be read, or ends before the run did.
    """

    outcomes: Mapping[str, Outcome]
    problem: str = ""

    def named(self, outcome: Outcome) -> tuple[str, ...]:
        """Return the names of the tests with an outcome, in their order."""
        return tuple(name for name, found in self.outcomes.items() if found is outcome)

    def failures(self, *, limit: int = 500) -> tuple[str, ...]:
        """Return the names of failed tests; beyond `limit`, a last line counts the rest."""
        failed = self.named(Outcome.FAILED)
        rest = (f"and {len(failed) - limit} more",) if len(failed) > limit else ()
        return failed[:limit] + rest

    @property
    def executed(self) -> int:
        """The number of tests that ran, whatever came of it."""
        ran = (Outcome.PASSED, Outcome.FAILED)
        return sum(outcome in ran for outcome in self.outcomes.values())


CodeOrigin = Literal["work-tree", "elsewhere"]
_THIRD_PARTY = frozenset(["site-packages", "dist-packages", "node_modules"])
_GRAVITY = (Outcome.DESELECTED, Outcome.SKIPPED, Outcome.PASSED, Outcome.FAILED)
MAX_NAME = 300


def add_outcome(outcomes: dict[str, Outcome], name: str, outcome: Outcome) -> None:
    """Add what became of a test; of several results under one name the worst counts.

    A name is shown in one line. One of more than 300 characters is cut, and ends in a digest.
    """
    start = name[:MAX_NAME]
    shown = start if start.isascii() and start.isprintable() else one_line(start, limit=None)
    if len(name) > MAX_NAME or len(shown) > MAX_NAME:
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        shown = f"{shown[: MAX_NAME - 14]}~{digest}"
    if shown in outcomes:
        outcome = max(outcomes[shown], outcome, key=_GRAVITY.index)
    outcomes[shown] = outcome


def judge_tests(status: ValidationStatus, run: SuiteRun) -> tuple[ValidationStatus, str]:
    """Return what a check's exit code and its report prove together, and why it is no more.

    A failure is one by the exit code or by any failed test; success needs both a good exit code
    and a whole report in which a test was executed.
    """
    if status not in (ValidationStatus.PASSED, ValidationStatus.FAILED):
        return status, ""
    failed = run.named(Outcome.FAILED)
    if not run.executed and not run.problem:
        skipped = len(run.named(Outcome.SKIPPED))
        left_out = len(run.named(Outcome.DESELECTED))
        counts = f"{skipped} were skipped, {left_out} deselected"
        return ValidationStatus.NOT_RUN, f"no test was executed: {counts}"
    if status is ValidationStatus.FAILED:
        return status, ""
    if failed:
        return ValidationStatus.FAILED, f"the exit code is 0, and {failed[0]} failed"
    if run.problem:
        return ValidationStatus.NOT_RUN, f"the exit code is 0, and {run.problem}"
    return status, ""


def judge_code(loaded: Mapping[str, str], *, trees: Sequence[str]) -> tuple[CodeOrigin | None, str]:
    """Return where code was loaded from, and what came from elsewhere; None if it is not known.

    Code is from elsewhere if it lies in another work tree of the repository, except in a folder of
    third parties there, or if an installed copy was loaded in place of the work tree's own.

    Args:
        loaded: the real paths of what was loaded, as far as it may matter; each with the work
            tree's own file of the same module where it stands in place of that, else with "". It
            is the work tree's own path where that file is not known.
        trees: real paths: the work tree that was checked, then the repository's other ones.
    """
    tree, *others = map(PurePosixPath, trees)
    for name, instead in loaded.items():
        path = PurePosixPath(name)
        if instead:
            meant = _below(PurePosixPath(instead), tree)
            what = meant if meant.parts else "this project"
            copy = f"{_installed_name(path)} was loaded, an installed copy of {what}"
            return "elsewhere", copy
        if path.is_relative_to(tree):
            continue
        for other in others:
            if path.is_relative_to(other) and _THIRD_PARTY.isdisjoint(_below(path, other).parts):
                shown = _below(path, other)
                return "elsewhere", f"{shown} was loaded from another work tree"
    return "work-tree" if loaded else None, ""


def _installed_name(path: PurePosixPath) -> str:
    # Records do not say where things lie on this machine.
    parts = path.parts
    starts = [number for number, part in enumerate(parts) if part in _THIRD_PARTY]
    return "/".join(parts[starts[-1] :]) if starts else path.name


def _below(path: PurePosixPath, folder: PurePosixPath) -> PurePosixPath:
    return path.relative_to(folder) if path.is_relative_to(folder) else path
