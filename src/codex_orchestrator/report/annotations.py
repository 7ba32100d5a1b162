"""The report as GitHub annotations: workflow commands with every value escaped."""

from codex_orchestrator.guard.report import Report, shown
from codex_orchestrator.model.finding import Finding, Severity

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
    properties = [f"title={_property(finding.rule)}"]
    if finding.path:
        properties.insert(0, f"file={_property(shown(finding.path))}")
        if finding.line:
            properties.insert(1, f"line={finding.line}")
    text = finding.message + (f"\nfix: {finding.fix}" if finding.fix else "")
    return f"::{kind} {','.join(properties)}::{_data(shown(text))}"


def _data(text: str) -> str:
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    # The runner also obeys an old form of commands in the middle of a line.
    return escaped.replace("##[", "## [")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
