"""Remove old runs whose record is safe elsewhere, and work trees that no run will use again."""

from collections.abc import Iterable
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from codex_orchestrator.model.audit import AuditRecord
from codex_orchestrator.model.run import RunState
from codex_orchestrator.model.task_state import StoredRun
from codex_orchestrator.verbs.records import Records

if TYPE_CHECKING:
    from codex_orchestrator.runs.audit import FileAuditLog
    from codex_orchestrator.workspace.worktree import GitWorkspace

# A dry run has a work tree but no run folder; no dry run takes this long.
_LONGEST_WITHOUT_FOLDER = timedelta(days=1)


class RemovalRule(NamedTuple):
    """Which runs may be removed: all but the `keep` newest of a task, older than `older_than_days`.

    None switches a condition off. A run that no catalog holds stays unless `even_unsynced`, one
    that is not finished unless `even_unfinished`: it cannot be resumed afterwards.
    """

    keep: int | None
    older_than_days: int | None
    even_unsynced: bool
    even_unfinished: bool = False

    def reason_to_keep(
        self, run: StoredRun, position: int, *, now: str, synced: frozenset[tuple[str, str]]
    ) -> str:
        """Return why a run stays, "" when it may be removed; `position` is 1 for the newest."""
        summary = run.summary
        if summary is None:
            return run.problem if run.is_newer else f"damaged: {run.problem}"
        is_finished = summary.state is RunState.FINISHED
        if not is_finished and not self.even_unfinished:
            return f"not finished: {summary.state}"
        if self.keep is not None and position <= self.keep:
            return f"one of the {self.keep} newest of its task"
        ended = summary.finished_at or summary.started_at
        if self.older_than_days is not None and not _is_older(ended, self.older_than_days, now):
            return f"not older than {self.older_than_days} days"
        is_synced = (run.run_id, summary.manifest_sha256) in synced
        # Only finished runs are sent to a catalog.
        if is_finished and not (self.even_unsynced or is_synced):
            return "not synced to a catalog"
        return ""


class RemovedRun(NamedTuple):
    """A run, and why it is kept ("" when it is removed)."""

    run: StoredRun
    kept_because: str


class LeftTree(NamedTuple):
    """A work tree that is removed, and the task of its run ("" when no run folder knows it)."""

    name: str
    task_id: str


class Removal(NamedTuple):
    """Every run and whether it is removed, and the work trees that are removed."""

    runs: tuple[RemovedRun, ...]
    work_trees: tuple[LeftTree, ...]

    @property
    def removed(self) -> tuple[str, ...]:
        """The ids of the runs that are removed."""
        return tuple(run.run_id for run, kept_because in self.runs if not kept_because)

    @property
    def kept(self) -> dict[str, str]:
        """Why each other run is kept, by its id."""
        return {run.run_id: kept_because for run, kept_because in self.runs if kept_because}


def remove_runs(
    rule: RemovalRule,
    records: Records,
    *,
    trees: "GitWorkspace",
    now: str,
    is_dry_run: bool,
) -> Removal:
    """Remove the runs that the rule allows, and work trees; each removal is recorded first.

    Args:
        rule: which runs may be removed.
        records: the run folders, and the log that knows which of them a catalog has.
        trees: the work trees of runs.
        now: the current time, RFC 3339.
        is_dry_run: only say what would be removed.

    Raises:
        LockedError: a process works on one of the tasks.
        NewerSchemaError: a newer version wrote the state of one of the tasks, or the audit log.
        ServiceError: a file cannot be removed.
    """
    stored = records.store.list()
    runs = _choose_runs(stored, rule=rule, now=now, synced=_synced_runs(records.audit))
    for task_id in {run.task_id for run, kept_because in runs if not kept_because}:
        records.store.refuse_newer_state(task_id)
    removal = Removal(runs, ())
    going = frozenset(removal.removed)
    left = choose_work_trees(trees.leftovers(), runs=stored, going=going, now=now)
    if not is_dry_run:
        for tree in left:
            with records.lock(tree.task_id) if tree.task_id else nullcontext():
                trees.forget(tree.name)
        _remove(runs, records)
    return removal._replace(work_trees=left)


def _synced_runs(audit: "FileAuditLog") -> frozenset[tuple[str, str]]:
    """Return run id and manifest hash of every run that a catalog has accepted."""
    found: set[tuple[str, str]] = set()

    def visit(record: AuditRecord) -> None:
        if record.event == "synced":
            found.add((record.run_id, str(record.details.get("manifest_sha256"))))

    audit.check(visit)
    return frozenset(found)


def _choose_runs(
    runs: Iterable[StoredRun], *, rule: RemovalRule, now: str, synced: frozenset[tuple[str, str]]
) -> tuple[RemovedRun, ...]:
    """Decide which runs are removed. `synced` has run id and manifest hash of runs in a catalog."""
    chosen: list[RemovedRun] = []
    newer: dict[str, int] = {}
    for run in sorted(runs, key=lambda run: run.run_id, reverse=True):
        newer[run.task_id] = newer.get(run.task_id, 0) + 1
        reason = rule.reason_to_keep(run, newer[run.task_id], now=now, synced=synced)
        chosen.append(RemovedRun(run, reason))
    return tuple(reversed(chosen))


def choose_work_trees(
    names: Iterable[str], *, runs: Iterable[StoredRun], going: frozenset[str], now: str
) -> tuple[LeftTree, ...]:
    """Decide which work trees are removed: those of runs that finished, are removed or are unknown.

    Args:
        names: the existing work trees.
        runs: every run folder.
        going: ids of runs that are being removed.
        now: the current time, RFC 3339.
    """
    known = {run.run_id: run for run in runs}
    chosen = []
    for name in names:
        run_id = name.partition(".")[0]
        run = known.get(run_id)
        if run is None:
            if _is_old(run_id, now):
                chosen.append(LeftTree(name, ""))
        elif run_id in going or (run.summary and run.summary.state is RunState.FINISHED):
            chosen.append(LeftTree(name, run.task_id))
    return tuple(chosen)


def _remove(chosen: Iterable[RemovedRun], records: Records) -> None:
    for run, kept_because in chosen:
        if kept_because or run.summary is None:
            continue
        with records.lock(run.task_id):
            if records.store.stored(run.task_id, run.run_id) != run:
                continue
            records.audit.append(
                "run-removed",
                task_id=run.task_id,
                run_id=run.run_id,
                once_by=("manifest_sha256",),
                details={"manifest_sha256": run.summary.manifest_sha256},
            )
            records.store.remove(run.task_id, run.run_id)


def _is_older(moment: str, days: int, now: str) -> bool:
    try:
        age = datetime.fromisoformat(now) - datetime.fromisoformat(moment)
    except (ValueError, TypeError):
        # A manifest without a time does not count as old.
        return False
    return age > timedelta(days=days)


def _is_old(run_id: str, now: str) -> bool:
    """Return whether a run is old, by its id, which starts with the time of its creation."""
    try:
        made = datetime.strptime(run_id.partition("-")[0].upper() + "+0000", "%Y%m%dT%H%M%SZ%z")
    except ValueError:
        return False
    return datetime.fromisoformat(now) - made > _LONGEST_WITHOUT_FOLDER
