"""Who approves in a workflow: asked from a GitHub that answers as its description says."""

import json
import os
import pwd
from pathlib import Path
from typing import Any

import pytest

from codex_orchestrator.compose.approver import approver_of, check_workflow_actor
from codex_orchestrator.github.client import RetryPolicy
from codex_orchestrator.model.errors import (
    ApprovalRequiredError,
    ExitCode,
    InputError,
    NotCheckedError,
)
from codex_orchestrator.verbs.check_approver import local_user
from support.github_server import Fault, GitHubServer

TOKEN = "ghs_canary0123456789"
WANTED = ("edit:AGENTS.md",)
QUICK = RetryPolicy(attempts=2, backoff_s=0.01, timeout_s=5, rate_limit_wait_s=1)


class Workflow:
    """A workflow that somebody started, on a repository of its own."""

    def __init__(self, repo: Path, server: GitHubServer) -> None:
        self.repo = repo
        self.environment = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_REPOSITORY": "o/r",
            "GITHUB_EVENT_NAME": "workflow_dispatch",
            "GITHUB_API_URL": server.url,
            "GITHUB_TOKEN": TOKEN,
        }

    def start(self, actor: str, *, again_by: str = "", **variables: str) -> str:
        who = {"GITHUB_ACTOR": actor, "GITHUB_TRIGGERING_ACTOR": again_by or actor}
        return check_workflow_actor(
            WANTED,
            {**self.environment, **who, **variables},
            repo=self.repo,
            run_id="20261122t100000z-abc123",
            retry=QUICK,
        )

    def audit(self) -> list[dict[str, Any]]:
        log = self.repo / "out" / "audit.log"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


@pytest.fixture
def workflow(tmp_path, github) -> Workflow:
    return Workflow(tmp_path, github)


@pytest.mark.parametrize(
    ("role", "permission"),
    [("admin", "admin"), ("maintain", "write"), ("write", "write")],
)
def test_who_may_write_may_approve(workflow, github, role, permission):
    github.roles = {"octocat": role}
    assert workflow.start("octocat") == f"github:octocat ({permission})"
    assert workflow.audit() == []


def test_a_custom_role_counts_as_the_one_it_builds_on(workflow, github):
    github.roles = {"octocat": "deployer", "hubot": "looker"}
    github.permissions |= {"deployer": "write", "looker": "read"}
    assert workflow.start("octocat") == "github:octocat (write)"
    with pytest.raises(ApprovalRequiredError):
        workflow.start("hubot")


def test_the_name_is_the_one_github_gives(workflow, github):
    github.roles = {"OctoCat": "write"}
    assert workflow.start("octocat") == "github:OctoCat (write)"


@pytest.mark.parametrize("role", ["read", "triage", "none"])
def test_who_may_not_write_is_refused_and_the_refusal_recorded(workflow, github, role):
    github.roles = {"octocat": role}
    with pytest.raises(ApprovalRequiredError, match="octocat has no write access to o/r") as caught:
        workflow.start("octocat")
    assert caught.value.exit_code is ExitCode.APPROVAL
    assert caught.value.wanted == WANTED
    [record] = workflow.audit()
    assert record["event"] == "approval-refused"
    assert record["run_id"] == "20261122t100000z-abc123"
    assert record["details"]["by"] == "github:octocat"
    assert record["details"]["wanted"] == "edit:AGENTS.md"


@pytest.mark.parametrize("login", ["dependabot[bot]", "github-actions[bot]"])
def test_a_bot_is_refused_without_asking(workflow, github, login):
    with pytest.raises(ApprovalRequiredError, match="is a bot"):
        workflow.start(login)
    assert github.exchanges == []
    assert workflow.audit()[0]["details"]["by"] == f"github:{login}"


def test_an_account_that_is_no_person_is_refused(workflow, github):
    github.roles, github.account_types = {"acme": "admin"}, {"acme": "Organization"}
    with pytest.raises(ApprovalRequiredError, match="not the account of a person"):
        workflow.start("acme")


