"""Files of a work tree, reached by name but never out of it: no link is followed on the way.

Every path is walked from the root's open descriptor, one component at a time, so nothing that
changes underneath can lead elsewhere. Only regular files with one name are read or replaced: a
pipe would hang, and a hard link may be the second name of a file outside.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from codex_orchestrator.model.errors import InputError, NotCheckedError, ServiceError
from codex_orchestrator.text.names import is_utf8, path_problem

MAX_FILE_BYTES = 8 * 1024 * 1024
PLAIN_MODE = 0o644
PROGRAM_MODE = 0o755
_DRAFT = ".codex-orchestrator.{}.tmp"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class PlainFile(NamedTuple):
    """What a file holds, and its permission bits."""

    data: bytes
    mode: int


class ConfinedTree:
    """The files below one folder."""

    def __init__(self, root: Path) -> None:
        try:
            self._root = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise InputError(
                f"cannot be opened as a folder: {error.strerror}", path=str(root)
            ) from error

    def close(self) -> None:
        """Let go of the folder."""
        os.close(self._root)

    def read(self, path: str) -> PlainFile:
        """Return a file's bytes.

        Raises:
            InputError: there is no such file, it is no regular one, it is too large, or the way
                to it leaves the tree.
        """
        *folders, name = parts_of(path)
        with self._folder(folders, path) as folder:
            _require_plain(_facts(name, folder, path), path)
            with _told(path):
                fd = os.open(
                    name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder
                )
            with open(fd, "rb") as stream, _told(path):
                # Looked at again: between look and open another file may have taken its place.
                facts = os.fstat(fd)
                _require_plain(facts, path)
                data = stream.read(MAX_FILE_BYTES + 1)
        _require_size(len(data), path)
        return PlainFile(data, stat.S_IMODE(facts.st_mode))

    def kind(self, path: str) -> str:
        """Return `file`, `folder`, `link` or `other`; "" when nothing has that name.

        Raises:
            InputError: the way to it leaves the tree.
        """
        *folders, name = parts_of(path)
        try:
            with self._folder(folders, path) as folder:
                mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
        except (FileNotFoundError, _MissingFolderError):
            return ""
        kinds = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}
        return kinds.get(stat.S_IFMT(mode), "other")

    def size(self, path: str) -> int:
        """Return a file's size in bytes.

        Raises:
            InputError: there is no such file, or the way to it leaves the tree.
        """
        *folders, name = parts_of(path)
        with self._folder(folders, path) as folder:
            return _facts(name, folder, path).st_size

    def replace(self, path: str, data: bytes, *, mode: int) -> None:
        """Put a file in place in one step, whatever stood there; missing folders are made.

        Raises:
            InputError: the way to it leaves the tree, or a folder has that name.
            ServiceError: it cannot be written, for example because the disk is full.
        """
        *folders, name = parts_of(path)
        draft = _DRAFT.format(os.getpid())
        with self._folder(folders, path, is_made=True) as folder:
            try:
                fd = os.open(
                    draft,
                    os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC,
                    0o600,
                    dir_fd=folder,
                )
                try:
                    with open(fd, "wb") as stream:
                        stream.write(data)
                        stream.flush()
                        os.fchmod(fd, mode)
                    os.replace(draft, name, src_dir_fd=folder, dst_dir_fd=folder)
                except OSError:
                    os.unlink(draft, dir_fd=folder)
                    raise
            except IsADirectoryError as error:
                raise InputError("is a folder", path=path) from error
            except OSError as error:
                raise ServiceError(f"{path}: cannot be written: {error.strerror}") from error

    def remove(self, path: str) -> None:
        """Remove a file, and the folders that are empty without it.

        Raises:
            InputError: there is no such file, or the way to it leaves the tree.
            ServiceError: it cannot be removed.
        """
        *folders, name = parts_of(path)
        with self._folder(folders, path) as folder:
            _require_plain(_facts(name, folder, path), path)
            try:
                os.unlink(name, dir_fd=folder)
            except OSError as error:
                raise ServiceError(f"{path}: cannot be removed: {error.strerror}") from error
        while folders:
            *folders, name = folders
            with self._folder(folders, path) as folder:
                try:
                    os.rmdir(name, dir_fd=folder)
                except OSError:
                    return

    @contextmanager
    def _folder(self, folders: list[str], path: str, *, is_made: bool = False) -> Iterator[int]:
        current = os.dup(self._root)
        try:
            for name in folders:
                inner = _enter(name, current, path, is_made=is_made)
                os.close(current)
                current = inner
            yield current
        finally:
            os.close(current)


class _MissingFolderError(InputError):
    """A folder on the way does not exist."""


def parts_of(path: str) -> list[str]:
    """Return the components of a path inside the tree.

    Raises:
        InputError: it is no such path.
    """
    parts = [part for part in path.split("/") if part not in ("", ".")]
    problem = path_problem(path)
    if not problem and not is_utf8(path):
        problem = "is not UTF-8"
    # File systems that fold case or drop final dots would find `.git` under these names.
    if not problem and any(part.casefold().rstrip(". ") == ".git" for part in parts):
        problem = "enters .git"
    if not problem and not parts:
        problem = "names the tree itself"
    if not problem and any(len(part.encode()) > 255 for part in parts):
        problem = "has a component that is too long"
    if problem:
        raise InputError(f"path {path[:200]!r} {problem}")
    return parts


def _enter(name: str, folder: int, path: str, *, is_made: bool) -> int:
    if is_made:
        try:
            os.mkdir(name, 0o755, dir_fd=folder)
        except FileExistsError:
            pass
        except OSError as error:
            raise ServiceError(f"{path}: its folder cannot be made: {error.strerror}") from error
    try:
        return os.open(name, _FOLDER, dir_fd=folder)
    except FileNotFoundError as error:
        raise _MissingFolderError("no such file", path=path) from error
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise InputError(
                f"{name!r} on the way is a link or no folder; links are not followed", path=path
            ) from error
        raise NotCheckedError(f"{path}: {error.strerror}") from error


def _facts(name: str, folder: int, path: str) -> os.stat_result:
    with _told(path):
        return os.stat(name, dir_fd=folder, follow_symlinks=False)


@contextmanager
def _told(path: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise InputError("no such file", path=path) from error
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=path) from error


def _require_plain(facts: os.stat_result, path: str) -> None:
    if stat.S_ISLNK(facts.st_mode):
        raise InputError("is a link; links are not followed", path=path)
    if stat.S_ISDIR(facts.st_mode):
        raise InputError("is a folder", path=path)
    if not stat.S_ISREG(facts.st_mode):
        raise InputError("is not a regular file", path=path)
    if facts.st_nlink > 1:
        raise InputError("has a second name (hard link), maybe outside the tree", path=path)
    _require_size(facts.st_size, path)


def _require_size(size: int, path: str) -> None:
    if size > MAX_FILE_BYTES:
        raise InputError(f"has {size} bytes, the limit is {MAX_FILE_BYTES}", path=path)
