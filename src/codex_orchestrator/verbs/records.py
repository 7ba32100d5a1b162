"""What the verbs on past runs work with."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from codex_orchestrator.runs.audit import FileAuditLog
    from codex_orchestrator.runs.outbox import Outbox
    from codex_orchestrator.runs.store import FileRunStore


class Records(NamedTuple):
    """The records of past runs: folders, audit log, receipts; and the lock of a task.

    `note` is what a person must know about where they are, "" for nothing.
    """

    store: "FileRunStore"
    audit: "FileAuditLog"
    outbox: "Outbox"
    lock: Callable[[str], AbstractContextManager[object]]
    note: str = ""
