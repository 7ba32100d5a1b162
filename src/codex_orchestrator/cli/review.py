"""`codex-orchestrator review publish`: a run's review as one comment that is kept up to date."""

import os
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from codex_orchestrator.cli.console import echo_json, say
from codex_orchestrator.cli.options import format_option, repository_options
from codex_orchestrator.model.errors import ExitCode, InputError, NotCheckedError
from codex_orchestrator.system.git import repository_root
from codex_orchestrator.text.shown import printable

if TYPE_CHECKING:
    from codex_orchestrator.github.deliver import GitHubDesk, ReviewThread
    from codex_orchestrator.github.event import ChangeEvent
    from codex_orchestrator.model.credential import Secret
    from codex_orchestrator.model.delivery import Undelivered
    from codex_orchestrator.verbs.publish_review import PublishedReview, PublishRooms

EXAMPLES = """\b
Examples:
  codex-orchestrator review publish 20261122t191500z-4f3a2b --staged-only
  codex-orchestrator review publish 20261122t191500z-4f3a2b --pr 7 --repository your-org/shop
"""
PLACES = ("comment", "summary")
Missing = tuple["Undelivered", str, str]


class Target(NamedTuple):
    """What the command line says about where to publish."""

    pull_request: int | None
    repository: str | None
    post: tuple[str, ...]
    author: str


@click.group()
def review() -> None:
    """Publish a run's review on a pull request."""


