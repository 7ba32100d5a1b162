"""Look for what dead runs left: work trees, locks, and folders among the temporary files."""

import os
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from codex_orchestrator.model.errors import OrchestratorError
from codex_orchestrator.model.probe import Probe
from codex_orchestrator.runs.flock import is_locked
from codex_orchestrator.verbs.records import Records
from codex_orchestrator.verbs.remove_runs import choose_work_trees

if TYPE_CHECKING:
    from codex_orchestrator.workspace.worktree import GitWorkspace

_DAY_S = 24 * 60 * 60
_MAX_ENTRIES = 20_000


def probe_leftovers(
    records: Records, trees: "GitWorkspace", *, now: str, now_s: float, temporary: Path
) -> tuple[Probe, ...]:
    """Name what is left over, each with the command that removes it.

    Args:
        records: the records of runs.
        trees: their work trees.
        now: the present moment, RFC 3339.
        now_s: the same in seconds, as files have it.
        temporary: the folder for temporary files.
    """
    try:
        return (_work_trees(records, trees, now), _locks(records), _temporary(temporary, now_s))
    except OrchestratorError as error:
        return (Probe("leftovers", "not tried", error.message, error.fix),)


def _work_trees(records: Records, trees: "GitWorkspace", now: str) -> Probe:
    names = trees.leftovers()
    useless = choose_work_trees(names, runs=records.store.list(), going=frozenset(), now=now)
    if useless:
        detail = f"{len(useless)} work trees that no run will use again"
        fix = "codex-orchestrator runs gc --older-than 30 --delete"
        return Probe("work trees", "wrong", detail, fix)
    if names:
        detail = f"{len(names)} of runs that can be resumed: {', '.join(names[:3])}"
        return Probe("work trees", "works", detail, f"codex-orchestrator run --resume {names[0]}")
    return Probe("work trees", "works", "none is left over")


def _locks(records: Records) -> Probe:
    runs = records.store.paths.runs
    if not runs.is_dir():
        return Probe("locks", "works", "no task is locked")
    tasks = sorted(
        name.removesuffix(".lock.json")
        for name in os.listdir(runs)
        if name.endswith(".lock.json") and not name.startswith(".")
    )
    held = [task for task in tasks if is_locked(runs / f"{task}.lock")]
    dead = [task for task in tasks if task not in held]
    if dead:
        detail = f"{len(dead)} of runs that were killed: {', '.join(dead[:3])}"
        fix = "the next run of the task takes it over: codex-orchestrator run " + quote(dead[0])
        return Probe("locks", "wrong", detail, fix)
    return Probe("locks", "works", f"held: {', '.join(held)}" if held else "no task is locked")


def _temporary(folder: Path, now_s: float) -> Probe:
    left = []
    with os.scandir(folder) as entries:
        for number, entry in enumerate(entries):
            if number >= _MAX_ENTRIES:
                break
            if entry.name.startswith("codex-orchestrator-") and _is_ours(entry, now_s):
                left.append(entry.path)
    if left:
        detail = f"{len(left)} folders of ours in {folder}, older than a day"
        words = " ".join(quote(place) for place in sorted(left)[:20])
        return Probe("temporary files", "wrong", detail, f"rm -r -- {words}")
    return Probe("temporary files", "works", "nothing of ours is left over")


def _is_ours(entry: "os.DirEntry[str]", now_s: float) -> bool:
    facts = entry.stat(follow_symlinks=False)
    is_old = now_s - facts.st_mtime > _DAY_S
    # The folder with work trees, where there is no home, has the number of the user as its end.
    is_kept = entry.name == f"codex-orchestrator-{os.getuid()}"
    return is_old and not is_kept and facts.st_uid == os.getuid()
