"""What every place for reviews keeps to: those that ship, and the one that the docs show."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from codex_orchestrator.github.client import RetryPolicy
from codex_orchestrator.github.deliver import (
    JobSummary,
    MissingPullRequest,
    ReviewComment,
    WorkflowJob,
)
from codex_orchestrator.github.interface import DeliveryTarget
from codex_orchestrator.github.pull_request import PullRequest
from codex_orchestrator.model.credential import Scope, Secret
from codex_orchestrator.model.delivery import Posted, Undelivered
from codex_orchestrator.text.markdown import Markdown
from support.examples import documented
from support.github_server import BOT, GitHubServer
from support.manifests import HEAD_SHA, make_manifest

TEXT = Markdown("## Codex Orchestrator: approved\n\nReviewed, 0 findings.")
QUICK = RetryPolicy(timeout_s=5, backoff_s=0.0, between_writes_s=0.0)


class Place(NamedTuple):
    """A target, one whose place is missing, and what readers see."""

    target: DeliveryTarget
    missing: DeliveryTarget
    read: Callable[[], list[str]]


def summary(request: pytest.FixtureRequest, folder: Path) -> Place:
    file = folder / "summary.md"
    return Place(
        JobSummary(str(file)), JobSummary(""), lambda: [file.read_text()] if file.exists() else []
    )


def comment(request: pytest.FixtureRequest, folder: Path) -> Place:
    server: GitHubServer = request.getfixturevalue("github")
    server.head_sha = HEAD_SHA
    token = Secret("ghs_canary0123456789", scope=Scope.GITHUB)
    target = ReviewComment(
        open_pull_request=lambda: PullRequest(
            "o/r", 7, token=token, api_url=server.url, retry=QUICK
        ),
        author=BOT,
        job=WorkflowJob(workflow="ci", job="review", run=(100, 1)),
        merge_head=("", ""),
        wait=lambda _seconds: None,
    )
    missing = MissingPullRequest(
        reason=Undelivered.NO_TOKEN, detail="there is no token", fix="set GITHUB_TOKEN"
    )
    return Place(target, missing, lambda: [found["body"] for found in server.comments.values()])


def folder_of_the_docs(request: pytest.FixtureRequest, folder: Path) -> Place:
    made = documented("A delivery target")["FolderTarget"]
    pages = folder / "pages"
    pages.mkdir()
    return Place(
        made(pages),
        made(folder / "nowhere"),
        lambda: [path.read_text() for path in pages.iterdir()],
    )


@pytest.fixture(params=[summary, comment, folder_of_the_docs])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    made: Place = request.param(request, tmp_path)
    return made


def test_readers_find_the_text_and_the_delivery_says_so(place: Place) -> None:
    delivery = place.target.deliver(make_manifest(), TEXT)
    assert delivery.posted is Posted.TRUE
    [text] = place.read()
    assert TEXT in text


def test_delivering_the_same_review_again_changes_nothing(place: Place) -> None:
    place.target.deliver(make_manifest(), TEXT)
    before = place.read()
    assert place.target.deliver(make_manifest(), TEXT).posted is Posted.TRUE
    assert place.read() == before


def test_a_place_that_is_missing_is_an_answer_with_a_reason_and_a_fix(place: Place) -> None:
    delivery = place.missing.deliver(make_manifest(), TEXT)
    assert delivery.posted is Posted.FALSE
    assert delivery.detail
    assert delivery.fix
    assert place.read() == []
