"""The guard's report as Markdown for the job summary."""

from collections.abc import Mapping, Sequence
from typing import Any

from codex_orchestrator.model.finding import Finding, Severity
from codex_orchestrator.text.markdown import Markdown, code, line, location, table


def read_findings(report: Mapping[str, Any]) -> tuple[Finding, ...]:
    """Return the findings of a `guard-report.v1` document."""
    return tuple(
        Finding(**{**entry, "severity": Severity(entry["severity"])})
        for entry in report.get("findings", ())
    )


def guard_summary(report: Mapping[str, Any], findings: Sequence[Finding]) -> Markdown:
    """Return what the guard checked and every finding."""
    checked = report.get("checked", {})
    head = (
        f"## Spec guard: {line(str(report.get('outcome', 'not checked')))}\n\n"
        f"Checked {checked.get('code', 0)} changed code paths and {checked.get('specs', 0)} specs "
        f"as of {line(str(report.get('as_of', '')))}, "
        f"{code(str(report.get('base') or 'the beginning')[:12])} to "
        f"{code(str(report.get('head') or 'the index')[:12])}."
    )
    if not findings:
        return Markdown(f"{head}\n\nNo findings.")
    rows = (
        (
            finding.severity,
            location(finding.path, finding.line),
            f"{code(finding.rule)} {line(finding.message)}",
            line(finding.fix),
        )
        for finding in findings
    )
    return Markdown(f"{head}\n\n{table(('severity', 'where', 'what', 'fix'), rows)}")
