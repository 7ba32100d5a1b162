"""The verdict: the value behind exit code, manifest, comment and check."""

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


def exit_code_of(verdict: Verdict) -> ExitCode:
    """Return the exit code of a verdict."""
    return ExitCode.OK if verdict is Verdict.APPROVED else ExitCode.FINDINGS


def choose_verdict(statuses: tuple[ValidationStatus, ...], *, is_approved: bool) -> Verdict:
    """Decide the verdict from the results of the checks and whether the review approved.

    No check at all, or one that could not run, is not a pass.
    """
    if not statuses or any(status is not ValidationStatus.PASSED for status in statuses):
        return Verdict.FAILED
    return Verdict.APPROVED if is_approved else Verdict.CHANGES_REQUESTED
