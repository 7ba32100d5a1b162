"""What holds of a run's change whatever made it: its spec, protected paths, secrets."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from codex_orchestrator.model.approval import protected_change
from codex_orchestrator.model.finding import Severity
from codex_orchestrator.model.policy import Policy, Rails
from codex_orchestrator.pipeline.request import RunRequest

if TYPE_CHECKING:
    from codex_orchestrator.pipeline.services import Services
    from codex_orchestrator.workspace.tree import GitWorkTree
    from codex_orchestrator.workspace.worktree import GitWorkspace

PYPROJECT = "pyproject.toml"


def rails_of(
    request: RunRequest, services: "Services", tree: "GitWorkTree", policy: Policy
) -> Rails:
    """Return what the agents' guardrails check in one work tree of a run."""
    guard, redactor = services.rooms.guard, services.evidence.redactor

    def spec() -> str:
        today = services.ambient.now()[:10]
        found = guard.check_task(request.task.task, base_sha=tree.base_sha, as_of=today)
        return "; ".join(one.message for one in found if one.severity is Severity.ERROR)

    def protected() -> tuple[str, ...]:
        return tuple(path for path in tree.change().paths if policy.protecting_rule(path))

    def secrets(text: str) -> str:
        return "the answer holds a secret" if redactor.finds_secret(text) else ""

    return Rails(spec, protected, secrets)


def require_granted_change(
    tree: "GitWorkTree", policy: Policy, *, workspace: "GitWorkspace"
) -> None:
    """Check the finished change before its code is run: a person granted each protected path.

    `pyproject.toml` is protected only if our own table in it changes.

    Raises:
        ApprovalRequiredError: names the paths; nothing of the change was run.
        LimitReachedError: one of them has a name that cannot be shown and granted.
    """
    from codex_orchestrator.model.config import changes_own_table

    change = tree.change()
    paths = [path for path in change.paths if policy.protecting_rule(path)]
    if (
        PYPROJECT in change.paths
        and PYPROJECT not in paths
        and not policy.is_granted_edit(PYPROJECT)
    ):
        before = workspace.file_at(tree.base_sha, PYPROJECT)
        if changes_own_table(before, _present(tree.root / PYPROJECT)):
            paths.append(PYPROJECT)
    if paths:
        raise protected_change("the change touches protected paths", paths, patch=change.patch)


def _present(path: Path) -> bytes | None:
    if path.is_symlink():
        return os.fsencode(f"link to {os.readlink(path)}")  # not TOML, so it differs
    return path.read_bytes() if path.is_file() else None
