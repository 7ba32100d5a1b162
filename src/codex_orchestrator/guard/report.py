"""The report: what a check decided, as one value."""

from typing import Any, NamedTuple

from codex_orchestrator.guard.dates import write_day
from codex_orchestrator.guard.views import NOTHING, Wanted
from codex_orchestrator.model.errors import ExitCode, NotCheckedError
from codex_orchestrator.model.finding import Finding, Severity
from codex_orchestrator.text.shown import utf8_text

SCHEMA = "guard-report.v1"
PASSED, FAILED, NOT_CHECKED = "passed", "failed", "not-checked"
NOTHING_VIEW = NOTHING

_EXIT_CODES = {
    PASSED: ExitCode.OK,
    FAILED: ExitCode.FINDINGS,
    NOT_CHECKED: ExitCode.NOT_CHECKED,
}


class Report(NamedTuple):
    """Outcome and findings of one check.

    `base` and `head` are commit ids; head is "index" for the staged change. `as_of` is a day.
    `code` and `specs` count the code paths and specs that were judged.
    """

    outcome: str
    view: str
    base: str
    head: str
    as_of: str
    code: int
    specs: int
    findings: tuple[Finding, ...]

    @property
    def exit_code(self) -> ExitCode:
        """The exit code that says the outcome."""
        return _EXIT_CODES[self.outcome]

    def as_document(self) -> dict[str, Any]:
        """Return the report as it stands in JSON."""
        return {
            "schema": SCHEMA,
            "outcome": self.outcome,
            "view": self.view,
            "base": self.base,
            "head": self.head,
            "as_of": self.as_of,
            "checked": {"code": self.code, "specs": self.specs},
            "findings": [_document(finding) for finding in self.findings],
        }


def _document(finding: Finding) -> dict[str, str | int]:
    safe = finding._replace(path=utf8_text(finding.path), message=utf8_text(finding.message))
    return safe.as_document()


def not_checked(error: NotCheckedError, *, wanted: Wanted, today: int) -> Report:
    """Return the report of a check that could not be made."""
    finding = Finding("GUARD001", Severity.ERROR, "", 0, error.message, error.fix)
    return Report(
        outcome=NOT_CHECKED,
        view=wanted.kind,
        base=wanted.base,
        head=wanted.head or ("index" if wanted.kind == "staged" else "HEAD"),
        as_of=write_day(today),
        code=0,
        specs=0,
        findings=(finding,),
    )


def nothing_to_check(*, wanted: Wanted, today: int) -> Report:
    """Return the report of an event that brings no change, such as a deleted branch."""
    return Report(PASSED, wanted.kind, "", "", write_day(today), 0, 0, ())
