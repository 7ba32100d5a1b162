"""Regular files, opened by name and never through a link: read, hashed, appended to.

A file is checked before it is opened, because opening a pipe or a device may block or have an
effect, and again once it is open, because it may have been replaced in between.
"""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from codex_orchestrator.model.errors import InputError, NotCheckedError, ServiceError
from codex_orchestrator.system.disk import DISK, Disk

# Never through a symbolic link, never waiting for the other end of a pipe.
SAFE_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_CHUNK = 1024 * 1024
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}


class UnusableFileError(InputError):
    """Something else than a usable file has a name. `problem` says what, without the name."""


def read_file(path: Path, *, max_bytes: int) -> bytes:
    """Read a regular file. A link in its place is not followed; one among its folders is.

    Raises:
        FileNotFoundError: there is none.
        UnusableFileError: it is no regular file, is longer than `max_bytes`, or cannot be opened.
        ServiceError: the disk failed.
    """
    with opened(path) as descriptor:
        return read_bytes(descriptor, str(path), max_bytes=max_bytes)


def read_given(path: str, *, max_bytes: int) -> bytes:
    """Read at most some bytes of a file that a person named: through a link or a pipe as well.

    Raises:
        InputError: it cannot be read.
    """
    try:
        with open(path, "rb") as stream:
            return stream.read(max_bytes)
    except OSError as error:
        fix = "name a file that can be read"
        raise InputError(f"cannot be read: {error.strerror}", path=path, fix=fix) from error


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """Open a regular file for reading, as `read_file` does, and close it at the end.

    Raises:
        FileNotFoundError: there is none.
        UnusableFileError: it is no regular file, or cannot be opened.
    """
    with open_regular(str(path), folder=None, path=str(path), allows_hard_links=True) as descriptor:
        yield descriptor


@contextmanager
def open_regular(
    name: str, *, folder: int | None, path: str, allows_hard_links: bool
) -> Iterator[int]:
    """Open a regular file for reading and close it at the end.

    Args:
        name: its name in the folder.
        folder: descriptor of the folder; None for the one that the process is in.
        path: what messages call the file.
        allows_hard_links: whether it may have a second name, which may lie anywhere.

    Raises:
        FileNotFoundError: there is none.
        UnusableFileError: it is no regular file, or cannot be opened.
    """
    try:
        facts = os.stat(name, dir_fd=folder, follow_symlinks=False)
        check_regular(facts, path, allows_hard_links=allows_hard_links)
        descriptor = os.open(name, os.O_RDONLY | SAFE_FLAGS | os.O_CLOEXEC, dir_fd=folder)
    except FileNotFoundError:
        raise
    except OSError as error:
        is_link = error.errno == errno.ELOOP
        problem = "is a symbolic link" if is_link else f"cannot be read: {error.strerror}"
        raise UnusableFileError(problem, path=path) from error
    try:
        check_regular(os.fstat(descriptor), path, allows_hard_links=allows_hard_links)
        yield descriptor
    finally:
        os.close(descriptor)


def check_regular(facts: os.stat_result, path: str, *, allows_hard_links: bool) -> None:
    """Check that the result of a `stat` call is that of a regular file.

    Raises:
        UnusableFileError: it is a link, a folder, a pipe or a device, or has a second name.
    """
    problem = ""
    if stat.S_ISLNK(facts.st_mode):
        problem = "is a symbolic link"
    elif stat.S_ISDIR(facts.st_mode):
        problem = "is a folder"
    elif not stat.S_ISREG(facts.st_mode):
        problem = "is not a regular file"
    elif facts.st_nlink > 1 and not allows_hard_links:
        problem = "has a second name (hard link), maybe outside the tree"
    if problem:
        raise UnusableFileError(problem, path=path)


def read_bytes(descriptor: int, path: str, *, max_bytes: int) -> bytes:
    """Read an open file to its end.

    Raises:
        UnusableFileError: it is longer than `max_bytes`.
        ServiceError: the disk failed.
    """
    size = os.fstat(descriptor).st_size
    data = b""
    if size <= max_bytes:
        with (
            convert_storage_errors(Path(path), "read"),
            open(descriptor, "rb", closefd=False) as stream,
        ):
            data = stream.read(max_bytes + 1)
        size = len(data)
    if size > max_bytes:
        raise UnusableFileError(f"has {size} bytes, the limit is {max_bytes}", path=path)
    return data


def hash_file(descriptor: int) -> tuple[str, int]:
    """Return the SHA-256 of an open file, from its beginning, and its size in bytes."""
    digest = hashlib.sha256()
    size = 0
    while chunk := os.pread(descriptor, _CHUNK, size):
        digest.update(chunk)
        size += len(chunk)
    return digest.hexdigest(), size


@contextmanager
def opened_to_append(path: Path, *, disk: Disk = DISK) -> Iterator[int]:
    """Open a regular file for appending and reading; it is made if missing, and closed at the end.

    Raises:
        UnusableFileError: it is no regular file.
        ServiceError: the disk is full or broken; also when that happens while the file is open.
        NotCheckedError: a permission is missing.
    """
    with convert_storage_errors(path, "append to"):
        if os.path.lexists(path):
            check_regular(os.lstat(path), str(path), allows_hard_links=True)
        descriptor = disk.open(str(path), os.O_RDWR | os.O_CREAT | os.O_APPEND | SAFE_FLAGS)
        try:
            check_regular(os.fstat(descriptor), str(path), allows_hard_links=True)
            yield descriptor
        finally:
            disk.close(descriptor)


@contextmanager
def convert_storage_errors(path: Path, doing: str) -> Iterator[None]:
    """Turn errors of the operating system into ours, which name the file and the fix."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno == errno.ELOOP:
            raise InputError("is a symbolic link", path=str(path), fix="remove the link") from error
        if error.errno in _FULL:
            raise ServiceError(
                f"disk full: cannot {doing} {path}: {reason}; what was there before is unchanged",
                fix="free some space, then run the same command again",
            ) from error
        if error.errno in _DENIED:
            raise NotCheckedError(
                f"cannot {doing} {path}: {reason}", fix="give this user the right to write there"
            ) from error
        raise ServiceError(
            f"cannot {doing} {path}: {reason}", fix="check the disk, then run it again"
        ) from error
