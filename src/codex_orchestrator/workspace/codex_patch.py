"""Parse the patch form that begins with `*** Begin Patch`, as Codex models write it."""

from codex_orchestrator.workspace.patch import (
    FileEdit,
    Hunk,
    HunkLine,
    PatchLines,
    parse_hunk_line,
    patch_error,
)

_ADD = b"*** Add File: "
_DELETE = b"*** Delete File: "
_UPDATE = b"*** Update File: "
_MOVE = b"*** Move to: "
_END_OF_FILE = b"*** End of File"
_END = b"*** End Patch"


def parse_codex_patch(lines: list[bytes], begin: int) -> tuple[FileEdit, ...]:
    """Parse the lines of a patch whose first marker is at `begin`.

    Raises:
        PatchError: names the line and what was expected there.
    """
    last = len(lines)
    while last and not lines[last - 1].strip():
        last -= 1
    if lines[last - 1].strip() != _END:
        raise patch_error("the patch does not end with *** End Patch", last)
    cursor = _Cursor(lines[: last - 1], at=begin + 1)
    edits = []
    while not cursor.is_done:
        number, line = cursor.number, cursor.take()
        if line.startswith(_ADD):
            edits.append(_added(_name(line, _ADD, number), number, cursor))
        elif line.startswith(_DELETE):
            edits.append(FileEdit("delete", _name(line, _DELETE, number), number))
        elif line.startswith(_UPDATE):
            edits.append(_updated(_name(line, _UPDATE, number), number, cursor))
        elif line.strip():
            raise patch_error(
                "expected *** Add File:, *** Update File: or *** Delete File:", number
            )
    return tuple(edits)


class _Cursor(PatchLines):
    @property
    def is_at_section(self) -> bool:
        """Say whether the next line begins another file."""
        return self.is_done or self.peek().startswith((_ADD, _DELETE, _UPDATE))


def _name(line: bytes, marker: bytes, number: int) -> str:
    name = line.removeprefix(marker).strip().decode("utf-8")
    if not name:
        raise patch_error("no file name", number)
    return name


def _added(path: str, number: int, cursor: _Cursor) -> FileEdit:
    found = []
    while not cursor.is_at_section:
        at, line = cursor.number, cursor.take()
        if not line.startswith(b"+"):
            raise patch_error("a line of a new file must begin with +", at)
        found.append(HunkLine("+", line[1:] + b"\n"))
    return FileEdit("add", path, number, (Hunk(tuple(found), number),))


def _updated(path: str, number: int, cursor: _Cursor) -> FileEdit:
    new_path = ""
    if cursor.peek().startswith(_MOVE):
        at = cursor.number
        new_path = _name(cursor.take(), _MOVE, at)
    hunks: list[Hunk] = []
    while not cursor.is_at_section:
        if not cursor.peek().strip() and not hunks:
            cursor.take()
            continue
        hunks.append(_hunk(cursor))
    if not hunks and not new_path:
        raise patch_error("an updated file needs a change", number)
    return FileEdit("update", path, number, tuple(hunks), new_path)


def _hunk(cursor: _Cursor) -> Hunk:
    anchors: list[bytes] = []
    found: list[HunkLine] = []
    is_at_end = False
    loose = 0
    begin = cursor.number
    while not cursor.is_at_section and cursor.peek().startswith(b"@@"):
        anchor = cursor.take()[2:].removesuffix(b"@@").strip()
        if anchor:
            anchors.append(anchor)
    while not cursor.is_at_section and not cursor.peek().startswith(b"@@"):
        at, line = cursor.number, cursor.take()
        if line.strip() == _END_OF_FILE:
            is_at_end = True
            break
        loose = 0 if line else loose + 1
        parsed = parse_hunk_line(line)
        if parsed is None:
            raise patch_error("a line of a hunk must begin with a space, - or +", at)
        found.append(parsed)
    # Empty lines before the next marker only separate it; they are not lines of the file.
    found = found[: len(found) - loose]
    if not any(line.tag != " " for line in found):
        raise patch_error("a hunk without a - or + line", begin)
    return Hunk(tuple(found), begin, anchors=tuple(anchors), is_at_end=is_at_end)
