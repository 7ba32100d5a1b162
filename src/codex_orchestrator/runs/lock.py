"""The lock of a task, with a record of its holder for those who wait."""

import contextlib
import getpass
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Literal, Self

from pydantic import Field

from codex_orchestrator import __version__
from codex_orchestrator.model.document import Document
from codex_orchestrator.model.errors import InputError, LockedError
from codex_orchestrator.model.versions import NewerSchemaError, read_document
from codex_orchestrator.runs.flock import Rank, Waiting, hold_lock
from codex_orchestrator.runs.paths import RunPaths
from codex_orchestrator.system.disk import DISK, Disk
from codex_orchestrator.system.durable import is_process_alive, write_file
from codex_orchestrator.system.files import read_file


class LockHolder(Document):
    """Who holds a lock. Process ids are reused; with the start time they are unique."""

    schema_: Literal["lock-holder.v1"] = Field(alias="schema", default="lock-holder.v1")
    id: str
    operation: str
    user: str
    host: str
    pid: int
    process_started: str
    version: str
    created: str

    def describe(self) -> str:
        """Return one line that names the holder."""
        return (
            f"{self.operation} {self.id} of {self.user} on {self.host}, "
            f"pid {self.pid}, since {self.created}"
        )


class TaskLock:
    """One run per task: a context that holds the lock of a task.

    Args of the constructor: `holder` is the run's id, `operation` what it does; `timeout_s` is
    how many seconds to wait for another holder, and `waiting` is called while we wait.
    """

    def __init__(
        self,
        repo: Path,
        task_id: str,
        *,
        holder: str,
        operation: str,
        clock: Callable[[], str],
        timeout_s: float = 0.0,
        waiting: Waiting | None = None,
        disk: Disk = DISK,
    ) -> None:
        self._paths = RunPaths(repo, disk=disk)
        self._lock = self._paths.lock(task_id)
        self._record = self._paths.holder(task_id)
        self._facts = (holder, operation)
        self._clock = clock
        self._timeout_s = timeout_s
        self._waiting = waiting
        self._disk = disk
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self._paths.make(self._paths.runs)
        with contextlib.ExitStack() as stack:
            stack.enter_context(
                hold_lock(
                    self._lock,
                    rank=Rank.TASK,
                    timeout_s=self._timeout_s,
                    describe_holder=self._describe_holder,
                    fix="wait for it to end, or stop that process: its lock ends with it",
                    waiting=self._waiting,
                )
            )
            self._refuse_living_holder()
            holder = _this_process(*self._facts, created=self._clock())
            write_file(
                self._record,
                holder.model_dump_json(by_alias=True, indent=2).encode() + b"\n",
                disk=self._disk,
            )
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        # The record is removed while the lock is still ours; the lock file itself stays.
        with self._stack, contextlib.suppress(OSError):
            self._disk.unlink(str(self._record))

    def _describe_holder(self) -> str:
        try:
            holder = read_holder(self._record)
        except NewerSchemaError as error:
            return f"a process of a newer version ({error.message})"
        return holder.describe() if holder else "a process without a readable record"

    def _refuse_living_holder(self) -> None:
        """Raise when the lock is free but its record names a holder that may still work.

        That happens on a folder shared between hosts, where the kernel's locks do not apply.
        """
        holder = read_holder(self._record)
        if holder is not None and not _is_gone(holder):
            raise LockedError(
                f"{self._lock.name} is free, but its record names {holder.describe()}",
                fix=f"if that process is gone, remove the record: rm {self._record}",
            )


def read_holder(record: Path) -> LockHolder | None:
    """Return the holder record; None when there is none, or it is damaged.

    Raises:
        NewerSchemaError: a newer version wrote it.
    """
    try:
        data = read_file(record, max_bytes=16 * 1024)
        return read_document(data, LockHolder, path=str(record), fix="remove it")
    except NewerSchemaError:
        raise
    except (FileNotFoundError, InputError):
        return None


def _is_gone(holder: LockHolder) -> bool:
    if holder.host != socket.gethostname():
        return False
    if holder.pid == os.getpid():
        return True
    return not is_process_alive(holder.pid) or _start_of(holder.pid) != holder.process_started


def _this_process(holder: str, operation: str, *, created: str) -> LockHolder:
    return LockHolder(
        id=holder,
        operation=operation,
        user=_user(),
        host=socket.gethostname(),
        pid=os.getpid(),
        process_started=_start_of(os.getpid()),
        version=__version__,
        created=created,
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.geteuid()) if hasattr(os, "geteuid") else "unknown"


def _start_of(pid: int) -> str:
    """Return when a process started, in the kernel's count; "" when that is unknown."""
    try:
        facts = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return ""
    # The second field is the program's name in brackets and may hold anything, blanks included.
    return facts.rpartition(b")")[2].split()[19].decode("ascii")
