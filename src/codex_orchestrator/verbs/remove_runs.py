"""Remove old runs, those only whose record is safe elsewhere, and leave a record of the removal."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from codex_orchestrator.model.receipt import AuditRecord
from codex_orchestrator.model.run import RunState, StoredRun
from codex_orchestrator.pipeline.ports import AuditLog
from codex_orchestrator.verbs.verify_runs import CheckableLog


class RemovableRuns(Protocol):
    """Run folders that can be listed and removed."""

    def list(self) -> tuple[StoredRun, ...]:
        """Return every run folder in the order of run ids."""
        ...

    def stored(self, task_id: str, run_id: str) -> StoredRun:
        """Return one run folder, whatever its condition."""
        ...

    def remove(self, task_id: str, run_id: str) -> None:
        """Remove a run's folder and its line in the state file."""
        ...


class RemovalRule(NamedTuple):
    """Which runs may go: all but the `keep` newest of each task, and older than `older_than_days`.

    None switches a condition off. A run that no catalog holds stays unless `even_unsynced`, one
    that is not finished unless `even_unfinished`: it cannot be resumed afterwards.
    """

    keep: int | None
    older_than_days: int | None
    even_unsynced: bool
    even_unfinished: bool = False


class RemovedRun(NamedTuple):
    """A run that goes or stays, and why it stays ("" when it goes)."""

    run: StoredRun
    kept_because: str


def synced_runs(audit: CheckableLog) -> frozenset[tuple[str, str]]:
    """Return run id and manifest hash of every run that a catalog has accepted."""
    found: set[tuple[str, str]] = set()

    def visit(record: AuditRecord) -> None:
        if record.event == "synced":
            found.add((record.run_id, str(record.details.get("manifest_sha256"))))

    audit.check(visit)
    return frozenset(found)


def choose_removals(
    runs: Iterable[StoredRun], *, rule: RemovalRule, now: str, synced: frozenset[tuple[str, str]]
) -> tuple[RemovedRun, ...]:
    """Decide which runs go. `synced` holds (run id, manifest hash) of what a catalog has."""
    chosen: list[RemovedRun] = []
    newer: dict[str, int] = {}
    for run in sorted(runs, key=lambda run: run.run_id, reverse=True):
        newer[run.task_id] = newer.get(run.task_id, 0) + 1
        reason = _reason_to_keep(run, newer[run.task_id], rule=rule, now=now, synced=synced)
        chosen.append(RemovedRun(run, reason))
    return tuple(reversed(chosen))


def remove_runs(
    chosen: Iterable[RemovedRun],
    *,
    store: RemovableRuns,
    audit: AuditLog,
    lock: Callable[[str], AbstractContextManager[object]],
) -> tuple[StoredRun, ...]:
    """Remove the chosen runs and return them. The record of each removal is written first.

    Raises:
        LockedError: a process works on one of the tasks.
    """
    removed = []
    for run, kept_because in chosen:
        if kept_because or run.summary is None:
            continue
        with lock(run.task_id):
            if store.stored(run.task_id, run.run_id) != run:
                continue
            audit.append_once(
                "run-removed",
                task_id=run.task_id,
                run_id=run.run_id,
                key=("manifest_sha256",),
                details={"manifest_sha256": run.summary.manifest_sha256},
            )
            store.remove(run.task_id, run.run_id)
        removed.append(run)
    return tuple(removed)


def _reason_to_keep(
    run: StoredRun,
    position: int,
    *,
    rule: RemovalRule,
    now: str,
    synced: frozenset[tuple[str, str]],
) -> str:
    summary = run.summary
    if summary is None:
        return f"damaged: {run.problem}"
    is_finished = summary.state is RunState.FINISHED
    if not is_finished and not rule.even_unfinished:
        return f"not finished: {summary.state}"
    if rule.keep is not None and position <= rule.keep:
        return f"one of the {rule.keep} newest of its task"
    if rule.older_than_days is not None and not _is_older(
        summary.finished_at or summary.started_at, days=rule.older_than_days, now=now
    ):
        return f"not older than {rule.older_than_days} days"
    # Only finished runs are sent to a catalog.
    if (
        is_finished
        and not rule.even_unsynced
        and (run.run_id, summary.manifest_sha256) not in synced
    ):
        return "not synced to a catalog"
    return ""


def _is_older(moment: str, *, days: int, now: str) -> bool:
    try:
        age = datetime.fromisoformat(now) - datetime.fromisoformat(moment)
    except (ValueError, TypeError):
        # A manifest of unknown age is not old.
        return False
    return age > timedelta(days=days)
