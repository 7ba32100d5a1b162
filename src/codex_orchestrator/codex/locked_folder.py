"""Private folders that are removed at the end; the next process removes those of a killed one."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_LOCK = "in-use"


@contextmanager
def locked_folder(parent: Path, *, prefix: str) -> Iterator[Path]:
    """Make a folder of mode 0700 for the time of the block; its name begins with the prefix."""
    folder, lock = _make_locked(parent, prefix)
    try:
        yield folder
    finally:
        # Codex may still write while it ends: a second pass removes what came meanwhile.
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def remove_left_behind(parent: Path, *, prefix: str) -> None:
    """Remove what killed processes left: our folders whose lock is free."""
    for folder in parent.glob(f"{prefix}*"):
        with suppress(OSError):
            if folder.is_symlink() or folder.stat().st_uid != os.getuid():
                continue
            lock = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)


def _make_locked(parent: Path, prefix: str) -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        lock = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Another process may have removed the folder before it was locked.
        if (folder / _LOCK).exists():
            return folder, lock
        os.close(lock)
