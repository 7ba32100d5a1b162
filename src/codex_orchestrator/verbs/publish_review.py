"""Publish a finished run's review where people read it, and record what was delivered."""

from typing import TYPE_CHECKING, NamedTuple

from codex_orchestrator.model.canonical import sha256_hex
from codex_orchestrator.model.delivery import Delivery, Posted, Undelivered
from codex_orchestrator.model.errors import ExitCode, InputError, NotCheckedError
from codex_orchestrator.model.manifest import Manifest
from codex_orchestrator.model.run import RunState
from codex_orchestrator.report.review_text import review_text
from codex_orchestrator.text.markdown import Markdown
from codex_orchestrator.text.secrets import Redactor

if TYPE_CHECKING:
    from codex_orchestrator.github.interface import DeliveryTarget
    from codex_orchestrator.runs.audit import FileAuditLog
    from codex_orchestrator.runs.store import FileRunStore

_PATCH = "diff.patch"
_MAX_PATCH_BYTES = 64 * 1024 * 1024


class PublishRooms(NamedTuple):
    """What publishing works with; the redactor knows the secrets of this environment.

    The last of the targets is what was asked for.
    """

    store: "FileRunStore"
    audit: "FileAuditLog"
    targets: "tuple[DeliveryTarget, ...]"
    redactor: Redactor


class PublishedReview(NamedTuple):
    """A published review and its delivery."""

    manifest: Manifest
    manifest_sha256: str
    text: Markdown
    delivery: Delivery

    def exit_code(self, *, must_be_posted: bool) -> ExitCode:
        """Return how the command ends; a fallback is enough unless the review must be posted."""
        if self.delivery.posted is Posted.TRUE or self.delivery.reason is Undelivered.NEWER_RUN:
            return ExitCode.OK
        is_enough = self.delivery.posted is Posted.DEGRADED and not must_be_posted
        return ExitCode.OK if is_enough else ExitCode.NOT_CHECKED


def publish_review(run_id: str, rooms: PublishRooms) -> PublishedReview:
    """Publish the review of a finished run and append the delivery to the audit log.

    Publishing the same review again changes nothing and appends nothing.

    Raises:
        InputError: there is no such run, or it has not finished.
        NotCheckedError: the run's patch is not the one in its manifest, or the text has a secret.
        ServiceError: GitHub failed after its retries; the run is kept.
    """
    from codex_orchestrator.github.deliver import deliver_review

    manifest, digest, text = render_review(run_id, rooms)
    delivery = deliver_review(manifest, text, rooms.targets)
    if not delivery.changed_nothing:
        rooms.audit.append(
            "review-published",
            task_id=manifest.task.id,
            run_id=manifest.run.id,
            level="error" if delivery.posted is Posted.FALSE else "info",
            details={
                "posted": str(delivery.posted),
                "reason": delivery.reason and str(delivery.reason),
                "in_summary": delivery.is_in_summary,
                "comment_id": delivery.comment_id,
                "comment_url": delivery.comment_url,
                "comment_author": delivery.comment_author,
                "comment_action": delivery.comment_action,
                "comment_sha256": delivery.comment_digest,
                "manifest_sha256": digest,
            },
        )
    return PublishedReview(manifest, digest, text, delivery)


def render_review(run_id: str, rooms: PublishRooms) -> tuple[Manifest, str, Markdown]:
    """Return a finished run's manifest, its hash and the text to publish; publish nothing.

    Raises:
        InputError: there is no such run, or it has not finished.
        NotCheckedError: the run's patch is not the one in its manifest, or the text has a secret.
    """
    manifest, data = rooms.store.load_with_bytes(run_id)
    if manifest.run.state is not RunState.FINISHED or manifest.verdict is None:
        raise InputError(
            f"run {manifest.run.id} is {manifest.run.state}: only a finished run is published",
            fix=f"finish it: codex-orchestrator run --resume {manifest.run.id}",
        )
    digest = sha256_hex(data)
    patches = [artifact for artifact in manifest.artifacts if artifact.path == _PATCH]
    patch = b"".join(
        rooms.store.read_artifact(manifest, patch, max_bytes=_MAX_PATCH_BYTES)
        for patch in patches[:1]
    )
    tails = rooms.store.failed_tails(manifest)
    text = review_text(manifest, patch=patch, manifest_sha256=digest, tails=tails)
    if rooms.redactor.finds_secret(text):
        raise NotCheckedError(
            f"the review of run {manifest.run.id} holds a secret of this environment (leak scan)",
            fix="find where the run got it, revoke it, and run the task again",
        )
    return manifest, digest, text
