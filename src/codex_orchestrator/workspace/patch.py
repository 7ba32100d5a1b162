"""A patch as data, in either of two forms.

In both forms hunks are found by their lines. The line numbers of a unified diff say where to look
first; models often get them wrong.
"""

from typing import Literal, NamedTuple

from codex_orchestrator.model.errors import InputError


class PatchError(InputError):
    """A patch that cannot be read, or does not fit the files."""


def patch_error(message: str, number: int) -> PatchError:
    """Return the error that a line of a patch, counted from 1, is wrong."""
    return PatchError(message, path="patch", line=number)


class PatchLines:
    """The lines of a patch, without their line ends, and the place of the next one."""

    def __init__(self, lines: list[bytes], *, at: int = 0) -> None:
        self._lines = lines
        self.at = at

    @property
    def is_done(self) -> bool:
        """Say whether no line is left."""
        return self.at >= len(self._lines)

    @property
    def number(self) -> int:
        """The number of the next line, from 1."""
        return self.at + 1

    def peek(self, ahead: int = 0) -> bytes:
        """Return the next line, or one after it; b"" where the patch has ended."""
        return self._lines[self.at + ahead] if self.at + ahead < len(self._lines) else b""

    def take(self) -> bytes:
        """Return the next line, and go on to the one after it."""
        self.at += 1
        return self.peek(-1)


class HunkLine(NamedTuple):
    """One line of a hunk: context, removed or added; `text` has its line end."""

    tag: Literal[" ", "-", "+"]
    text: bytes


_TAGS: dict[bytes, Literal[" ", "-", "+"]] = {b"": " ", b" ": " ", b"-": "-", b"+": "+"}


def parse_hunk_line(line: bytes) -> HunkLine | None:
    """Return a line of a hunk, given without its line end; None when it is not one."""
    tag = _TAGS.get(line[:1])
    return HunkLine(tag, line[1:] + b"\n") if tag else None


class Hunk(NamedTuple):
    """Lines to find and what to put in their place.

    `start` is the first line's number in the old file (0: not given). `anchors` are lines that
    come before it. `number` is the line of the patch that it begins at, for messages.
    """

    lines: tuple[HunkLine, ...]
    number: int
    start: int = 0
    anchors: tuple[bytes, ...] = ()
    is_at_end: bool = False

    @property
    def old(self) -> tuple[bytes, ...]:
        """The lines that must be in the file."""
        return tuple(line.text for line in self.lines if line.tag != "+")


class FileEdit(NamedTuple):
    """What a patch does to one file. `new_path` is where a renamed file goes, "" if it stays.

    `mode` is the new permission bits, None when they stay.
    """

    kind: Literal["add", "delete", "update"]
    path: str
    number: int
    hunks: tuple[Hunk, ...] = ()
    new_path: str = ""
    mode: int | None = None


def touched_paths(edits: tuple[FileEdit, ...]) -> tuple[str, ...]:
    """Return every path that a patch names, both sides of a rename."""
    return tuple(sorted({path for edit in edits for path in (edit.path, edit.new_path) if path}))
