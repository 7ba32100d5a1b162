"""Deliver a review: to the job summary first, then as a comment; say what readers really got."""

import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from codex_orchestrator.github.comment import (
    CommentThread,
    DeliveredComment,
    RefusedWriteError,
    StickyText,
    comment_key,
    keep_comment,
)
from codex_orchestrator.github.outputs import append_summary
from codex_orchestrator.model.delivery import Delivery, Posted, Undelivered
from codex_orchestrator.model.manifest import Manifest
from codex_orchestrator.text.markdown import Markdown

DEFAULT_AUTHOR = "github-actions[bot]"
_NUMBER = re.compile(r"[0-9]{1,18}")


class ReviewThread(CommentThread, Protocol):
    """A pull request as publishing needs it."""

    def head_sha(self) -> str:
        """Return the commit that the pull request's head is at now."""
        ...


@dataclass(frozen=True, kw_only=True)
class Workplace:
    """Where this process runs: the workflow's and job's names, its run number and attempt.

    Outside CI the names are `local` and the run number counts by the run's own start.
    """

    workflow: str = "local"
    job: str = "local"
    run: tuple[int, int] | None = None

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Workplace":
        """Read the runner's variables."""
        number = environment.get("GITHUB_RUN_ID", "")
        attempt = environment.get("GITHUB_RUN_ATTEMPT", "1")
        if not (_NUMBER.fullmatch(number) and _NUMBER.fullmatch(attempt)):
            return cls()
        return cls(
            workflow=environment.get("GITHUB_WORKFLOW", "") or "workflow",
            job=environment.get("GITHUB_JOB", "") or "job",
            run=(int(number), int(attempt)),
        )


@dataclass(frozen=True, kw_only=True)
class GitHubDesk:
    """Publishes reviews on one pull request.

    `open_thread` opens the pull request; None when `missing` says why there is none. `heads` are
    the commits that the run may be about, besides those that its manifest names: the head of the
    event, when the run worked on the merge commit of that event. `summary_path` is "" where there
    is no job summary; `wants_comment` is false when only the summary was asked for.
    """

    open_thread: Callable[[], AbstractContextManager[ReviewThread]] | None
    missing: tuple[Undelivered, str, str] | None
    summary_path: str
    wants_comment: bool
    author: str
    workplace: Workplace
    merge_head: tuple[str, str]
    wait: Callable[[float], None]

    def deliver(self, manifest: Manifest, text: Markdown) -> Delivery:
        """Publish a review's text and read back where it stands.

        Raises:
            ServiceError: GitHub failed after its retries; the job summary has the text.
            NotCheckedError: the token is wrong, or the pull request is not to be seen.
        """
        if self.summary_path:
            append_summary(self.summary_path, text)
        if not self.wants_comment:
            if self.summary_path:
                return Delivery(posted=Posted.TRUE, is_in_summary=True)
            return self._lesser(
                Undelivered.NO_SUMMARY,
                "there is no job summary here: GITHUB_STEP_SUMMARY is not set",
                "run it in a workflow, or ask for the comment too",
            )
        if self.open_thread is None:
            reason, detail, fix = self.missing or (Undelivered.NO_PULL_REQUEST, "", "")
            return self._lesser(reason, detail, fix)
        with self.open_thread() as thread:
            head = thread.head_sha()
            if head not in self._heads(manifest):
                return Delivery(
                    posted=Posted.FALSE,
                    reason=Undelivered.HEAD_MOVED,
                    detail=f"the pull request is at {head[:12]}; the run is about "
                    f"{(manifest.run.head_sha or manifest.run.base_sha)[:12]}",
                    fix="run the task again on the new head; check out the head, not the merge",
                    is_in_summary=bool(self.summary_path),
                )
            try:
                comment = keep_comment(
                    thread, self._sticky(manifest, text, head), author=self.author, wait=self.wait
                )
            except RefusedWriteError as error:
                return self._lesser(Undelivered.READ_ONLY_TOKEN, error.message, error.fix)
        return self._posted(comment)

    def _heads(self, manifest: Manifest) -> frozenset[str]:
        merge, head = self.merge_head
        heads = {manifest.run.base_sha, manifest.run.head_sha} - {""}
        return frozenset(heads | ({head} if merge == manifest.run.base_sha else set()))

    def _sticky(self, manifest: Manifest, text: Markdown, head: str) -> StickyText:
        place = self.workplace
        return StickyText(
            key=comment_key(place.workflow, place.job, manifest.task.id),
            run=place.run or (_moment(manifest.run.started_at), manifest.run.attempt),
            head_sha=head,
            text=text,
        )

    def _lesser(self, reason: Undelivered, detail: str, fix: str) -> Delivery:
        return Delivery(
            posted=Posted.DEGRADED if self.summary_path else Posted.FALSE,
            reason=reason,
            detail=detail,
            fix=fix,
            is_in_summary=bool(self.summary_path),
        )

    def _posted(self, comment: DeliveredComment) -> Delivery:
        is_newer = comment.action == "superseded"
        return Delivery(
            posted=Posted.FALSE if is_newer else Posted.TRUE,
            reason=Undelivered.NEWER_RUN if is_newer else None,
            detail="a newer run has published its review; it was left alone" if is_newer else "",
            is_in_summary=bool(self.summary_path),
            comment_id=comment.id,
            comment_url=comment.url,
            comment_author=comment.author,
            comment_action=comment.action,
            comment_digest=comment.digest,
        )


def _moment(timestamp: str) -> int:
    """Return a time of RFC 3339 as a number that grows with it."""
    return int("".join(char for char in timestamp if char.isdigit())[:17] or "0")
