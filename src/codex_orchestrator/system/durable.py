"""Files that survive a crash: with the old content or the new one, never with a part of it.

A new file is written under a temporary name, synced and renamed; then its folder is synced. After
a folder is made, the folder above it is synced. A failed sync is never tried again: the kernel may
have dropped the pages that it could not write.
"""

import contextlib
import os
import re
from pathlib import Path

from codex_orchestrator.model.errors import ServiceError
from codex_orchestrator.system.disk import DISK, Disk
from codex_orchestrator.system.files import SAFE_FLAGS, convert_storage_errors, opened_to_append

_DIRECTORY = getattr(os, "O_DIRECTORY", 0)
_TEMPORARY = re.compile(r"\.(?P<name>.+)\.tmp\.(?P<pid>[0-9]{1,10})")


def write_file(path: Path, data: bytes, *, disk: Disk = DISK, is_cache: bool = False) -> None:
    """Write or replace a file in one step; it is on the disk when this returns.

    A cache, which can be made again, is replaced in one step too, but not synced.

    Raises:
        ServiceError: the disk is full or broken. The old file is unchanged.
        NotCheckedError: a permission is missing.
    """
    temporary = path.with_name(f".{path.name}.tmp.{os.getpid()}")
    with convert_storage_errors(path, "write"):
        try:
            _write_new(temporary, data, disk=disk, is_cache=is_cache)
            disk.replace(str(temporary), str(path))
        except BaseException:
            with contextlib.suppress(OSError):
                disk.unlink(str(temporary))
            raise
        if not is_cache:
            sync_folder(path.parent, disk=disk)


def _write_new(path: Path, data: bytes, *, disk: Disk, is_cache: bool) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | SAFE_FLAGS
    try:
        descriptor = disk.open(str(path), flags)
    except FileExistsError:
        # Left by a process that died and had the number that this one has now.
        disk.unlink(str(path))
        descriptor = disk.open(str(path), flags)
    try:
        write_all(descriptor, data, disk=disk)
        if not is_cache:
            disk.fsync(descriptor)
    finally:
        disk.close(descriptor)


def write_all(descriptor: int, data: bytes, *, disk: Disk = DISK) -> None:
    """Write all of the data; one system call may write less."""
    view = memoryview(data)
    while view:
        view = view[disk.write(descriptor, view) :]


def sync_folder(path: Path, *, disk: Disk = DISK) -> None:
    """Return when the names in a folder are on the disk."""
    descriptor = disk.open(str(path), os.O_RDONLY | _DIRECTORY)
    try:
        disk.fsync(descriptor)
    finally:
        disk.close(descriptor)


def append_line(path: Path, line: str) -> None:
    """Append one line to a file in one write; a missing file is created. Not synced.

    Raises:
        InputError: it is not a regular file.
        ServiceError: the disk is full or broken.
        NotCheckedError: a permission is missing.
    """
    with opened_to_append(path) as descriptor:
        data = line.encode("utf-8", "backslashreplace") + b"\n"
        if os.write(descriptor, data) != len(data):
            raise ServiceError(f"{path}: only a part of a line could be written")


def sweep_folder(path: Path, *, disk: Disk = DISK) -> tuple[str, ...]:
    """Remove temporary files that writers left when they died; return their names.

    Call it under the lock of the folder: a process number means nothing on another host.
    """
    gone = []
    for name in sorted(os.listdir(path)):
        match = _TEMPORARY.fullmatch(name)
        if match and not is_process_alive(int(match["pid"])):
            with convert_storage_errors(path / name, "remove"):
                disk.unlink(str(path / name))
            gone.append(name)
    return tuple(gone)


def is_temporary(name: str) -> bool:
    """Say whether a file name is one of our temporary files."""
    return _TEMPORARY.fullmatch(name) is not None


def is_process_alive(pid: int) -> bool:
    """Return whether a process with this id runs on this host."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
