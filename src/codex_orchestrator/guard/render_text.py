"""The report for people: path:line, rule, what is wrong, how to mend it."""

from codex_orchestrator.guard.report import NOT_CHECKED, Report
from codex_orchestrator.model.finding import Finding, Severity

_COLOURS = {Severity.ERROR: "31", Severity.WARNING: "33", Severity.NOTE: "36"}
SHOWN_PER_RULE = 30


def render_findings(report: Report, *, has_colour: bool) -> str:
    """Return the findings as lines of text; "" when there are none."""
    lines: list[str] = []
    count: dict[str, int] = {}
    shown: list[Finding] = []
    for finding in report.findings:
        count[finding.rule] = count.get(finding.rule, 0) + 1
        if count[finding.rule] <= SHOWN_PER_RULE:
            shown.append(finding)
    for number, finding in enumerate(shown, start=1):
        # One way out for a row of findings is said once, after the last of them.
        is_last = number == len(shown) or shown[number].fix != finding.fix
        lines += _lines(finding, has_colour=has_colour, has_fix=is_last)
    for rule, number in count.items():
        if number > SHOWN_PER_RULE:
            lines.append(f"{rule}: {number - SHOWN_PER_RULE} more; --format json shows all")
    return "".join(f"{line}\n" for line in lines)


def _lines(finding: Finding, *, has_colour: bool, has_fix: bool) -> list[str]:
    place = finding.path.replace("\n", "\\n").replace("\t", "\\t")
    place += f":{finding.line}" if finding.line else ""
    label = f"{finding.severity} {finding.rule}"
    if has_colour:
        label = f"\x1b[{_COLOURS[finding.severity]}m{label}\x1b[0m"
    lines = [f"{place}: {label} {finding.message}" if place else f"{label} {finding.message}"]
    if has_fix and finding.fix and finding.severity is not Severity.NOTE:
        lines.append(f"  fix: {finding.fix}")
    return lines


def render_summary(report: Report) -> str:
    """Return one line that says the outcome and what it rests on."""
    if report.outcome == NOT_CHECKED:
        return "spec guard: not checked"
    errors = sum(finding.severity is Severity.ERROR for finding in report.findings)
    warnings = sum(finding.severity is Severity.WARNING for finding in report.findings)
    parts = [f"{_count(errors, 'error')}, {_count(warnings, 'warning')}"]
    if report.view == "all":
        parts.append(
            f"{_count(report.specs, 'spec')} and {_count(report.code, 'code path')} audited"
        )
    elif not report.code and not report.specs:
        parts.append("the change touches no code and no spec")
    elif not report.code:
        parts.append(f"the change touches no code; {_count(report.specs, 'spec')} checked")
    else:
        parts.append(f"{_count(report.code, 'code path')}, {_count(report.specs, 'spec')} checked")
    return f"spec guard: {report.outcome}: {'; '.join(parts)} (as of {report.as_of})"


def _count(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")
