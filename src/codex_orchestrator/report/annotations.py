"""The report as GitHub annotations: workflow commands with every value escaped."""

from codex_orchestrator.guard.report import Report
from codex_orchestrator.model.finding import Finding, Severity
from codex_orchestrator.text.shown import workflow_command

SHOWN_PER_KIND = 10
"""GitHub shows ten annotations of a kind for one step and drops the rest without a word."""

_KINDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def render_github(report: Report) -> str:
    """Return one workflow command for each finding, at most ten of a kind, and count the rest."""
    lines = []
    for severity, kind in _KINDS.items():
        findings = [finding for finding in report.findings if finding.severity is severity]
        lines += [_command(kind, finding) for finding in findings[:SHOWN_PER_KIND]]
        if len(findings) > SHOWN_PER_KIND:
            left = len(findings) - SHOWN_PER_KIND
            lines.append(f"spec guard: {left} more of kind {kind}, not annotated (limit of GitHub)")
    return "".join(f"{line}\n" for line in lines)


def _command(kind: str, finding: Finding) -> str:
    text = finding.message + (f"\nfix: {finding.fix}" if finding.fix else "")
    line = finding.line if finding.path else 0
    return workflow_command(kind, text, file=finding.path, line=line, title=finding.rule)
