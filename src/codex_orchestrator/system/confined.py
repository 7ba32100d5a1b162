"""Files below one folder: no name and no link leads out of it."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from codex_orchestrator.model.errors import InputError, NotCheckedError, ServiceError
from codex_orchestrator.system.files import (
    SAFE_FLAGS,
    UnusableFileError,
    check_regular,
    open_regular,
    read_bytes,
)
from codex_orchestrator.text.names import is_utf8, path_problem

_DRAFT = ".{}.codex-orchestrator.tmp"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class PlainFile(NamedTuple):
    """The content of a file and its permission bits."""

    data: bytes
    mode: int


class ConfinedTree:
    """Reads and changes the files below one folder.

    Every path is opened from the folder's descriptor, one component at a time, so that nothing that
    changes meanwhile can lead elsewhere.

    Args:
        root: the folder.
        max_bytes: size of the largest file that is read.
        allows_hard_links: whether a file may have a second name, which may be outside.
        allows_any_name: whether names are taken as the file system has them: also `.git`, and
            names that are not UTF-8 or hold control characters. If not, `parts_of` checks them.
    """

    def __init__(
        self,
        root: Path,
        *,
        max_bytes: int,
        allows_hard_links: bool = False,
        allows_any_name: bool = False,
    ) -> None:
        self._max_bytes = max_bytes
        self._allows_hard_links = allows_hard_links
        self._allows_any_name = allows_any_name
        try:
            self._root = os.open(root, _FOLDER)
        except OSError as error:
            raise InputError(
                f"cannot be opened as a folder: {error.strerror}", path=str(root)
            ) from error

    def close(self) -> None:
        """Close the folder."""
        os.close(self._root)

    def read(self, path: str) -> PlainFile:
        """Return a file's bytes.

        Raises:
            InputError: there is no such file, it is no regular one, it is too large, or a
                folder on the way is a link.
        """
        with self.opened(path) as descriptor:
            mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
            return PlainFile(read_bytes(descriptor, path, max_bytes=self._max_bytes), mode)

    @contextmanager
    def opened(self, path: str) -> Iterator[int]:
        """Open a file for reading and close it at the end.

        Raises:
            InputError: as `read`, except for the size.
        """
        *folders, name = self._parts(path)
        with self._folder(folders, path) as folder:
            try:
                with open_regular(
                    name, folder=folder, path=path, allows_hard_links=self._allows_hard_links
                ) as descriptor:
                    yield descriptor
            except FileNotFoundError as error:
                raise UnusableFileError("no such file", path=path) from error

    def kind(self, path: str) -> str:
        """Return `file`, `folder`, `link` or `other`, or "" when the name does not exist.

        Raises:
            InputError: the path leaves the tree.
        """
        *folders, name = self._parts(path)
        try:
            with self._folder(folders, path) as folder:
                mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
        except (FileNotFoundError, _MissingFolderError):
            return ""
        kinds = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}
        return kinds.get(stat.S_IFMT(mode), "other")

    def replace(self, path: str, data: bytes, *, mode: int, makes_folders: bool) -> None:
        """Write or replace a file in one step; a link in its place is replaced, not followed.

        Args:
            path: its name in the tree.
            data: its content.
            mode: its permission bits.
            makes_folders: whether missing folders are created; otherwise a missing folder is an
                error.

        Raises:
            InputError: the path leaves the tree, or a folder has that name.
            ServiceError: it cannot be written, for example because the disk is full.
        """
        *folders, name = self._parts(path)
        draft = _DRAFT.format(os.getpid())
        with self._folder(folders, path, is_made=makes_folders) as folder:
            try:
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | SAFE_FLAGS | os.O_CLOEXEC
                descriptor = os.open(draft, flags, 0o600, dir_fd=folder)
                try:
                    with open(descriptor, "wb") as stream:
                        stream.write(data)
                        stream.flush()
                        os.fchmod(descriptor, mode)
                    os.replace(draft, name, src_dir_fd=folder, dst_dir_fd=folder)
                except OSError:
                    os.unlink(draft, dir_fd=folder)
                    raise
            except IsADirectoryError as error:
                raise UnusableFileError("is a folder", path=path) from error
            except OSError as error:
                raise ServiceError(f"{path}: cannot be written: {error.strerror}") from error

    def remove(self, path: str) -> None:
        """Remove a file, and the folders that become empty.

        Raises:
            InputError: there is no such file, or the path leaves the tree.
            ServiceError: it cannot be removed.
        """
        *folders, name = self._parts(path)
        with self._folder(folders, path) as folder:
            try:
                facts = os.stat(name, dir_fd=folder, follow_symlinks=False)
                check_regular(facts, path, allows_hard_links=self._allows_hard_links)
                os.unlink(name, dir_fd=folder)
            except FileNotFoundError as error:
                raise UnusableFileError("no such file", path=path) from error
            except OSError as error:
                raise ServiceError(f"{path}: cannot be removed: {error.strerror}") from error
        while folders:
            *folders, name = folders
            with self._folder(folders, path) as folder:
                try:
                    os.rmdir(name, dir_fd=folder)
                except OSError:
                    return

    def _parts(self, path: str) -> list[str]:
        if not self._allows_any_name:
            return parts_of(path)
        parts = path.split("/")
        if not {"", ".", ".."}.isdisjoint(parts):
            raise UnusableFileError("leaves the tree", path=path)
        return parts

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


class _MissingFolderError(UnusableFileError):
    """A folder of the path does not exist."""


def parts_of(path: str) -> list[str]:
    """Return the components of an untrusted path, without empty ones and `.`.

    Raises:
        InputError: it leaves the tree, enters `.git`, or holds a character that nobody can see.
    """
    parts = [part for part in path.split("/") if part not in ("", ".")]
    problem = path_problem(path)
    if not problem and not is_utf8(path):
        problem = "is not UTF-8"
    # File systems that ignore case or final dots would open `.git` under these names.
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
        return os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
    except FileNotFoundError as error:
        raise _MissingFolderError("no such file", path=path) from error
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise UnusableFileError(
                f"{name!r} on the way is a link or no folder; links are not followed", path=path
            ) from error
        raise NotCheckedError(f"{path}: {error.strerror}") from error