def test_a_schedule_approves_nothing(workflow, github):
    github.roles = {"octocat": "admin"}
    with pytest.raises(ApprovalRequiredError, match="not started by a person"):
        workflow.start("octocat", GITHUB_EVENT_NAME="schedule")


def test_who_starts_a_workflow_again_approves(workflow, github):
    github.roles = {"octocat": "write", "hubot": "admin"}
    assert workflow.start("octocat", again_by="hubot") == "github:hubot (admin)"


@pytest.mark.parametrize(("first", "again"), [("read", "admin"), ("admin", "read")])
def test_a_workflow_of_a_stranger_approves_nothing_whoever_starts_it_again(
    workflow, github, first, again
):
    github.roles = {"octocat": first, "hubot": again}
    with pytest.raises(ApprovalRequiredError, match="no write access"):
        workflow.start("octocat", again_by="hubot")


def test_without_a_token_it_is_not_checked(workflow):
    with pytest.raises(NotCheckedError, match="could not check who approves") as caught:
        workflow.start("octocat", GITHUB_TOKEN="")
    assert "GITHUB_TOKEN" in caught.value.fix
    assert workflow.audit() == []


@pytest.mark.parametrize(
    ("status", "message"),
    [(401, "Bad credentials"), (403, "Resource not accessible by integration"), (404, "Not Found")],
)
def test_an_answer_that_says_nothing_is_not_checked(workflow, github, status, message):
    github.roles = {"octocat": "admin"}
    github.faults = [Fault("GET", status=status, message=message)]
    with pytest.raises(NotCheckedError, match=f"could not check who approves.*{status} {message}"):
        workflow.start("octocat")


def test_a_service_that_stays_down_is_not_checked(workflow, github):
    github.roles = {"octocat": "admin"}
    github.faults = [Fault("GET") for _ in range(9)]
    with pytest.raises(NotCheckedError, match="could not check who approves"):
        workflow.start("octocat")


def test_a_service_that_comes_back_is_asked_again(workflow, github):
    github.roles = {"octocat": "admin"}
    github.faults = [Fault("GET", status=502), Fault("GET", drops=True)]
    assert workflow.start("octocat") == "github:octocat (admin)"


def test_an_unknown_account_is_not_checked(workflow):
    with pytest.raises(NotCheckedError, match="is not a user"):
        workflow.start("nobody")


@pytest.mark.parametrize("login", ["", "../../users/octocat", "a b", "x" * 200, "octo\ncat"])
def test_a_name_that_is_no_login_is_not_asked_about(workflow, github, login):
    with pytest.raises(NotCheckedError, match="names no account"):
        workflow.start(login)
    assert github.exchanges == []


def test_the_token_is_sent_to_no_plain_http_host(workflow):
    with pytest.raises(InputError, match="https"):
        workflow.start("octocat", GITHUB_API_URL="http://example.com")


def test_in_a_workflow_nothing_is_asked_when_nothing_is_granted(workflow, github):
    assert approver_of((), workflow.environment, repo=workflow.repo) == ""
    assert github.exchanges == []


def test_what_the_action_has_checked_is_not_asked_again(workflow, github):
    checked = {**workflow.environment, "CODEX_ORCHESTRATOR_APPROVED_BY": "github:octocat (write)"}
    assert approver_of(WANTED, checked, repo=workflow.repo) == "github:octocat (write)"
    assert github.exchanges == []


def test_outside_of_github_no_variable_says_who_approves(tmp_path):
    real = approver_of(WANTED, {}, repo=tmp_path)
    forged = dict.fromkeys(
        ("CODEX_ORCHESTRATOR_APPROVED_BY", "GITHUB_ACTOR", "USER", "LOGNAME"), "octocat"
    )
    assert approver_of(WANTED, forged, repo=tmp_path) == real


def test_under_sudo_the_note_says_from_whom_and_for_others_the_variable_says_nothing(monkeypatch):
    monkeypatch.setenv("SUDO_UID", "54321")
    name = pwd.getpwuid(os.getuid()).pw_name
    assert local_user() == (f"{name} (sudo, from uid 54321)" if os.getuid() == 0 else name)
