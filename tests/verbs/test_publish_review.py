"""`review publish` on a real run folder and a GitHub that remembers: what readers really get."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from codex_orchestrator.cli.app import run
from codex_orchestrator.model.manifest import Manifest
from codex_orchestrator.model.run import RunState
from codex_orchestrator.runs.store import FileRunStore
from support.github_server import Fault, GitHubServer
from support.manifests import BASE_SHA, HEAD_SHA, PATCH, make_finding, make_manifest

TOKEN = "ghs_canary0123456789"
RUN = "20261122t100000z-abc123"


def store_run(repo: Path, **changes: Any) -> Manifest:
    """Write a run folder as a run leaves it."""
    store = FileRunStore(repo)
    final = make_manifest(**changes)
    store.create(final.task.id, final.run.id)
    begun = final.run.model_copy(update={"state": RunState.RUNNING, "finished_at": None})
    running = final.model_copy(update={"run": begun})
    store.save(running)
    patch = store.artifact(running, "diff.patch", PATCH, kind="diff")
    final = final.model_copy(update={"artifacts": (patch,)})
    store.save(final)
    return final


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    return folder


class Workflow:
    """A step of a workflow on a pull request: its variables, and the command in it."""

    def __init__(self, repo: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
        self.repo, self.monkeypatch, self.capsys = repo, monkeypatch, capsys
        self.summary = repo.parent / "summary.md"
        for name in ("GH_TOKEN", "GITHUB_TOKEN", "GITHUB_STEP_SUMMARY", "GITHUB_EVENT_NAME"):
            monkeypatch.delenv(name, raising=False)

    def start(self, server: GitHubServer, *, number: int = 7, head: str = HEAD_SHA) -> None:
        payload = {
            "pull_request": {
                "number": number,
                "head": {"sha": head, "repo": {"full_name": "o/r"}},
                "base": {"sha": "0" * 39 + "1"},
            }
        }
        event = self.repo.parent / "event.json"
        event.write_text(json.dumps(payload))
        server.head_sha = head
        self.set(
            GITHUB_EVENT_NAME="pull_request",
            GITHUB_EVENT_PATH=str(event),
            GITHUB_REPOSITORY="o/r",
            GITHUB_SHA="9" * 40,
            GITHUB_API_URL=server.url,
            GITHUB_STEP_SUMMARY=str(self.summary),
            GITHUB_WORKFLOW="ci",
            GITHUB_JOB="review",
            GITHUB_RUN_ID="100",
            GITHUB_RUN_ATTEMPT="1",
            GITHUB_TOKEN=TOKEN,
        )

    def set(self, **variables: str) -> None:
        for name, value in variables.items():
            self.monkeypatch.setenv(name, value)

    def unset(self, *names: str) -> None:
        for name in names:
            self.monkeypatch.delenv(name, raising=False)

    def publish(self, *options: str) -> tuple[int, dict[str, Any], str]:
        """Return exit code, the JSON report ({} when there is none) and stderr."""
        argv = ["review", "publish", RUN, "--repo", str(self.repo), "--format", "json", *options]
        code = run(argv)
        said = self.capsys.readouterr()
        assert TOKEN not in said.out + said.err
        return code, json.loads(said.out) if said.out.startswith("{") else {}, said.err

    def audit(self) -> list[dict[str, Any]]:
        log = self.repo / "out" / "audit.log"
        lines = log.read_text().splitlines() if log.exists() else []
        return [line for line in map(json.loads, lines) if line["event"] == "review-published"]


@pytest.fixture
def workflow(repo, monkeypatch, capsys) -> Workflow:
    return Workflow(repo, monkeypatch, capsys)


def test_a_review_is_posted_read_back_and_recorded(repo, workflow, github):
    store_run(repo)
    workflow.start(github)
    code, report, _ = workflow.publish()
    [comment] = github.comments.values()
    assert code == 0
    assert report["posted"] == "true"
    assert report["comment_id"] == comment["id"]
    assert "Reviewed `" + HEAD_SHA in comment["body"]
    assert report["manifest_sha256"] in comment["body"]
    assert comment["body"].startswith(
        "<!-- codex-orchestrator:1 key=ci/review/0007-structured-logging run=100.1 "
    )
    [record] = workflow.audit()
    assert record["details"]["comment_id"] == comment["id"]
    assert record["details"]["posted"] == "true"


def test_the_summary_has_the_same_text_as_the_comment(repo, workflow, github):
    store_run(repo)
    workflow.start(github)
    workflow.publish()
    [comment] = github.comments.values()
    assert workflow.summary.read_text().strip() == comment["body"].partition("\n")[2]


def test_publishing_twice_changes_nothing_and_says_so(repo, workflow, github, capsys):
    store_run(repo)
    workflow.start(github)
    workflow.publish()
    _, report, _ = workflow.publish()
    assert report["comment_action"] == "unchanged"
    assert run(["review", "publish", RUN, "--repo", str(repo)]) == 0
    assert "nothing to do: the comment is unchanged" in capsys.readouterr().err
    assert github.writes() == ["POST"]
    assert len(workflow.audit()) == 1
    assert workflow.summary.read_text().count("## Codex Orchestrator") == 1


def test_a_token_that_may_only_read_leaves_the_review_in_the_summary(repo, workflow, github):
    store_run(repo, review={"decision": "approve", "findings": [make_finding()], "summary": "s"})
    workflow.start(github)
    github.is_read_only = True
    code, report, _ = workflow.publish()
    assert (code, report["posted"], report["reason"]) == (0, "degraded", "read-only-token")
    assert "py-no-print" in workflow.summary.read_text()
    assert github.comments == {}
    assert workflow.audit()[0]["details"]["reason"] == "read-only-token"


def test_without_a_token_the_review_stands_in_the_summary(repo, workflow, github):
    store_run(repo)
    workflow.start(github)
    workflow.unset("GITHUB_TOKEN")
    code, report, _ = workflow.publish()
    assert (code, report["posted"], report["reason"]) == (0, "degraded", "no-token")
    assert "## Codex Orchestrator: approved" in workflow.summary.read_text()
    assert github.exchanges == []


def test_degraded_is_not_enough_when_posting_is_required(repo, workflow, github):
    store_run(repo)
    workflow.start(github)
    workflow.unset("GITHUB_TOKEN")
    assert workflow.publish("--require-posted")[0] == 3


def test_outside_ci_without_a_token_the_text_is_printed_and_nothing_counts_as_posted(
    repo, workflow, capsys
):
    store_run(repo)
    workflow.unset("GITHUB_RUN_ID", "GITHUB_REPOSITORY")
    assert run(["review", "publish", RUN, "--repo", str(repo), "--pr", "7"]) == 3
    said = capsys.readouterr()
    assert "## Codex Orchestrator: approved" in said.out
    assert "posted: false (no-token)" in said.out
    assert "GITHUB_TOKEN" in said.err


def test_a_push_has_no_pull_request_to_comment_on(repo, workflow, github):
    store_run(repo)
    workflow.start(github)
    event = repo.parent / "event.json"
    event.write_text(json.dumps({"before": BASE_SHA, "after": HEAD_SHA}))
    workflow.set(GITHUB_EVENT_NAME="push")
    code, report, _ = workflow.publish()
    assert (code, report["posted"], report["reason"]) == (0, "degraded", "no-pull-request")


def test_a_head_that_moved_is_not_commented_on(repo, workflow, github):
    store_run(repo)
    workflow.start(github, head="5" * 40)
    code, report, _ = workflow.publish()
    assert (code, report["posted"], report["reason"]) == (3, "false", "head-moved")
    assert github.comments == {}
    assert "approved" in workflow.summary.read_text()


def test_a_run_on_the_merge_commit_is_about_the_head_of_its_event(repo, workflow, github):
    store_run(repo)
    workflow.start(github, head="5" * 40)
    workflow.set(GITHUB_SHA=BASE_SHA)
    assert workflow.publish()[1]["posted"] == "true"


def test_an_older_workflow_run_leaves_the_newer_comment(repo, workflow, github):
    store_run(repo)
    workflow.start(github)
    workflow.set(GITHUB_RUN_ID="200")
    workflow.publish()
    [before] = [comment["body"] for comment in github.comments.values()]
    workflow.set(GITHUB_RUN_ID="100")
    code, report, _ = workflow.publish()
    assert (code, report["posted"], report["reason"]) == (0, "false", "newer-run")
    assert [comment["body"] for comment in github.comments.values()] == [before]


def test_a_failing_service_ends_in_exit_4_with_the_summary_written(repo, workflow, github):
    store_run(repo)
    workflow.start(github)
    github.faults = [Fault("GET", 422, "odd")]
    code, _, said = workflow.publish()
    assert code == 4
    assert "run is kept" in said
    assert "approved" in workflow.summary.read_text()


def test_an_unfinished_run_is_not_published(repo, workflow, github, capsys):
    workflow.start(github)
    store = FileRunStore(repo)
    facts = make_manifest().run.model_dump() | {"state": "running", "finished_at": None}
    manifest = make_manifest(run=facts, verdict=None)
    store.create(manifest.task.id, manifest.run.id)
    store.save(manifest)
    code, _, said = workflow.publish()
    assert code == 2
    assert f"run --resume {RUN}" in said
    assert not workflow.summary.exists()


def test_a_patch_that_was_changed_is_not_published(repo, workflow, github):
    store_run(repo)
    workflow.start(github)
    patch = repo / ".runs" / "0007-structured-logging" / RUN / "diff.patch"
    patch.write_bytes(PATCH + b"\n")
    code, _, said = workflow.publish()
    assert code == 3
    assert "runs verify" in said
    assert github.exchanges == []


def test_a_review_that_shows_a_secret_is_not_published(repo, workflow, github):
    secret = "sk-proj-canary-0123456789abcdef"
    finding = make_finding(message=f"the key is {secret}")
    store_run(repo, review={"decision": "approve", "findings": [finding], "summary": "s"})
    workflow.start(github)
    workflow.set(OPENAI_API_KEY=secret)
    code, _, said = workflow.publish()
    assert code == 3
    assert "leak scan" in said
    assert secret not in said
    assert not workflow.summary.exists()
    assert github.exchanges == []


def test_staged_only_prints_the_text_and_posts_nothing(repo, workflow, github, capsys):
    store_run(repo)
    workflow.start(github)
    assert run(["review", "publish", RUN, "--repo", str(repo), "--staged-only"]) == 0
    assert capsys.readouterr().out.startswith("## Codex Orchestrator: approved")
    assert github.exchanges == []
    assert not workflow.summary.exists()
    assert workflow.audit() == []


def test_only_the_summary_can_be_asked_for(repo, workflow, github):
    store_run(repo)
    workflow.start(github)
    code, report, _ = workflow.publish("--post", "summary")
    assert (code, report["posted"], report["is_in_summary"]) == (0, "true", True)
    assert github.exchanges == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--post", "carrier-pigeon"], "choose from comment, summary"),
        (["--post", ""], "choose from"),
        (["--pr", "0"], "--pr"),
        (["--pr", "7x"], "--pr"),
        (["--repository", "justname"], "not OWNER/NAME"),
    ],
)
def test_a_wrong_option_is_named(repo, workflow, github, options, message):
    store_run(repo)
    workflow.start(github)
    code, _, said = workflow.publish(*options)
    assert code == 2
    assert message in said


def test_a_run_that_is_not_there_is_named(repo, workflow, github):
    (repo / ".runs").mkdir(mode=0o700)
    workflow.start(github)
    code, _, said = workflow.publish()
    assert code == 2
    assert RUN in said
