"""The report of a check: a value, a document, and text for people."""

from codex_orchestrator.guard.dates import write_day
from codex_orchestrator.guard.views import NOTHING, RequestedView
from codex_orchestrator.model.errors import ExitCode, NotCheckedError
from codex_orchestrator.model.finding import Finding, Severity
from codex_orchestrator.text.lean_typing import Any, NamedTuple
from codex_orchestrator.text.shown import counted, one_line, utf8_text

SCHEMA = "guard-report.v1"
PASSED, FAILED, NOT_CHECKED = "passed", "failed", "not-checked"

SHOWN_PER_RULE = 30
_COLOURS = {Severity.ERROR: "31", Severity.WARNING: "33", Severity.NOTE: "36"}
_EXIT_CODES = {
    PASSED: ExitCode.OK,
    FAILED: ExitCode.FINDINGS,
    NOT_CHECKED: ExitCode.NOT_CHECKED,
}


class Checked(NamedTuple):
    """How many code paths and specs were judged, and how many paths the change has."""

    code: int = 0
    specs: int = 0
    paths: int = 0


class Report(NamedTuple):
    """Outcome and findings of one check, and what was checked.

    `base` and `head` are commit ids; head is "index" for the staged change. `as_of` is a day.
    """

    outcome: str
    view: str
    base: str
    head: str
    as_of: str
    checked: Checked
    findings: tuple[Finding, ...]

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of the outcome."""
        return _EXIT_CODES[self.outcome]

    @property
    def is_nothing_staged(self) -> bool:
        """Return whether the index was looked at, and holds no change."""
        return self.view == "staged" and not self.checked.paths

    @property
    def summary(self) -> str:
        """One line with the outcome and what was checked."""
        if self.outcome == NOT_CHECKED:
            return "spec guard: not checked"
        if self.view == NOTHING:
            return "spec guard: passed: the event has no change"
        if self.is_nothing_staged:
            return f"spec guard: {self.outcome}: nothing is staged, so nothing was checked"
        errors = sum(finding.severity is Severity.ERROR for finding in self.findings)
        warnings = sum(finding.severity is Severity.WARNING for finding in self.findings)
        code, specs = counted(self.checked.code, "code path"), counted(self.checked.specs, "spec")
        if self.view == "all":
            looked_at = f"{specs} and {code} audited"
        elif self.checked.code:
            looked_at = f"{code}, {specs} checked"
        elif self.checked.specs:
            looked_at = f"the change touches no code; {specs} checked"
        else:
            looked_at = "the change touches no code and no spec"
        found = f"{counted(errors, 'error')}, {counted(warnings, 'warning')}"
        return f"spec guard: {self.outcome}: {found}; {looked_at} (as of {self.as_of})"

    def as_text(self, *, has_colour: bool = False) -> str:
        """Return the findings as lines of text; "" when there are none."""
        lines: list[str] = []
        count: dict[str, int] = {}
        listed: list[Finding] = []
        for finding in self.findings:
            count[finding.rule] = count.get(finding.rule, 0) + 1
            if count[finding.rule] <= SHOWN_PER_RULE:
                listed.append(finding)
        for number, finding in enumerate(listed, start=1):
            # A fix that several findings in a row share is printed once, after the last of them.
            is_last = number == len(listed) or listed[number].fix != finding.fix
            label = f"{finding.severity} {finding.rule}"
            if has_colour:
                label = f"\x1b[{_COLOURS[finding.severity]}m{label}\x1b[0m"
            place = _place(finding)
            lines.append(f"{place}{label} {_line(finding.message)}")
            if is_last and finding.fix and finding.severity is not Severity.NOTE:
                lines.append(f"  fix: {_line(finding.fix)}")
        for rule, number in count.items():
            if number > SHOWN_PER_RULE:
                lines.append(f"{rule}: {number - SHOWN_PER_RULE} more; --format json shows all")
        return "".join(f"{line}\n" for line in lines)

    def as_document(self) -> dict[str, Any]:
        """Return the report as a JSON document."""
        return {
            "schema": SCHEMA,
            "outcome": self.outcome,
            "view": self.view,
            "base": self.base,
            "head": self.head,
            "as_of": self.as_of,
            "checked": {"code": self.checked.code, "specs": self.checked.specs},
            "findings": [_document(finding) for finding in self.findings],
        }


def _document(finding: Finding) -> dict[str, str | int]:
    safe = finding._replace(path=utf8_text(finding.path), message=utf8_text(finding.message))
    return safe.as_document()


def not_checked(error: NotCheckedError, *, view: RequestedView, today: int) -> Report:
    """Return the report of a check that could not be made."""
    finding = Finding("GUARD001", Severity.ERROR, "", 0, error.message, error.fix)
    return Report(
        outcome=NOT_CHECKED,
        view=view.kind,
        base=view.base,
        head=view.head or ("index" if view.kind == "staged" else "HEAD"),
        as_of=write_day(today),
        checked=Checked(),
        findings=(finding,),
    )


def nothing_to_check(*, today: int) -> Report:
    """Return the report for an event without a change, such as a deleted branch."""
    return Report(PASSED, NOTHING, "", "", write_day(today), Checked(), ())


def _place(finding: Finding) -> str:
    if not finding.path:
        return ""
    # A CI log interprets lines that start with `::`; a file may have such a name.
    safe = f"./{finding.path}" if finding.path.lstrip().startswith("::") else finding.path
    return f"{_line(safe)}:{finding.line}: " if finding.line else f"{_line(safe)}: "


def _line(text: str) -> str:
    return one_line(text, limit=None).replace("##[", "## [")
