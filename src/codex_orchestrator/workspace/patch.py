"""A patch as data, in either of two forms, and what it makes of the files it names.

Both forms have one meaning here: hunks are found by their lines. The line numbers of a unified
diff say where to look first; models often get them wrong.
"""

from typing import Literal, NamedTuple

from codex_orchestrator.model.errors import InputError

MAX_PATCH_BYTES = 2 * 1024 * 1024


class PatchError(InputError):
    """A patch that cannot be read, or does not fit the files."""


class HunkLine(NamedTuple):
    """One line of a hunk: context, removed or added; `text` has its line end."""

    tag: Literal[" ", "-", "+"]
    text: bytes


class Hunk(NamedTuple):
    """Lines to find and what to put in their place.

    `start` is the first line's number in the old file (0: not told). `anchors` are lines that
    stand before it. `number` is the line of the patch that it begins at, for messages.
    """

    lines: tuple[HunkLine, ...]
    number: int
    start: int = 0
    anchors: tuple[bytes, ...] = ()
    is_at_end: bool = False

    @property
    def old(self) -> tuple[bytes, ...]:
        """The lines that must stand in the file."""
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


def parse_patch(text: str) -> tuple[FileEdit, ...]:
    """Parse a unified diff, or the form that begins with `*** Begin Patch`.

    Raises:
        PatchError: names the line and what was expected there.
    """
    from codex_orchestrator.workspace.envelope import parse_envelope
    from codex_orchestrator.workspace.unified import parse_unified

    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise PatchError("the patch is not text") from error
    if len(data) > MAX_PATCH_BYTES:
        raise PatchError(
            f"the patch has {len(data)} bytes, the limit is {MAX_PATCH_BYTES}",
            fix="send several smaller patches",
        )
    lines = data.split(b"\n")
    begin = next((number for number, line in enumerate(lines) if line.strip()), 0)
    is_envelope = lines[begin].strip() == b"*** Begin Patch"
    edits = parse_envelope(lines, begin) if is_envelope else parse_unified(lines)
    if not edits:
        raise PatchError(
            "the patch names no file",
            fix="send a unified diff (--- a/FILE, +++ b/FILE, @@) or *** Begin Patch",
        )
    return edits
