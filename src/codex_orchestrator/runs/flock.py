"""The kernel's lock on a file: it ends with its process, even on SIGKILL.

The file is never removed: otherwise two processes could lock two files of the same name.
"""

import contextlib
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from enum import IntEnum
from pathlib import Path

import filelock

from codex_orchestrator.model.errors import LockedError, ServiceError

Waiting = Callable[[str, float], None]
"""Takes who holds the lock and how many seconds we have waited."""

_SHORTEST_PAUSE_S = 0.002
_LONGEST_PAUSE_S = 0.05
_REPORT_EVERY_S = 5.0


class Rank(IntEnum):
    """The one order in which locks may be taken; another order could deadlock."""

    TASK = 1
    AUDIT = 2


_held = threading.local()


@contextlib.contextmanager
def hold_lock(
    path: Path,
    *,
    rank: Rank,
    timeout_s: float,
    describe_holder: Callable[[], str],
    fix: str,
    waiting: Waiting | None = None,
) -> Iterator[None]:
    """Hold the lock on a file; wait at most `timeout_s` seconds for it.

    Raises:
        LockedError: another process held it all the time; names it, and `fix`.
    """
    ranks: list[Rank] = getattr(_held, "ranks", [])
    if any(rank <= held for held in ranks):
        raise RuntimeError(f"lock order: {rank.name} after {[held.name for held in ranks]}")
    lock = _lock_of(path)
    begin = time.monotonic()
    next_report = begin
    pause = _SHORTEST_PAUSE_S
    while not _try(lock, path):
        now = time.monotonic()
        if now - begin >= timeout_s:
            raise LockedError(f"{path.name} is held by {describe_holder()}", fix=fix)
        if waiting and now >= next_report:
            waiting(describe_holder(), now - begin)
            next_report = now + _REPORT_EVERY_S
        # Jitter: with equal pauses the same process would win again and again.
        time.sleep(secrets.SystemRandom().uniform(0, pause))
        pause = min(pause * 2, _LONGEST_PAUSE_S)
    _held.ranks = [*ranks, rank]
    try:
        yield
    finally:
        _held.ranks = ranks
        lock.release()


def is_locked(path: Path) -> bool:
    """Say whether a process holds the lock on a file right now."""
    if not path.exists():
        return False
    lock = _lock_of(path)
    if not _try(lock, path):
        return True
    lock.release()
    return False


def _lock_of(path: Path) -> filelock.BaseFileLock:
    # Without `fallback_to_soft=False` a file system without flock gets a lock of another kind,
    # which stays when its holder dies.
    return filelock.FileLock(path, mode=0o600, fallback_to_soft=False, preserve_lock_file=True)


def _try(lock: filelock.BaseFileLock, path: Path) -> bool:
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout:
        return False
    except (OSError, NotImplementedError) as error:
        raise ServiceError(
            f"cannot lock {path}: {error}",
            fix="put the repository on a file system with working locks",
        ) from error
    return True
