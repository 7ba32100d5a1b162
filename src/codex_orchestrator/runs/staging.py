"""A run's files on their way through an artifact: copied to a visible folder, and back.

Uploads leave out hidden folders, so `.runs` becomes `runs`; the audit log and the task's state go
with it, because `runs verify` needs them. What comes back is not trusted: names, kinds, number and
sizes are checked before anything is written.
"""

import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

from codex_orchestrator.model.errors import InputError
from codex_orchestrator.system.confined import ConfinedTree
from codex_orchestrator.text.names import is_identifier, path_problem

MAX_FILES = 5_000
MAX_FILE_BYTES = 64 * 1024 * 1024
MAX_TOTAL_BYTES = 512 * 1024 * 1024
_LOG_FILES = ("out/audit.log", "out/audit.head.json")


def stage_run(repo: Path, task_id: str, run_id: str, target: Path) -> None:
    """Copy one run, its task's state and the audit log to a folder without hidden names.

    `target` is emptied first.

    Raises:
        InputError: the run folder is missing, or too large for an artifact.
    """
    if target.exists():
        shutil.rmtree(target)
    run = f"{task_id}/{run_id}"
    if not (repo / ".runs" / run).is_dir():
        raise InputError(f"there is no run {run}", path=str(repo / ".runs" / run))
    _copy_all(repo, target, {f".runs/{run}": f"runs/{run}", **_kept_beside(task_id)})


def restore_run(source: Path, repo: Path) -> tuple[str, str]:
    """Copy a staged run back into a fresh checkout; return its task id and run id.

    Raises:
        InputError: the folder is not what `stage_run` makes, or the checkout has runs of its own.
    """
    task_id = _only_folder(source / "runs")
    run_id = _only_folder(source / "runs" / task_id)
    for place in (repo / ".runs", repo / "out"):
        if place.exists():
            raise InputError(
                "exists: a run is restored into a fresh checkout only",
                path=str(place),
                fix="use a job of its own, with a checkout of the base or none",
            )
    run = f"{task_id}/{run_id}"
    _copy_all(source, repo, {f"runs/{run}": f".runs/{run}", **_kept_beside(task_id)})
    return task_id, run_id


def _only_folder(folder: Path) -> str:
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=str(folder)) from error
    if len(names) != 1 or not is_identifier(names[0]):
        raise InputError("must hold exactly one folder, named by an id", path=str(folder))
    return names[0]


def _kept_beside(task_id: str) -> dict[str, str]:
    return {name: name for name in (f"out/{task_id}", *_LOG_FILES)}


def _copy_all(source: Path, target: Path, names: Mapping[str, str]) -> None:
    """Copy files and folders; everything is checked before the first byte is written."""
    found = [
        (path.relative_to(source).as_posix(), target / new / path.relative_to(source / old), size)
        for old, new in names.items()
        for path, size in _files(source / old)
    ]
    if len(found) > MAX_FILES or sum(size for _, _, size in found) > MAX_TOTAL_BYTES:
        raise InputError(f"{len(found)} files are more than an artifact may hold", path=str(source))
    tree = ConfinedTree(
        source, max_bytes=MAX_FILE_BYTES, allows_hard_links=True, allows_any_name=True
    )
    with closing(tree):
        for name, _, _ in found:
            tree.kind(name)  # says when a folder on the way to it is a link
        for name, place, _ in found:
            _make_folders(place.parent)
            with place.open("xb") as writer:
                writer.write(tree.read(name).data)


def _make_folders(folder: Path) -> None:
    """Make a folder and those above it, each private whatever the umask says."""
    if not folder.exists():
        _make_folders(folder.parent)
        folder.mkdir(mode=0o700)


def _files(place: Path) -> Iterator[tuple[Path, int]]:
    """Yield the regular files at a place with their sizes; a missing place has none."""
    try:
        facts = place.lstat()
    except FileNotFoundError:
        return
    if stat.S_ISDIR(facts.st_mode):
        for name in sorted(os.listdir(place)):
            # Temporary files begin with a dot; no file that we keep does.
            if not name.startswith("."):
                yield from _files(place / name)
        return
    problem = path_problem(place.name)
    if not stat.S_ISREG(facts.st_mode):
        problem = "is not a regular file"
    elif facts.st_size > MAX_FILE_BYTES:
        problem = f"has {facts.st_size} bytes, the limit is {MAX_FILE_BYTES}"
    if problem:
        raise InputError(problem, path=str(place))
    yield place, facts.st_size
