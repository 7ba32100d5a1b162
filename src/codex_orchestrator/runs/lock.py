"""The lock of a task, with a record of its holder for those who wait."""

import contextlib
import getpass
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Literal

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
from codex_orchestrator.system.machine import this_machine


class LockHolder(Document):
    """Who holds a lock. Process ids are reused; with the start time they are unique.

    `boot_id` and `pid_namespace` tell machines and containers apart, see `Machine`; "" is unknown.
    """

    schema_: Literal["lock-holder.v2"] = Field(alias="schema", default="lock-holder.v2")
    id: str
    operation: str
    user: str
    host: str
    boot_id: str
    pid_namespace: str
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


@contextlib.contextmanager
def lock_task(
    repo: Path,
    task_id: str,
    *,
    holder: str,
    operation: str,
    clock: Callable[[], str],
    timeout_s: float = 0.0,
    waiting: Waiting | None = None,
    disk: Disk = DISK,
) -> Iterator[None]:
    """Hold the lock of a task for a block: one run per task.

    Args:
        repo: the repository.
        task_id: the task.
        holder: the run's id.
        operation: what it does.
        clock: the present moment, for the record.
        timeout_s: how many seconds to wait for another holder.
        waiting: called while we wait.
        disk: where the record is written.

    Raises:
        LockedError: another process holds it, or may hold it on another host; names it.
    """
    paths = RunPaths(repo, disk=disk)
    lock, record = paths.lock(task_id), paths.holder(task_id)
    paths.make(paths.runs)
    with hold_lock(
        lock,
        rank=Rank.TASK,
        timeout_s=timeout_s,
        describe_holder=partial(_describe_holder, record),
        fix="wait for it to end, or stop that process: its lock ends with it",
        waiting=waiting,
    ):
        _refuse_living_holder(lock, record)
        document = _this_process(holder, operation, created=clock())
        text = document.model_dump_json(by_alias=True, indent=2)
        write_file(record, text.encode() + b"\n", disk=disk)
        try:
            yield
        finally:
            # The record is removed while the lock is still ours; the lock file itself stays.
            with contextlib.suppress(OSError):
                disk.unlink(str(record))


def _describe_holder(record: Path) -> str:
    try:
        holder = read_holder(record)
    except NewerSchemaError as error:
        return f"a process of a newer version ({error.message})"
    return holder.describe() if holder else "a process without a readable record"


def _refuse_living_holder(lock: Path, record: Path) -> None:
    """Raise when the lock is free but its record names a holder that may still work.

    That happens on a folder shared between machines, where the kernel's locks do not apply.
    """
    holder = read_holder(record)
    if holder is not None and not _is_gone(holder):
        raise LockedError(
            f"{lock.name} is free, but its record names {holder.describe()}",
            fix=f"if that process is gone, remove the record: rm {record}",
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
    """Say whether the holder named beside a lock that is ours now has surely ended.

    The name of a machine changes with its network and with each container; its kernel does not.
    """
    here = this_machine()
    if holder.boot_id and holder.boot_id == here.boot_id:
        # This kernel keeps the lock of both, and has given it to us. A process number of another
        # container means nothing here.
        if holder.pid_namespace != here.pid_namespace:
            return True
    elif holder.host != here.host:
        return False
    elif holder.boot_id and here.boot_id:
        # This machine was started anew since.
        return True
    if holder.pid == os.getpid():
        return True
    return not is_process_alive(holder.pid) or _start_of(holder.pid) != holder.process_started


def _this_process(holder: str, operation: str, *, created: str) -> LockHolder:
    here = this_machine()
    return LockHolder(
        id=holder,
        operation=operation,
        user=_user(),
        host=here.host,
        boot_id=here.boot_id,
        pid_namespace=here.pid_namespace,
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
