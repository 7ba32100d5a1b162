"""The verdict: the value behind exit code, manifest, comment and check."""

from collections.abc import Collection
from enum import StrEnum

from codex_orchestrator.model.errors import ExitCode


class Verdict(StrEnum):
    """The result of a run."""

    APPROVED = "approved"
    CHANGES_REQUESTED = "changes-requested"
    FAILED = "failed"


class ValidationStatus(StrEnum):
    """The result of one check."""

    PASSED = "passed"
    FAILED = "failed"
    TIMED_OUT = "timed-out"
    NOT_RUN = "not-run"


def exit_code_of(verdict: Verdict, statuses: Collection[ValidationStatus]) -> ExitCode:
    """Return the exit code of a verdict on checks that ended so.

    Where no check failed and one could not decide, nothing is known to be wrong: not checked.
    """
    if verdict is Verdict.APPROVED:
        return ExitCode.OK
    is_open = ValidationStatus.NOT_RUN in statuses and not (
        {ValidationStatus.FAILED, ValidationStatus.TIMED_OUT} & set(statuses)
    )
    return ExitCode.NOT_CHECKED if is_open else ExitCode.FINDINGS


def choose_verdict(statuses: tuple[ValidationStatus, ...], *, is_approved: bool) -> Verdict:
    """Decide the verdict from the results of the checks and whether the review approved.

    No check at all, or one that could not run, is not a pass.
    """
    if not statuses or any(status is not ValidationStatus.PASSED for status in statuses):
        return Verdict.FAILED
    return Verdict.APPROVED if is_approved else Verdict.CHANGES_REQUESTED