def _places(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[str, ...]:
    wanted = tuple(part.strip() for part in value.split(",") if part.strip())
    unknown = [part for part in wanted if part not in PLACES]
    if unknown or not wanted:
        raise click.BadParameter(f"{value!r}: choose from {', '.join(PLACES)}")
    return wanted


@review.command(epilog=EXAMPLES)
@click.argument("run")
@click.option("--pr", type=click.IntRange(min=1), help="Pull request (default: the event's).")
@click.option("--repository", metavar="OWNER/NAME", help="On GitHub (default: the workflow's).")
@click.option(
    "--post",
    default="comment,summary",
    show_default=True,
    callback=_places,
    metavar="PLACE,...",
    help="Where to: comment, summary.",
)
@click.option(
    "--author",
    metavar="LOGIN",
    default="github-actions[bot]",
    show_default=True,
    envvar="CODEX_ORCHESTRATOR_COMMENT_AUTHOR",
    help="The login that the token writes with; only its comments are ours.",
)
@click.option("--staged-only", is_flag=True, help="Print the text that would be posted, and stop.")
@click.option("--require-posted", is_flag=True, help="A lesser form than asked for is exit 3.")
@format_option("text", "json")
@repository_options
def publish(
    run: str,
    *,
    pr: int | None,
    repository: str | None,
    post: tuple[str, ...],
    author: str,
    staged_only: bool,
    require_posted: bool,
    output_format: str,
    repo: str | None,
    config: str | None,  # noqa: ARG001 - every command has it; this one reads no configuration
) -> int:
    """Publish the review of RUN: to the job summary first, then as one comment.

    The comment is created once and updated later, and read back each time. Where the token may
    not write, the job summary has the same text and the result is `posted: degraded`.
    """
    from codex_orchestrator.verbs.publish_review import publish_review, render_review

    target = Target(pr, repository, post, author)
    rooms = _compose(Path(repository_root(repo)), target, os.environ)
    if staged_only:
        _, _, text = render_review(run, rooms)
        click.echo(text)
        say("nothing was posted: --staged-only")
        return int(ExitCode.OK)
    published = publish_review(run, rooms)
    if output_format == "json":
        echo_json(_document(published))
    else:
        _say_published(published)
    return int(_exit_code(published, require_posted=require_posted))


def _document(published: "PublishedReview") -> dict[str, Any]:
    manifest, delivery = published.manifest, published.delivery
    return {
        "schema": "publish-report.v1",
        "run_id": manifest.run.id,
        "task_id": manifest.task.id,
        "verdict": manifest.verdict,
        "manifest_sha256": published.manifest_sha256,
        **delivery.model_dump(mode="json"),
    }


def _say_published(published: "PublishedReview") -> None:
    delivery = published.delivery
    if not delivery.is_in_summary and delivery.comment_id is None:
        click.echo(printable(published.text))
    if delivery.changed_nothing:
        say(f"nothing to do: the comment is {delivery.comment_action}")
    if delivery.detail:
        say(delivery.detail)
    if delivery.fix:
        say(f"  fix: {delivery.fix}")
    if delivery.is_in_summary:
        say("the job summary has the whole review")
    reason = f" ({delivery.reason})" if delivery.reason else ""
    click.echo(f"posted: {delivery.posted}{reason}")
    if delivery.comment_url:
        click.echo(f"comment: {delivery.comment_url}")


def _exit_code(published: "PublishedReview", *, require_posted: bool) -> ExitCode:
    from codex_orchestrator.model.delivery import Posted, Undelivered

    delivery = published.delivery
    if delivery.posted is Posted.TRUE or delivery.reason is Undelivered.NEWER_RUN:
        return ExitCode.OK
    is_enough = delivery.posted is Posted.DEGRADED and not require_posted
    return ExitCode.OK if is_enough else ExitCode.NOT_CHECKED


def _compose(repo: Path, target: Target, environment: Mapping[str, str]) -> "PublishRooms":
    from codex_orchestrator.credentials.environment import EnvironmentCredentialBroker
    from codex_orchestrator.model.credential import Scope
    from codex_orchestrator.model.manifest import Manifest
    from codex_orchestrator.report.review_text import review_text
    from codex_orchestrator.runs.audit import FileAuditLog
    from codex_orchestrator.runs.store import FileRunStore
    from codex_orchestrator.system.clock import utc_now
    from codex_orchestrator.text.markdown import Markdown
    from codex_orchestrator.verbs.publish_review import PublishRooms

    broker = EnvironmentCredentialBroker(environment)

    def render(manifest: Manifest, patch: bytes, manifest_sha256: str) -> Markdown:
        return review_text(manifest, patch=patch, manifest_sha256=manifest_sha256)

    return PublishRooms(
        store=FileRunStore(repo),
        audit=FileAuditLog(repo, clock=utc_now),
        desk=_desk(target, environment, broker.get(Scope.GITHUB)),
        render=render,
        finds_secret=broker.redactor.finds_secret,
    )


def _desk(target: Target, environment: Mapping[str, str], token: "Secret | None") -> "GitHubDesk":
    from codex_orchestrator.github.deliver import GitHubDesk, Workplace

    event = _event(environment, is_needed=target.pull_request is None)
    open_thread, missing = _thread(target, event, environment, token)
    return GitHubDesk(
        open_thread=open_thread,
        missing=missing,
        summary_path=environment.get("GITHUB_STEP_SUMMARY", ""),
        wants_comment="comment" in target.post,
        author=target.author,
        workplace=Workplace.of(environment),
        merge_head=(event.checkout_sha, event.head_sha) if event else ("", ""),
        wait=time.sleep,
    )


def _event(environment: Mapping[str, str], *, is_needed: bool) -> "ChangeEvent | None":
    from codex_orchestrator.github.event import read_event

    if not environment.get("GITHUB_EVENT_NAME"):
        return None
    try:
        return read_event(environment)
    except NotCheckedError:
        if is_needed:
            raise
        return None


def _thread(
    target: Target,
    event: "ChangeEvent | None",
    environment: Mapping[str, str],
    token: "Secret | None",
) -> tuple[Callable[[], AbstractContextManager["ReviewThread"]] | None, Missing | None]:
    """Return how to open the pull request; or None and why there is none to open."""
    from codex_orchestrator.github.client import DEFAULT_API_URL, PullRequest
    from codex_orchestrator.model.delivery import Undelivered

    number = target.pull_request or (event.pull_request if event else None)
    if number is None:
        detail = "there is no pull request here to comment on"
        return None, (Undelivered.NO_PULL_REQUEST, detail, "name one with --pr N")
    if token is None:
        fix = "set GITHUB_TOKEN to a token that may write pull requests"
        return None, (Undelivered.NO_TOKEN, "there is no GitHub token here", fix)
    repository = target.repository or environment.get("GITHUB_REPOSITORY", "")
    if repository.count("/") != 1:
        raise InputError(
            f"{repository!r} is not OWNER/NAME",
            field="--repository",
            fix="give --repository OWNER/NAME, or set GITHUB_REPOSITORY",
        )
    api_url = environment.get("GITHUB_API_URL") or DEFAULT_API_URL
    return (lambda: PullRequest(repository, number, token=token, api_url=api_url)), None
