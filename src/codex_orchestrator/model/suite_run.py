"""Which tests a check ran, by name, and what that says about the check."""

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

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
    outcomes[shown] = max(outcomes.get(shown, outcome), outcome, key=_GRAVITY.index)


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
