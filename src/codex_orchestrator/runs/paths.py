"""The paths of runs in a repository: all of them are made here, from checked names."""

import os
from pathlib import Path

from codex_orchestrator.model.errors import InputError
from codex_orchestrator.system.disk import DISK, Disk
from codex_orchestrator.system.durable import write_file
from codex_orchestrator.system.folders import check_private, make_folder
from codex_orchestrator.text.names import is_identifier, path_problem

MANIFEST = "manifest.json"
# Names in `.runs` and `out` that are ours; a task must not have such a name.
_RESERVED = {"catalog", "audit"}
_RESERVED_ENDS = (".lock", ".json", ".log")


class RunPaths:
    """The folders and files of one repository. `repo` is its top folder."""

    def __init__(self, repo: Path, *, disk: Disk = DISK) -> None:
        self.repo = repo
        self.runs = repo / ".runs"
        self.out = repo / "out"
        self._disk = disk
        self._durable: set[Path] = set()

    def run_folder(self, task_id: str, run_id: str) -> Path:
        """Return the folder of a run, whether it exists or not."""
        return self.runs / checked_task_id(task_id) / checked_run_id(run_id)

    def task_out(self, task_id: str) -> Path:
        """Return the folder of a task below `out`, whether it exists or not."""
        return self.out / checked_task_id(task_id)

    def lock(self, task_id: str) -> Path:
        """Return the lock file of a task."""
        return self.runs / f"{checked_task_id(task_id)}.lock"

    def holder(self, task_id: str) -> Path:
        """Return the record of who holds the lock of a task."""
        return self.runs / f"{checked_task_id(task_id)}.lock.json"

    def make(self, folder: Path) -> bool:
        """Make a folder below the repository, and those above it; say whether it is new.

        Raises:
            InputError: one of them is a link, not ours, or open to others.
        """
        steps = folder.relative_to(self.repo).parts
        made = False
        for depth in range(1, len(steps) + 1):
            place = self.repo.joinpath(*steps[:depth])
            if place in self._durable and os.path.lexists(place):
                # Made by an earlier call, so it is durable; check again that it is still ours.
                check_private(place)
                made = False
                continue
            made = make_folder(place, disk=self._disk)
            if made and depth == 1:
                # A folder that ignores itself: a run never shows in the user's `git status`.
                write_file(place / ".gitignore", b"*\n", disk=self._disk)
            self._durable.add(place)
        return made

    def check(self, folder: Path) -> bool:
        """Check a folder and those above it up to the repository; say whether it exists.

        Raises:
            InputError: one of them is a link, not ours, or open to others.
        """
        steps = folder.relative_to(self.repo).parts
        for depth in range(1, len(steps) + 1):
            try:
                check_private(self.repo.joinpath(*steps[:depth]))
            except FileNotFoundError:
                return False
        return True


def checked_task_id(text: str) -> str:
    """Return a task id that may be part of a path.

    Raises:
        InputError: it is not an id, or a name that we use ourselves.
    """
    if not is_identifier(text):
        raise InputError(f"{text!r} is not a task id")
    if text in _RESERVED or text.endswith(_RESERVED_ENDS):
        raise InputError(
            f"task id {text!r} is a reserved name",
            fix=f"choose an id that is not {' or '.join(sorted(_RESERVED))} and does not end in "
            + ", ".join(_RESERVED_ENDS),
        )
    return text


def checked_run_id(text: str) -> str:
    """Return a run id that may be part of a path.

    Raises:
        InputError: it is not an id.
    """
    if not is_identifier(text):
        raise InputError(
            f"{text!r} is not a run id", fix="`codex-orchestrator runs list` shows them"
        )
    return text


def checked_file_name(name: str) -> str:
    """Return the name of a file in a run folder, with forward slashes.

    Raises:
        InputError: it leaves the folder, or is the name of the manifest or of a temporary file.
    """
    problem = path_problem(name)
    parts = name.split("/")
    if not problem and any(part in ("", ".") for part in parts):
        problem = "has an empty or `.` part"
    if not problem and any(part.startswith(".") for part in parts):
        problem = "has a hidden part"
    if not problem and name == MANIFEST:
        problem = "is the manifest's own"
    if problem:
        raise InputError(f"artifact name {name!r} {problem}")
    return name
