"""Check that the person who started a workflow may approve, and return who it is."""

import os
import pwd
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from codex_orchestrator.model.approver import AccountPermission, WorkflowStart
from codex_orchestrator.model.errors import ApprovalRequiredError, NotCheckedError

if TYPE_CHECKING:
    from codex_orchestrator.runs.audit import FileAuditLog

# No person starts their workflows: the actor is the one who changed the schedule last.
_WITHOUT_A_PERSON = frozenset({"schedule"})
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_MAY_APPROVE = frozenset({"admin", "write"})
_MAY_NOT = frozenset({"read", "none"})
_WHO_MAY = "an account with write access to the repository must start the workflow"


def check_approver(
    wanted: Sequence[str],
    start: WorkflowStart,
    *,
    permission_of: Callable[[str], AccountPermission],
    audit: "FileAuditLog",
    run_id: str,
) -> str:
    """Return who approves, such as `github:octocat (write)`; the answer goes to the audit log.

    Both who started the workflow and who started it again need write access: the first chose
    what is approved, the second approves it now.

    Args:
        wanted: what is approved, `KIND:VALUE` each.
        start: who started the workflow.
        permission_of: returns the permission of an account on the platform.
        audit: where the answer is recorded.
        run_id: the run that it is for, "" for a new run.

    Raises:
        ApprovalRequiredError: the account is a bot or may only read; nothing is approved (exit 6).
        NotCheckedError: the platform names no account, or did not answer (exit 3).
    """
    approver = start.triggering_actor or start.actor
    found = None
    refusal = ""
    if start.event in _WITHOUT_A_PERSON:
        refusal = f"a workflow of the event {start.event} is not started by a person"
    # The approver comes last: `found` is what that account may do.
    for login in dict.fromkeys((start.actor or approver, approver)):
        if not refusal:
            found, refusal = _check_account(login, start, permission_of)
    if found is None or refusal:
        audit.append(
            "approval-refused",
            task_id="",
            run_id=run_id,
            level="error",
            details={"by": f"github:{approver}", "reason": refusal, "wanted": " ".join(wanted)},
        )
        raise ApprovalRequiredError(
            f"the approval of {' and '.join(wanted)} was refused: {refusal}",
            fix=_WHO_MAY,
            wanted=tuple(wanted),
        )
    return f"github:{found.login} ({found.permission})"


def local_user() -> str:
    """Return the name of the user who runs this process; no environment variable can change it.

    Under sudo it is `root`, with the user beside it that sudo says it was called by.
    """
    name = _name_of(os.getuid())
    came_from = os.environ.get("SUDO_UID", "")
    if os.getuid() == 0 and came_from.isdecimal():
        return f"{name} (sudo, from {_name_of(int(came_from))})"
    return name


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except (KeyError, OverflowError):
        return f"uid {uid}"


def _check_account(
    login: str, start: WorkflowStart, permission_of: Callable[[str], AccountPermission]
) -> tuple[AccountPermission | None, str]:
    """Return the permission of the account, and why it may not approve ("" if it may)."""
    if login.endswith("[bot]"):
        return None, f"{login} is a bot"
    if _LOGIN.fullmatch(login) is None:
        raise NotCheckedError(
            "could not check who approves: the workflow names no account that started it",
            fix="run it in a GitHub workflow, where GITHUB_ACTOR and GITHUB_TRIGGERING_ACTOR are",
        )
    found = permission_of(login)
    if not found.is_person:
        return found, f"{login} is not the account of a person"
    if found.permission in _MAY_APPROVE:
        return found, ""
    if found.permission in _MAY_NOT:
        return found, f"{login} has no write access to {start.repository} ({found.permission})"
    raise NotCheckedError(
        f"could not check who approves: GitHub reports an unknown permission for {login}",
        fix="use a version of this tool that knows it",
    )
