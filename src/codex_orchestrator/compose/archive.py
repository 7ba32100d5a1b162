"""Past runs of a repository: their folders, the audit log, what was sent, and the catalog."""

import os
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from codex_orchestrator.compose.extras import extra
from codex_orchestrator.compose.records_home import records_home
from codex_orchestrator.runs.audit import FileAuditLog
from codex_orchestrator.runs.lock import lock_task
from codex_orchestrator.runs.outbox import Outbox
from codex_orchestrator.runs.store import FileRunStore
from codex_orchestrator.system.clock import utc_now
from codex_orchestrator.verbs.records import Records

if TYPE_CHECKING:
    from codex_orchestrator.catalog.object_store import ObjectStoreCatalog
    from codex_orchestrator.workspace.worktree import GitWorkspace


def open_archive(repo: Path, *, operation: str, holder: str = "") -> Records:
    """Return the records of a repository's runs, see `records_home`.

    Args:
        repo: the repository.
        operation: what a lock records as its purpose.
        holder: the run that holds the lock, "" for a command without a run.
    """
    home, note = records_home(repo)

    def lock(task_id: str) -> AbstractContextManager[object]:
        return lock_task(
            home, task_id, holder=holder or operation, operation=operation, clock=utc_now
        )

    audit = FileAuditLog(home, clock=utc_now)
    return Records(FileRunStore(home), audit, Outbox(home), lock, note)


def open_catalog(url: str, repo: Path) -> "ObjectStoreCatalog":
    """Open the catalog at a URL; a relative `file://` URL is relative to the main checkout.

    Raises:
        InputError: the URL has no known scheme.
        MissingExtraError: the packages that catalogs need are not installed.
    """
    with extra("catalog", needed_for="the catalog"):
        from codex_orchestrator.catalog.object_store import open_object_store
    return open_object_store(url, repo=records_home(repo).folder, clock=utc_now)


def check_catalog_url(url: str) -> None:
    """Check a catalog's URL without opening it.

    Raises:
        InputError: it has no known scheme, or contains a secret.
    """
    from codex_orchestrator.catalog.urls import refuse_secrets

    refuse_secrets(url)


def open_work_trees(repo: Path) -> "GitWorkspace":
    """Return the work trees of a repository's runs."""
    from codex_orchestrator.workspace.worktree import GitWorkspace

    return GitWorkspace(repo, clock=utc_now, environ=os.environ)
