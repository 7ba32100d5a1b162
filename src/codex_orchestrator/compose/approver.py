"""Who approves: the local user, or in GitHub Actions the account that started the workflow."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from codex_orchestrator.model.errors import InputError, NotCheckedError

if TYPE_CHECKING:
    from codex_orchestrator.github.client import RetryPolicy

APPROVED_BY = "CODEX_ORCHESTRATOR_APPROVED_BY"
"""Set by the action for its child process `run`, after `check_workflow_actor`."""


def approver_of(
    wanted: Sequence[str], environment: Mapping[str, str], *, repo: Path, run_id: str = ""
) -> str:
    """Return who approves what is granted on the command line; "" when nothing is granted.

    In GitHub Actions it is the account that started the workflow, checked now, unless the action
    has checked it already.

    Raises:
        ApprovalRequiredError: the account may not approve (exit 6).
        NotCheckedError: the approver could not be checked (exit 3).
    """
    if environment.get("GITHUB_ACTIONS") != "true":
        from codex_orchestrator.verbs.check_approver import local_user

        return local_user()
    if not wanted:
        return ""
    return environment.get(APPROVED_BY) or check_workflow_actor(
        wanted, environment, repo=repo, run_id=run_id
    )


def check_workflow_actor(
    wanted: Sequence[str],
    environment: Mapping[str, str],
    *,
    repo: Path,
    run_id: str = "",
    retry: "RetryPolicy | None" = None,
) -> str:
    """Ask GitHub whether the account that started this workflow may approve; return the account.

    Args:
        wanted: what is approved, `KIND:VALUE` each.
        environment: needs GITHUB_REPOSITORY, GITHUB_ACTOR and a token in GITHUB_TOKEN.
        repo: the repository whose audit log records the answer.
        run_id: the run that is approved, "" for a new one.
        retry: how long to retry; None for the default.

    Raises:
        ApprovalRequiredError: the account may not approve (exit 6).
        NotCheckedError: the approver could not be checked (exit 3).
    """
    from codex_orchestrator.compose.records_home import records_home
    from codex_orchestrator.credentials.environment import EnvironmentCredentialBroker
    from codex_orchestrator.github.client import DEFAULT_API_URL
    from codex_orchestrator.github.collaborators import Collaborators
    from codex_orchestrator.model.approver import WorkflowStart
    from codex_orchestrator.model.credential import Scope
    from codex_orchestrator.runs.audit import FileAuditLog
    from codex_orchestrator.system.clock import utc_now
    from codex_orchestrator.verbs.check_approver import check_approver

    repository = environment.get("GITHUB_REPOSITORY", "")
    if repository.count("/") != 1:
        raise InputError(f"{repository!r} is not OWNER/NAME", field="GITHUB_REPOSITORY")
    token = EnvironmentCredentialBroker(environment).get(Scope.GITHUB)
    if token is None:
        raise NotCheckedError(
            "could not check who approves: there is no GitHub token",
            fix="set GITHUB_TOKEN in the step's environment: ${{ github.token }}",
        )
    start = WorkflowStart(
        actor=environment.get("GITHUB_ACTOR", ""),
        triggering_actor=environment.get("GITHUB_TRIGGERING_ACTOR", ""),
        event=environment.get("GITHUB_EVENT_NAME", ""),
        repository=repository,
    )
    api_url = environment.get("GITHUB_API_URL") or DEFAULT_API_URL
    with Collaborators(repository, token=token, api_url=api_url, retry=retry) as accounts:
        return check_approver(
            wanted,
            start,
            permission_of=accounts.permission_of,
            audit=FileAuditLog(records_home(repo).folder, clock=utc_now),
            run_id=run_id,
        )
