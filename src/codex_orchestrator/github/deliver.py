"""Deliver a review: first to the job summary, then as a comment; report what was published."""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from codex_orchestrator.github.comment import (
    StickyText,
    comment_key,
    keep_comment,
)
from codex_orchestrator.github.interface import DeliveryTarget
from codex_orchestrator.github.outputs import append_summary
from codex_orchestrator.github.pull_request import PullRequest, RefusedWriteError
from codex_orchestrator.model.delivery import Delivery, Posted, Undelivered
from codex_orchestrator.model.manifest import Manifest
from codex_orchestrator.text.markdown import Markdown

DEFAULT_AUTHOR = "github-actions[bot]"
_NUMBER = re.compile(r"[0-9]{1,18}")
# With these reasons the summary is enough; with the others the review is out of date.
_SUMMARY_IS_ENOUGH = frozenset(
    [Undelivered.NO_TOKEN, Undelivered.READ_ONLY_TOKEN, Undelivered.NO_PULL_REQUEST]
)


def deliver_review(
    manifest: Manifest, text: Markdown, targets: Sequence[DeliveryTarget]
) -> Delivery:
    """Deliver a review to each target; the last one is what was asked for.

    Where it could not be reached and the job summary has the text, the delivery is degraded.

    Raises:
        ServiceError: a service failed after its retries; targets before it have the text.
        NotCheckedError: the token is wrong, or the pull request is not visible.
    """
    outcomes = [target.deliver(manifest, text) for target in targets]
    last = outcomes[-1]
    is_in_summary = any(outcome.is_in_summary for outcome in outcomes)
    is_degraded = is_in_summary and last.reason in _SUMMARY_IS_ENOUGH
    posted = Posted.DEGRADED if is_degraded else last.posted
    return last.after_all(posted, is_in_summary=is_in_summary)


@dataclass(frozen=True)
class JobSummary:
    """The summary of the workflow's job; `path` is "" when there is none."""

    path: str

    def deliver(self, manifest: Manifest, text: Markdown) -> Delivery:
        """Append the review to the summary, unless it already has it.

        Raises:
            InputError: the file cannot be written.
        """
        if not self.path:
            return _undelivered(
                Undelivered.NO_SUMMARY,
                "there is no job summary here: GITHUB_STEP_SUMMARY is not set",
                fix="run it in a workflow, or ask for the comment too",
            )
        append_summary(self.path, text)
        return Delivery(posted=Posted.TRUE, is_in_summary=True)


@dataclass(frozen=True, kw_only=True)
class WorkflowJob:
    """The job of a workflow that this process runs in, and the number and attempt of its run.

    Outside CI the names are `local` and the run number counts by the run's own start.
    """

    workflow: str = "local"
    job: str = "local"
    run: tuple[int, int] | None = None

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "WorkflowJob":
        """Read the variables of the runner."""
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
class MissingPullRequest:
    """A requested comment that cannot be made, and why."""

    reason: Undelivered
    detail: str
    fix: str

    def deliver(self, manifest: Manifest, text: Markdown) -> Delivery:
        """Return why nothing was delivered."""
        return _undelivered(self.reason, self.detail, fix=self.fix)


@dataclass(frozen=True, kw_only=True)
class ReviewComment:
    """The sticky comment on one pull request.

    `merge_head` holds the merge commit of the event and the head that it merges: a run on the one
    is about the other.
    """

    open_pull_request: Callable[[], AbstractContextManager[PullRequest]]
    author: str
    job: WorkflowJob
    merge_head: tuple[str, str]
    wait: Callable[[float], None]

    def deliver(self, manifest: Manifest, text: Markdown) -> Delivery:
        """Create or update the comment and read it back.

        Raises:
            ServiceError: GitHub failed after its retries.
            NotCheckedError: the token is wrong, or the pull request is not to be seen.
        """
        with self.open_pull_request() as pull_request:
            head = pull_request.head_sha()
            if head not in self._heads(manifest):
                return _undelivered(
                    Undelivered.HEAD_MOVED,
                    f"the pull request is at {head[:12]}; the run is about "
                    f"{(manifest.run.head_sha or manifest.run.base_sha)[:12]}",
                    fix="run the task again on the new head; check out the head, not the merge",
                )
            sticky = StickyText(
                key=comment_key(self.job.workflow, self.job.job, manifest.task.id),
                run=self.job.run or (_moment(manifest.run.started_at), manifest.run.attempt),
                head_sha=head,
                text=text,
            )
            try:
                return keep_comment(pull_request, sticky, author=self.author, wait=self.wait)
            except RefusedWriteError as error:
                return _undelivered(Undelivered.READ_ONLY_TOKEN, error.message, fix=error.fix)

    def _heads(self, manifest: Manifest) -> frozenset[str]:
        merge, head = self.merge_head
        heads = {manifest.run.base_sha, manifest.run.head_sha} - {""}
        return frozenset(heads | ({head} if merge == manifest.run.base_sha else set()))


def _undelivered(reason: Undelivered, detail: str, *, fix: str) -> Delivery:
    return Delivery(posted=Posted.FALSE, reason=reason, detail=detail, fix=fix)


def _moment(timestamp: str) -> int:
    """Return an RFC 3339 time as a number with the same order."""
    return int("".join(char for char in timestamp if char.isdigit())[:17] or "0")
