"""A finding: one thing that a rule found. Standard library only, because the hook imports this."""

from enum import StrEnum

from codex_orchestrator.text.lean_typing import NamedTuple


class Severity(StrEnum):
    """The severity of a finding. Only an error fails a verdict."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Finding(NamedTuple):
    """One thing that a rule found, where it is, and how to fix it.

    `path` is relative to the repository with forward slashes ("" when there is none); `line`
    counts from 1 (0 when there is none).
    """

    rule: str
    severity: Severity
    path: str
    line: int
    message: str
    fix: str = ""

    def as_document(self) -> dict[str, str | int]:
        """Return the finding as in JSON documents."""
        return self._asdict() | {"severity": str(self.severity)}


def has_errors(findings: tuple[Finding, ...]) -> bool:
    """Say whether any finding is an error."""
    return any(finding.severity is Severity.ERROR for finding in findings)
