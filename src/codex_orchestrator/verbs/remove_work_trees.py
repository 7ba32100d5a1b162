"""Remove work trees that nobody will come back to."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from codex_orchestrator.model.run import RunState, StoredRun

# A dry run has a work tree and no run folder; no dry run takes as long as this.
_LONGEST_WITHOUT_FOLDER = timedelta(days=1)


class WorkTrees(Protocol):
    """The work trees of a repository's runs."""

    def leftovers(self) -> tuple[str, ...]:
        """Return the names of those that stand: run ids, and `<run id>.<part>`."""
        ...

    def forget(self, run_id: str) -> None:
        """Remove one, and the recorded states that go with it."""
        ...


class LeftTree(NamedTuple):
    """A work tree that goes, and the task of its run ("" when no run folder knows it)."""

    name: str
    task_id: str


def choose_work_trees(
    names: Iterable[str], *, runs: Iterable[StoredRun], going: frozenset[str], now: str
) -> tuple[LeftTree, ...]:
    """Decide which work trees go: those of runs that finished, that go, or that nobody knows.

    Args:
        names: the work trees that stand.
        runs: every run folder.
        going: ids of runs that are being removed.
        now: the present moment, RFC 3339.
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


def remove_work_trees(
    chosen: Iterable[LeftTree],
    *,
    trees: WorkTrees,
    lock: Callable[[str], AbstractContextManager[object]],
) -> None:
    """Remove the chosen work trees.

    Raises:
        LockedError: a process works on one of the tasks.
        ServiceError: a file cannot be removed.
    """
    for tree in chosen:
        with lock(tree.task_id) if tree.task_id else nullcontext():
            trees.forget(tree.name)


def _is_old(run_id: str, now: str) -> bool:
    """Say how old a run is by its id, which begins with the moment it was made."""
    try:
        made = datetime.strptime(run_id.partition("-")[0].upper() + "+0000", "%Y%m%dT%H%M%SZ%z")
    except ValueError:
        return False
    return datetime.fromisoformat(now) - made > _LONGEST_WITHOUT_FOLDER
