"""Files that survive a crash: whole and new, or whole and old, and on disk when we say so.

A new file is written beside its place, synced, renamed, and its folder is synced. Whoever makes
a folder syncs the folder above it. A failed sync is never tried again: the kernel may have
dropped the pages it could not write.
"""

import contextlib
import errno
import hashlib
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from codex_orchestrator.model.errors import InputError, NotCheckedError, ServiceError
from codex_orchestrator.system.disk import DISK, Disk

_CHUNK = 1024 * 1024
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
# Never through a symbolic link, never waiting for the other end of a pipe.
SAFE_FLAGS = _NOFOLLOW | getattr(os, "O_NONBLOCK", 0)
_DIRECTORY = getattr(os, "O_DIRECTORY", 0)
_TEMPORARY = re.compile(r"\.(?P<name>.+)\.tmp\.(?P<pid>[0-9]{1,10})")
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}


def write_file(path: Path, data: bytes, *, disk: Disk = DISK, is_cache: bool = False) -> None:
    """Put a file in its place, durable before this returns; the old one stays whole until then.

    A cache, which can be made again, is put in its place in one step too, but not synced.

    Raises:
        ServiceError: the disk is full or broken. The old file stands and nothing is left over.
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
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW
    try:
        descriptor = disk.open(str(path), flags)
    except FileExistsError:
        # Left by a process that died and whose number we now have: the name is ours alone.
        disk.unlink(str(path))
        descriptor = disk.open(str(path), flags)
    try:
        write_all(descriptor, data, disk=disk)
        if not is_cache:
            disk.fsync(descriptor)
    finally:
        disk.close(descriptor)


def write_all(descriptor: int, data: bytes, *, disk: Disk = DISK) -> None:
    """Write all of the data; one call of the system may take less."""
    view = memoryview(data)
    while view:
        view = view[disk.write(descriptor, view) :]


def sync_folder(path: Path, *, disk: Disk = DISK) -> None:
    """Return when the names in a folder stand on the disk."""
    descriptor = disk.open(str(path), os.O_RDONLY | _DIRECTORY)
    try:
        disk.fsync(descriptor)
    finally:
        disk.close(descriptor)


def read_file(path: Path, *, max_bytes: int) -> bytes:
    """Read a regular file, never through a symbolic link and never waiting on a pipe.

    Raises:
        FileNotFoundError: there is none.
        InputError: it is not a regular file, or longer than `max_bytes`.
    """
    with opened(path) as descriptor:
        size = os.fstat(descriptor).st_size
        if size > max_bytes:
            raise InputError(f"has {size} bytes, the limit is {max_bytes}", path=str(path))
        with convert_storage_errors(path, "read"), os.fdopen(os.dup(descriptor), "rb") as stream:
            return stream.read(max_bytes + 1)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[int]:
    """Open a regular file for reading and close it at the end.

    Raises:
        FileNotFoundError: there is none.
        InputError: it is a link, a pipe, a folder or a device, or cannot be read.
    """
    try:
        descriptor = DISK.open(str(path), os.O_RDONLY | SAFE_FLAGS)
    except FileNotFoundError:
        raise
    except OSError as error:
        what = "is a symbolic link" if error.errno == errno.ELOOP else str(error.strerror)
        raise InputError(what, path=str(path)) from error
    try:
        check_regular(descriptor, path)
        yield descriptor
    finally:
        os.close(descriptor)


def check_regular(descriptor: int, path: Path) -> None:
    """Check that an open file is a regular one.

    Raises:
        InputError: it is a folder, a pipe or a device.
    """
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise InputError("is not a regular file", path=str(path))


def append_line(path: Path, line: str) -> None:
    """Append one line to a file in one write; the file is made when it is missing.

    Raises:
        ServiceError: the file cannot be written.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        fd = os.open(path, flags, 0o600)
        try:
            data = line.encode("utf-8") + b"\n"
            if os.write(fd, data) != len(data):
                raise ServiceError(f"{path}: only a part of a line could be written")
        finally:
            os.close(fd)
    except OSError as error:
        raise ServiceError(f"{path}: cannot be written: {error.strerror}") from error


def hash_file(descriptor: int) -> tuple[str, int]:
    """Return the SHA-256 of an open file, from its beginning, and its size in bytes."""
    digest = hashlib.sha256()
    size = 0
    while chunk := os.pread(descriptor, _CHUNK, size):
        digest.update(chunk)
        size += len(chunk)
    return digest.hexdigest(), size


def sweep_folder(path: Path, *, disk: Disk = DISK) -> tuple[str, ...]:
    """Remove temporary files that dead writers left in a folder; return their names.

    Call it under the lock that guards the folder: a process number says nothing across hosts.
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
    """Say whether a process of this number runs on this host."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


@contextlib.contextmanager
def convert_storage_errors(path: Path, doing: str) -> Iterator[None]:
    """Turn the operating system's errors into ours, naming the file and the way out."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno == errno.ELOOP:
            raise InputError("is a symbolic link", path=str(path), fix="remove the link") from error
        if error.errno in _FULL:
            raise ServiceError(
                f"disk full: cannot {doing} {path}: {reason}; what stood there before is whole",
                fix="free some space, then run the same command again",
            ) from error
        if error.errno in _DENIED:
            raise NotCheckedError(
                f"cannot {doing} {path}: {reason}", fix="give this user the right to write there"
            ) from error
        raise ServiceError(
            f"cannot {doing} {path}: {reason}", fix="check the disk, then run it again"
        ) from error
