"""A private home for one Codex process, in memory where the system has a place for that."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own with mode 0700 is made inside
_PREFIX = "codex-orchestrator-home-"
_LOCK = "in-use"


class PrivateHome(NamedTuple):
    """Folders of one Codex process, mode 0700, removed at the end.

    `codex` is its CODEX_HOME, `home` an empty HOME (a shell finds no profile there), `temp` the
    temporary folder of sandboxed commands. `temp` lies on disk: what builds put there is large.
    """

    codex: Path
    home: Path
    temp: Path

    @property
    def is_in_memory(self) -> bool:
        """Say whether CODEX_HOME lies on a memory file system."""
        return self.codex.is_relative_to(MEMORY)


@contextmanager
def private_home(*, memory: Path = MEMORY) -> Iterator[PrivateHome]:
    """Make the folders, and remove them on every way out.

    What a killed process left behind is removed at the next start: a folder whose lock nobody
    holds belongs to nobody.
    """
    temp_parent = Path(tempfile.gettempdir())
    parent = memory if os.access(memory, os.W_OK) else temp_parent
    for place in {parent, temp_parent}:
        _remove_left_behind(place)
    with _locked_folder(parent) as private, _locked_folder(temp_parent) as temp:
        home = PrivateHome(private / "codex", private / "home", temp / "tmp")
        for folder in home:
            folder.mkdir(mode=0o700)
        yield home


@contextmanager
def _locked_folder(parent: Path) -> Iterator[Path]:
    folder, lock = _make_locked(parent)
    try:
        yield folder
    finally:
        # Codex may still write while it ends: a second pass takes what came meanwhile.
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _make_locked(parent: Path) -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        lock = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Another process may have swept the folder in the moment before it was locked.
        if (folder / _LOCK).exists():
            return folder, lock
        os.close(lock)


def _remove_left_behind(parent: Path) -> None:
    for folder in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if folder.is_symlink() or folder.stat().st_uid != os.getuid():
                continue
            lock = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)
