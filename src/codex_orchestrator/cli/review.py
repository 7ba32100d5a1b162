"""`codex-orchestrator review publish`: publish a run's review as one comment, updated later."""

import os
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from codex_orchestrator.cli.console import say
from codex_orchestrator.cli.options import CommonOptions, common_options
from codex_orchestrator.model.errors import ExitCode, NotCheckedError
from codex_orchestrator.text.shown import printable

if TYPE_CHECKING:
    from codex_orchestrator.model.config import Settings
    from codex_orchestrator.verbs.publish_review import PublishedReview

EXAMPLES = """\b
Examples:
  codex-orchestrator review publish 20261122t191500z-4f3a2b --staged-only
  codex-orchestrator review publish 20261122t191500z-4f3a2b --pr 7 --repository your-org/shop
"""
PLACES = ("comment", "summary")


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
    help="Where to publish: comment, summary.",
)
@click.option(
    "--author",
    metavar="LOGIN",
    default="github-actions[bot]",
    show_default=True,
    envvar="CODEX_ORCHESTRATOR_COMMENT_AUTHOR",
    help="Login of the account that the token belongs to; only its comments are edited.",
)
@click.option("--staged-only", is_flag=True, help="Print the text that would be posted, and stop.")
@click.option("--require-posted", is_flag=True, help="Exit 3 unless posted as asked.")
@common_options("text", "json")
def publish(
    common: CommonOptions,
    run: str,
    *,
    pr: int | None,
    repository: str | None,
    post: tuple[str, ...],
    author: str,
    staged_only: bool,
    require_posted: bool,
) -> int:
    """Publish the review of RUN: to the job summary first, then as one comment.

    The comment is created once and updated later, and read back each time. Where the token may
    not write, the job summary has the same text and the result is `posted: degraded`.
    """
    from codex_orchestrator.compose.publish import Target, open_publishing
    from codex_orchestrator.verbs.publish_review import publish_review, render_review

    rooms = open_publishing(_settings(common), Target(pr, repository, post, author), os.environ)
    if staged_only:
        manifest, digest, text = render_review(run, rooms)
        document = {
            "schema": "review-preview.v1",
            "run_id": manifest.run.id,
            "manifest_sha256": digest,
            "text": text,
        }
        common.show(document, partial(click.echo, text))
        say("nothing was posted: --staged-only")
        return int(ExitCode.OK)
    published = publish_review(run, rooms)
    common.show(_document(published), partial(_say_published, published))
    return int(published.exit_code(must_be_posted=require_posted))


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


def _settings(common: CommonOptions) -> "Settings":
    """Return the settings in force; nothing is exempt from masking where they cannot be known.

    A job that publishes has the evidence alone, not the commit that says how we work.
    """
    from codex_orchestrator.model.config import Config

    try:
        return common.settings()
    except NotCheckedError as error:
        say(f"note: {error.message}; every value that looks like a secret is masked")
        return common.settings(is_used=False)._replace(config=Config())
