"""The result of publishing a review: where it was published, or why not."""

from enum import StrEnum

from codex_orchestrator.model.document import Document


class Posted(StrEnum):
    """Whether everything was published, only a part of it, or nothing."""

    TRUE = "true"
    DEGRADED = "degraded"
    FALSE = "false"


class Undelivered(StrEnum):
    """Why a review was published only in part, or not at all."""

    NO_TOKEN = "no-token"  # noqa: S105 - a reason, not a password
    READ_ONLY_TOKEN = "read-only-token"  # noqa: S105 - a reason, not a password
    NO_PULL_REQUEST = "no-pull-request"
    NO_SUMMARY = "no-summary"
    HEAD_MOVED = "head-moved"
    NEWER_RUN = "newer-run"


class Delivery(Document):
    """The outcome of one publication. `detail` says a reason in words for people.

    `comment_action` is created, updated, unchanged or superseded; `comment_author` is the login
    that GitHub gave the comment. `is_in_summary`: the job summary holds the text.
    """

    posted: Posted
    reason: Undelivered | None = None
    detail: str = ""
    fix: str = ""
    is_in_summary: bool = False
    comment_id: int | None = None
    comment_url: str = ""
    comment_author: str = ""
    comment_action: str = ""
    comment_digest: str = ""

    def after_all(self, posted: Posted, *, is_in_summary: bool) -> "Delivery":
        """Return the outcome with what became of the other targets taken into account."""
        return self.model_copy(update={"posted": posted, "is_in_summary": is_in_summary})

    @property
    def changed_nothing(self) -> bool:
        """Return whether everything was published already."""
        return self.comment_action in ("unchanged", "superseded")
