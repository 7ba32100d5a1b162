"""Files of a work tree: found without following links, read as bytes, replaced in one step."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from codex_orchestrator.model.errors import NotCheckedError, ServiceError
from codex_orchestrator.system.confined import ConfinedTree
from codex_orchestrator.system.files import UnusableFileError

MAX_FILE_BYTES = 2 * 1024 * 1024
# Such lines are generated. Matching takes time that grows with the square of the nesting, and code
# that nests a hundred thousand times is in one line.
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


def open_work_tree(root: Path) -> ConfinedTree:
    """Open a work tree for reading and replacing the files that git lists in it, of any name."""
    return ConfinedTree(
        root, max_bytes=MAX_FILE_BYTES, allows_hard_links=True, allows_any_name=True
    )


def read_source(tree: ConfinedTree, path: str) -> SourceText:
    """Read a file as UTF-8 text.

    Raises:
        SkipFile: it is a link, too large, not text, or its folder is reached through a link.
    """
    with _unusable_is_skipped():
        return decode(*tree.read(path))


def replace_source(tree: ConfinedTree, path: str, data: bytes, *, mode: int) -> None:
    """Write a file aside and put it in place in one step; its permissions stay.

    Raises:
        SkipFile: the folder is now reached through a link, or cannot be written.
    """
    with _unusable_is_skipped():
        tree.replace(path, data, mode=mode, makes_folders=False)


@contextlib.contextmanager
def _unusable_is_skipped() -> Iterator[None]:
    try:
        yield
    except UnusableFileError as error:
        raise SkipFile(error.problem.removeprefix("is ")) from error
    except (NotCheckedError, ServiceError) as error:
        raise SkipFile(error.message) from error


def decode(data: bytes, mode: int = 0o644) -> SourceText:
    """Decode bytes as UTF-8 text.

    Raises:
        SkipFile: they are not UTF-8, or hold NUL.
    """
    bom = b"\xef\xbb\xbf" if data.startswith(b"\xef\xbb\xbf") else b""
    if b"\0" in data:
        raise SkipFile("holds NUL bytes")
    try:
        text = data[len(bom) :].decode("utf-8")
    except UnicodeDecodeError as error:
        raise SkipFile(f"not UTF-8 (byte {error.start + len(bom)})") from error
    if "\r" in text and "\r" in text.replace("\r\n", ""):
        raise SkipFile("carriage returns that are not line ends")
    if len(text) > MAX_LINE and (longest := max(map(len, text.split("\n")))) > MAX_LINE:
        raise SkipFile(f"a line of {longest} characters; the limit is {MAX_LINE}")
    return SourceText(text, bom, mode)
