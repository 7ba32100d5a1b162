"""Files of a work tree: found without following links, read as bytes, replaced in one step."""

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from codex_orchestrator.model.approval import matches_glob

MAX_FILE_BYTES = 2 * 1024 * 1024
# Nobody writes such lines. Matching takes time that grows with the square of the nesting, and what
# nests a hundred thousand times stands in one line.
MAX_LINE = 20_000


class SkipFile(Exception):  # noqa: N818 - a reason that is caught one level up, not an error
    """A file cannot be worked on; the text says why."""


class SourceText(NamedTuple):
    """A file as text. `bom` is the byte-order mark that was there, or empty."""

    text: str
    bom: bytes
    mode: int

    def encoded(self, text: str) -> bytes:
        """Return another text in the form this file has."""
        return self.bom + text.encode("utf-8")


def select(paths: Iterable[str], globs: Sequence[str], ignored: Sequence[str] = ()) -> list[str]:
    """Return the paths that match a glob, are named, or lie in a named folder."""
    wanted = [glob.removeprefix("./").rstrip("/") for glob in globs]
    return [
        path
        for path in paths
        if any(_is_chosen(path, glob) for glob in wanted)
        and not any(matches_glob(path, glob) for glob in ignored)
    ]


def _is_chosen(path: str, glob: str) -> bool:
    return glob in (path, ".") or path.startswith(glob + "/") or matches_glob(path, glob)


def read_source(root: Path, path: str) -> SourceText:
    """Read a file as UTF-8 text.

    Raises:
        SkipFile: it is a link, too large, no text, or its folder is reached through a link.
    """
    with _opened_folder(root, path) as (folder, name):
        try:
            handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
        except OSError as error:
            raise SkipFile(_reason(error)) from error
        with open(handle, "rb") as stream:
            facts = os.fstat(handle)
            if not stat.S_ISREG(facts.st_mode):
                raise SkipFile("not a regular file")
            if facts.st_size > MAX_FILE_BYTES:
                raise SkipFile(f"{facts.st_size} bytes; the limit is {MAX_FILE_BYTES}")
            data = stream.read(MAX_FILE_BYTES + 1)
    return decode(data, stat.S_IMODE(facts.st_mode))


def decode(data: bytes, mode: int = 0o644) -> SourceText:
    """Take bytes as UTF-8 text.

    Raises:
        SkipFile: they are none, or hold NUL.
    """
    bom = b"\xef\xbb\xbf" if data.startswith(b"\xef\xbb\xbf") else b""
    if b"\0" in data:
        raise SkipFile("holds NUL bytes")
    try:
        text = data[len(bom) :].decode("utf-8")
    except UnicodeDecodeError as error:
        raise SkipFile(f"not UTF-8 (byte {error.start + len(bom)})") from error
    if "\r" in text and "\r" in text.replace("\r\n", ""):
        raise SkipFile("carriage returns that end no line")
    if len(text) > MAX_LINE and (longest := max(map(len, text.split("\n")))) > MAX_LINE:
        raise SkipFile(f"a line of {longest} characters; the limit is {MAX_LINE}")
    return SourceText(text, bom, mode)


def replace_file(root: Path, path: str, data: bytes, *, mode: int) -> None:
    """Write a file aside and put it in place in one step; its permissions stay.

    Raises:
        SkipFile: the folder is now reached through a link, or cannot be written.
    """
    with _opened_folder(root, path) as (folder, name):
        # As many bytes as fit a file name; the process id keeps two writers apart.
        aside = f".{os.getpid()}.codex-orchestrator.tmp"
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            handle = os.open(aside, flags, 0o600, dir_fd=folder)
            try:
                with open(handle, "wb") as stream:
                    stream.write(data)
                    os.fchmod(stream.fileno(), mode)
                os.rename(aside, name, src_dir_fd=folder, dst_dir_fd=folder)
            except OSError:
                with contextlib.suppress(OSError):
                    os.unlink(aside, dir_fd=folder)
                raise
        except OSError as error:
            raise SkipFile(_reason(error)) from error


@contextlib.contextmanager
def _opened_folder(root: Path, path: str) -> Iterator[tuple[int, str]]:
    """Open a file's folder step by step, so that no link on the way is followed."""
    *parents, name = path.split("/")
    if name in ("", ".", "..") or ".." in parents:
        raise SkipFile("leaves the work tree")
    flags = os.O_RDONLY | os.O_DIRECTORY
    folder = os.open(root, flags)
    try:
        for part in parents:
            try:
                inner = os.open(part, flags | os.O_NOFOLLOW, dir_fd=folder)
            except OSError as error:
                raise SkipFile(_reason(error)) from error
            os.close(folder)
            folder = inner
        yield folder, name
    finally:
        os.close(folder)


def _reason(error: OSError) -> str:
    import errno

    if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EMLINK):
        return "a symbolic link"
    return error.strerror or type(error).__name__
