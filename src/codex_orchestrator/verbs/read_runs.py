"""Read what past runs left: folders, manifests and records; write task states again."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from codex_orchestrator.model.audit import AuditCheck, AuditRecord
from codex_orchestrator.model.canonical import JsonValue
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.manifest import Manifest
from codex_orchestrator.model.task_state import StoredRun, TaskState
from codex_orchestrator.verbs.records import Records

if TYPE_CHECKING:
    from codex_orchestrator.runs.audit import FileAuditLog
    from codex_orchestrator.runs.store import FileRunStore


class ShownRun(NamedTuple):
    """A manifest as it is on disk, its fields, its folder, what it means, and ends of logs.

    `manifest` is None for a damaged one. `tails` has the end of the log of each check that did not
    pass, by the log's path.
    """

    data: bytes
    document: dict[str, JsonValue]
    folder: Path
    manifest: Manifest | None
    tails: Mapping[str, str]


class Wanted(NamedTuple):
    """Which records of the audit log to show; None shows all. `last` is the maximum number."""

    event: str | None = None
    run_id: str | None = None
    task_id: str | None = None
    level: str | None = None
    last: int | None = None

    def matches(self, record: AuditRecord) -> bool:
        """Say whether a record is wanted."""
        fields = ("event", "run_id", "task_id", "level")
        return all(getattr(self, name) in (None, getattr(record, name)) for name in fields)


class ShownLog(NamedTuple):
    """Records of the audit log, and the result of checking its chain."""

    records: tuple[AuditRecord, ...]
    check: AuditCheck


def list_runs(store: "FileRunStore", *, task_id: str | None) -> tuple[StoredRun, ...]:
    """Return every run folder of one task, or of all tasks, also damaged ones."""
    return tuple(run for run in store.list() if task_id in (None, run.task_id))


def show_run(store: "FileRunStore", run_id: str) -> ShownRun:
    """Return the manifest of a run by its id or the beginning of it.

    Raises:
        InputError: there is no such run, or several, or its manifest is no JSON object.
    """
    data, document = store.read(run_id)
    folder = store.find(run_id)
    try:
        manifest = store.load(run_id)
    except InputError:
        return ShownRun(data, document, folder, None, {})
    return ShownRun(data, document, folder, manifest, store.failed_tails(manifest))


def rebuild_states(tasks: Iterable[str], records: Records) -> Iterator[TaskState]:
    """Write `out/<task>/state.json` again from the manifests and yield it; by default of all tasks.

    Raises:
        LockedError: a process is working on one of the tasks.
    """
    for task_id in tuple(tasks) or sorted({task_id for task_id, _ in records.store.names()}):
        with records.lock(task_id):
            state = records.store.rebuild(task_id)
        yield state


def show_log(audit: "FileAuditLog", wanted: Wanted) -> ShownLog:
    """Read the whole audit log and return the selected records."""
    found: deque[AuditRecord] = deque(maxlen=wanted.last)

    def visit(record: AuditRecord) -> None:
        if wanted.matches(record):
            found.append(record)

    check = audit.check(visit)
    return ShownLog(tuple(found), check)
