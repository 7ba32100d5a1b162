"""The review: what the reviewer and the lint rules found, and the decision."""

from enum import StrEnum

from codex_orchestrator.model.document import Document
from codex_orchestrator.model.finding import Finding, Severity


class Decision(StrEnum):
    """The decision of a review."""

    APPROVE = "approve"
    REQUEST_CHANGES = "request-changes"


class ReviewFinding(Document):
    """A finding in a document; see `Finding` for the fields."""

    rule: str
    severity: Severity
    path: str = ""
    line: int = 0
    message: str
    fix: str = ""

    @classmethod
    def of(cls, finding: Finding) -> "ReviewFinding":
        """Return a finding as a document."""
        return cls(**finding._asdict())


class Review(Document):
    """The reviewer's decision, its findings and a summary in Markdown."""

    decision: Decision
    findings: tuple[ReviewFinding, ...] = ()
    summary: str


def merge_review(review: Review, found: tuple[Finding, ...]) -> Review:
    """Add findings of rules to a review. The reviewer cannot overrule an error found by a rule."""
    extra = tuple(ReviewFinding.of(finding) for finding in found)
    blocked = any(finding.severity is Severity.ERROR for finding in extra)
    return Review(
        decision=Decision.REQUEST_CHANGES if blocked else review.decision,
        findings=extra + review.findings,
        summary=review.summary,
    )
