"""Check the finished change once more before its code is run: whatever made it, a rule holds."""

import os
from pathlib import Path

from codex_orchestrator.model.approval import protected_change
from codex_orchestrator.model.config import changes_own_table
from codex_orchestrator.pipeline.run import Work

PYPROJECT = "pyproject.toml"


def require_granted_change(work: Work) -> None:
    """Check that a person granted every protected path of the change.

    `pyproject.toml` is one where our own table in it changes; the rest of the file is common work.

    Raises:
        ApprovalRequiredError: names the paths; nothing of the change was run.
        LimitReachedError: one of them has a name that nobody could read and grant.
    """
    change = work.tree.change()
    paths = [path for path in change.paths if work.policy.protecting_rule(path)]
    if PYPROJECT in change.paths and PYPROJECT not in paths and _changes_our_table(work):
        paths.append(PYPROJECT)
    if paths:
        raise protected_change("the change touches protected paths", paths, patch=change.patch)


def _changes_our_table(work: Work) -> bool:
    if work.policy.is_granted_edit(PYPROJECT):
        return False
    before = work.rooms.workspace.file_at(work.record.manifest.run.base_sha, PYPROJECT)
    return changes_own_table(before, _present(work.tree.root / PYPROJECT))


def _present(path: Path) -> bytes | None:
    if path.is_symlink():
        return os.fsencode(f"link to {os.readlink(path)}")  # no TOML, so it differs
    return path.read_bytes() if path.is_file() else None
