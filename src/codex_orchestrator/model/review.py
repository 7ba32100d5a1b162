"""The review: what the reviewer and the lint rules found, and the decision."""

from enum import StrEnum

from codex_orchestrator.model.document import Document
from codex_orchestrator.model.finding import Finding, Severity


class Decision(StrEnum):
    """What the review asks for."""

    APPROVE = "approve"
    REQUEST_CHANGES = "request-changes"


class ReviewFinding(Document):
    """A finding as it stands in documents; see `Finding` for the fields."""

    rule: str
    severity: Severity
    path: str = ""
    line: int = 0
    message: str
    fix: str = ""

    @classmethod
    def of(cls, finding: Finding) -> "ReviewFinding":
        """Return a finding in its document form."""
        return cls(**finding._asdict())


class Review(Document):
    """The reviewer's decision, its findings and a summary in Markdown."""

    decision: Decision
    findings: tuple[ReviewFinding, ...] = ()
    summary: str


def merge_review(review: Review, found: tuple[Finding, ...]) -> Review:
    """Add what rules found to a review. An error found by a rule cannot be approved away."""
    extra = tuple(ReviewFinding.of(finding) for finding in found)
    blocked = any(finding.severity is Severity.ERROR for finding in extra)
    return Review(
        decision=Decision.REQUEST_CHANGES if blocked else review.decision,
        findings=extra + review.findings,
        summary=review.summary,
    )
