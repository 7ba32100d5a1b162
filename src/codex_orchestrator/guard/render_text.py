"""The report for people: path:line, rule, what is wrong, how to mend it."""

from codex_orchestrator.guard.report import NOT_CHECKED, NOTHING_VIEW, Report
from codex_orchestrator.model.finding import Finding, Severity
from codex_orchestrator.text.shown import one_line

SHOWN_PER_RULE = 30
_COLOURS = {Severity.ERROR: "31", Severity.WARNING: "33", Severity.NOTE: "36"}


def render_findings(report: Report, *, has_colour: bool) -> str:
    """Return the findings as lines of text; "" when there are none."""
    lines: list[str] = []
    count: dict[str, int] = {}
    listed: list[Finding] = []
    for finding in report.findings:
        count[finding.rule] = count.get(finding.rule, 0) + 1
        if count[finding.rule] <= SHOWN_PER_RULE:
            listed.append(finding)
    for number, finding in enumerate(listed, start=1):
        # One way out for a row of findings is said once, after the last of them.
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


def _place(finding: Finding) -> str:
    if not finding.path:
        return ""
    # A CI log obeys lines that start with `::`; a file may have such a name.
    safe = f"./{finding.path}" if finding.path.lstrip().startswith("::") else finding.path
    return f"{_line(safe)}:{finding.line}: " if finding.line else f"{_line(safe)}: "


def _line(text: str) -> str:
    return one_line(text, limit=None).replace("##[", "## [")


def render_summary(report: Report) -> str:
    """Return one line that says the outcome and what it rests on."""
    if report.outcome == NOT_CHECKED:
        return "spec guard: not checked"
    if report.view == NOTHING_VIEW:
        return "spec guard: passed: the event brings no change"
    errors = sum(finding.severity is Severity.ERROR for finding in report.findings)
    warnings = sum(finding.severity is Severity.WARNING for finding in report.findings)
    code, specs = _count(report.code, "code path"), _count(report.specs, "spec")
    if report.view == "all":
        looked_at = f"{specs} and {code} audited"
    elif report.code:
        looked_at = f"{code}, {specs} checked"
    elif report.specs:
        looked_at = f"the change touches no code; {specs} checked"
    else:
        looked_at = "the change touches no code and no spec"
    found = f"{_count(errors, 'error')}, {_count(warnings, 'warning')}"
    return f"spec guard: {report.outcome}: {found}; {looked_at} (as of {report.as_of})"


def _count(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")
