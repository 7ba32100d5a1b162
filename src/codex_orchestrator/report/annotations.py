"""Findings as GitHub annotations: workflow commands with every value escaped."""

from collections.abc import Iterable

from codex_orchestrator.model.finding import Finding, Severity
from codex_orchestrator.text.shown import workflow_command

SHOWN_PER_KIND = 10
"""GitHub shows ten annotations of a kind for one step and drops the rest silently."""
_MESSAGE_LIMIT = 4_000
_KINDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def annotate(findings: Iterable[Finding]) -> list[str]:
    """Return a workflow command for each finding, ten of a kind at most, and count the rest."""
    lines: list[str] = []
    seen = dict.fromkeys(_KINDS, 0)
    for finding in findings:
        seen[finding.severity] += 1
        if seen[finding.severity] <= SHOWN_PER_KIND:
            lines.append(_annotation(finding))
    return lines + [
        f"{count - SHOWN_PER_KIND} more of kind {_KINDS[severity]} without an annotation: GitHub "
        f"shows {SHOWN_PER_KIND} of a kind"
        for severity, count in seen.items()
        if count > SHOWN_PER_KIND
    ]


def _annotation(finding: Finding) -> str:
    text = finding.message + (f"\nfix: {finding.fix}" if finding.fix else "")
    return workflow_command(
        _KINDS[finding.severity],
        text[:_MESSAGE_LIMIT],
        file=finding.path,
        line=finding.line if finding.path else 0,
        title=finding.rule,
    )
