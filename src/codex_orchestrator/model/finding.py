"""A finding: one thing that a rule saw. Standard library only: the hook imports this."""

from enum import StrEnum
from typing import NamedTuple


class Severity(StrEnum):
    """How much a finding matters. Only an error makes a verdict bad."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Finding(NamedTuple):
    """One thing that a rule saw, where, and what to do about it.

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
        """Return the finding as it stands in JSON documents."""
        return self._asdict() | {"severity": str(self.severity)}


def has_errors(findings: tuple[Finding, ...]) -> bool:
    """Say whether any finding is an error."""
    return any(finding.severity is Severity.ERROR for finding in findings)
