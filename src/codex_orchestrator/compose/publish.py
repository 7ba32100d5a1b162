"""Where a review is published: the pull request of this workflow or of the command line."""

import time
from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from codex_orchestrator.compose.records_home import records_home
from codex_orchestrator.compose.run import open_broker
from codex_orchestrator.github.deliver import (
    JobSummary,
    MissingPullRequest,
    ReviewComment,
    WorkflowJob,
)
from codex_orchestrator.github.event import ChangeEvent, read_event
from codex_orchestrator.github.interface import DeliveryTarget
from codex_orchestrator.model.config import Settings
from codex_orchestrator.model.credential import Scope, Secret
from codex_orchestrator.model.delivery import Undelivered
from codex_orchestrator.model.errors import InputError, NotCheckedError
from codex_orchestrator.runs.audit import FileAuditLog
from codex_orchestrator.runs.store import FileRunStore
from codex_orchestrator.system.clock import utc_now
from codex_orchestrator.verbs.publish_review import PublishRooms


class Target(NamedTuple):
    """The options of the command line for where to publish."""

    pull_request: int | None
    repository: str | None
    post: tuple[str, ...]
    author: str


def open_publishing(
    settings: Settings, target: Target, environment: Mapping[str, str]
) -> PublishRooms:
    """Return everything that publishing a review needs.

    Args:
        settings: the repository of the run, and its configuration.
        target: where to publish.
        environment: variables of the workflow, and the token in GITHUB_TOKEN.

    Raises:
        InputError: the repository is not OWNER/NAME, or the payload of the event is not valid.
        NotCheckedError: the event names no change, and no pull request was given.
    """
    repo = records_home(settings.repo).folder
    broker = open_broker(environment, settings)
    return PublishRooms(
        store=FileRunStore(repo),
        audit=FileAuditLog(repo, clock=utc_now),
        targets=_targets(target, environment, broker.get(Scope.GITHUB)),
        redactor=broker.redactor,
    )


def _targets(
    target: Target, environment: Mapping[str, str], token: Secret | None
) -> tuple[DeliveryTarget, ...]:
    event = _event(environment, is_needed=target.pull_request is None)
    summary = JobSummary(environment.get("GITHUB_STEP_SUMMARY", ""))
    comment = _comment(target, event, environment, token)
    return (summary, comment) if "comment" in target.post else (summary,)


def _event(environment: Mapping[str, str], *, is_needed: bool) -> ChangeEvent | None:
    if not environment.get("GITHUB_EVENT_NAME"):
        return None
    try:
        return read_event(environment)
    except NotCheckedError:
        if is_needed:
            raise
        return None


def _comment(
    target: Target,
    event: ChangeEvent | None,
    environment: Mapping[str, str],
    token: Secret | None,
) -> DeliveryTarget:
    from codex_orchestrator.github.client import DEFAULT_API_URL
    from codex_orchestrator.github.pull_request import PullRequest

    number = target.pull_request or (event.pull_request if event else None)
    if number is None:
        return MissingPullRequest(
            reason=Undelivered.NO_PULL_REQUEST,
            detail="there is no pull request to comment on",
            fix="give one with --pr N",
        )
    if token is None:
        return MissingPullRequest(
            reason=Undelivered.NO_TOKEN,
            detail="there is no GitHub token",
            fix="set GITHUB_TOKEN to a token that may write pull requests",
        )
    repository = target.repository or environment.get("GITHUB_REPOSITORY", "")
    if repository.count("/") != 1:
        raise InputError(
            f"{repository!r} is not OWNER/NAME",
            field="--repository",
            fix="give --repository OWNER/NAME, or set GITHUB_REPOSITORY",
        )
    api_url = environment.get("GITHUB_API_URL") or DEFAULT_API_URL
    return ReviewComment(
        open_pull_request=partial(PullRequest, repository, number, token=token, api_url=api_url),
        author=target.author,
        job=WorkflowJob.of(environment),
        merge_head=(event.checkout_sha, event.head_sha) if event else ("", ""),
        wait=time.sleep,
    )
