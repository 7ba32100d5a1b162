"""Parse a unified diff, as `git diff` and `diff -u` write it, and as models write it."""

import re
from typing import Literal

from codex_orchestrator.text.diff import QUOTED_NAME, unquoted
from codex_orchestrator.workspace.patch import (
    FileEdit,
    Hunk,
    HunkLine,
    PatchError,
    PatchLines,
    parse_hunk_line,
    patch_error,
)

_GIT = b"diff --git "
_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_MODES = {b"100644": 0o644, b"100755": 0o755}
_NOTHING = b"/dev/null"


def parse_unified_diff(lines: list[bytes]) -> tuple[FileEdit, ...]:
    """Parse the lines of a unified diff; text before its first header is passed over.

    Raises:
        PatchError: names the line and what was expected there.
    """
    if lines and not lines[-1]:
        lines = lines[:-1]
    reader = _Reader(lines)
    edits = []
    while not reader.is_done:
        if reader.peek().startswith(_GIT) or reader.is_at_names:
            edits.append(reader.file())
        elif reader.peek().startswith(b"@@ -"):
            raise reader.error("a hunk without --- and +++ lines before it")
        else:
            reader.at += 1
    return tuple(edits)


class _Reader(PatchLines):
    @property
    def is_at_names(self) -> bool:
        return self.peek().startswith(b"--- ") and self.peek(1).startswith(b"+++ ")

    def error(self, message: str) -> PatchError:
        return patch_error(message, self.number)

    def file(self) -> FileEdit:
        """Parse one file's headers and hunks."""
        number = self.number
        header = self._headers() if self.peek().startswith(_GIT) else {}
        old = new = b""
        if self.is_at_names:
            old, new = self._name(b"--- "), self._name(b"+++ ")
        elif not header:
            raise self.error("expected --- and +++ lines")
        found = []
        while self.peek().startswith(b"@@ -"):
            found.append(self._hunk())
        hunks = tuple(found)
        if b"copy to" in header:
            raise patch_error("a copied file; send it as a new file", number)
        mode = self._mode(header, number)
        if b"rename to" in header:
            source = _text(_unquoted(header.get(b"rename from", b"")), number)
            target = _text(_unquoted(header[b"rename to"]), number)
            if not source or not target:
                raise patch_error("rename from and rename to need a name", number)
            return FileEdit("update", source, number, hunks, target, mode)
        if not old:
            old = new = _same_name(header[b"git"], number)
            if b"new file mode" in header:
                old = _NOTHING
            elif b"deleted file mode" in header:
                new = _NOTHING
            elif mode is None:
                raise patch_error("no change of this file", number)
        old, new = _without_prefixes(old, new)
        kind: Literal["add", "delete", "update"] = "update"
        if old == _NOTHING:
            kind = "add"
        elif new == _NOTHING:
            kind = "delete"
        elif not hunks and mode is None:
            raise patch_error("no hunk for this file", number)
        path = _text(new if kind == "add" else old, number)
        new_path = _text(new, number) if kind == "update" and new != old else ""
        return FileEdit(kind, path, number, hunks, new_path, mode)

    def _headers(self) -> dict[bytes, bytes]:
        found = {b"git": self.take().removeprefix(_GIT)}
        while not self.is_done and not self.is_at_names:
            line = self.peek()
            if line.startswith((_GIT, b"@@ -")):
                break
            if line.startswith((b"GIT binary patch", b"Binary files ")):
                raise self.error("a binary patch; only text files can be patched")
            for key in (
                *(b"old mode ", b"new mode ", b"new file mode ", b"deleted file mode "),
                *(b"rename from ", b"rename to ", b"copy from ", b"copy to "),
            ):
                if line.startswith(key):
                    found[key.strip()] = line.removeprefix(key)
            self.at += 1
        return found

    def _name(self, marker: bytes) -> bytes:
        name = _unquoted(self.peek().removeprefix(marker))
        if not name:
            raise self.error("no file name")
        self.at += 1
        return name

    def _mode(self, header: dict[bytes, bytes], number: int) -> int | None:
        for key in (b"old mode", b"deleted file mode", b"new mode", b"new file mode"):
            mode = header.get(key)
            if mode is not None and mode.strip() not in _MODES:
                raise patch_error(
                    "only regular files (mode 100644 or 100755) can be patched, no links", number
                )
        mode = header.get(b"new mode", header.get(b"new file mode"))
        return None if mode is None else _MODES[mode.strip()]

    def _hunk(self) -> Hunk:
        number = self.number
        found = _HUNK.match(self.peek())
        if not found:
            raise self.error("expected @@ -LINE,COUNT +LINE,COUNT @@")
        start = int(found[1][:9])
        old_count, new_count = (int(found[n][:9]) if found[n] else 1 for n in (2, 4))
        self.at += 1
        body = self.at
        lines = self._counted(old_count, new_count)
        if lines is None:
            self.at = body
            lines = self._uncounted()
        if not any(line.tag != " " for line in lines):
            raise patch_error("a hunk without a - or + line", number)
        # A hunk that only adds says after which line; one that does not, with which it begins.
        only_adds = all(line.tag == "+" for line in lines)
        return Hunk(tuple(lines), number, start=start + 1 if only_adds else start)

    def _counted(self, old_count: int, new_count: int) -> list[HunkLine] | None:
        """Take as many lines as the hunk's head says; None when that does not work out."""
        lines: list[HunkLine] = []
        while old_count > 0 or new_count > 0:
            if self.is_done:
                return None
            line = self._line(lines)
            if line is None:
                return None
            lines.append(line)
            old_count -= line.tag != "+"
            new_count -= line.tag != "-"
        if old_count or new_count:
            return None
        self._no_newline(lines)
        return lines if self._is_over() else None

    def _is_over(self) -> bool:
        """Say whether a hunk may end here: nothing follows but empty lines, up to a head."""
        ahead, left = 0, len(self._lines) - self.at
        while ahead < left and not self.peek(ahead).strip():
            ahead += 1
        follows = self.peek(ahead)
        return (
            ahead >= left
            or follows.startswith((b"@@ -", _GIT))
            or (follows.startswith(b"--- ") and self.peek(ahead + 1).startswith(b"+++ "))
            or self.peek().startswith(b"-- ")
        )

    def _uncounted(self) -> list[HunkLine]:
        """Take lines up to the next head: the counts are wrong, as models often write them."""
        lines: list[HunkLine] = []
        blank = 0
        while not (self.is_done or self.peek().startswith((b"@@ -", _GIT)) or self.is_at_names):
            blank = blank + 1 if not self.peek() else 0
            line = self._line(lines)
            if line is None:
                raise self.error("a line of a hunk must begin with a space, - or +")
            lines.append(line)
            self._no_newline(lines)
        return lines[: len(lines) - blank]

    def _line(self, before: list[HunkLine]) -> HunkLine | None:
        self._no_newline(before)
        line = self.take()
        return HunkLine(" ", b"\r\n") if line == b"\r" else parse_hunk_line(line)

    def _no_newline(self, lines: list[HunkLine]) -> None:
        if lines and not self.is_done and self.peek().startswith(b"\\ "):
            lines[-1] = HunkLine(lines[-1].tag, lines[-1].text.removesuffix(b"\n"))
            self.at += 1


def _unquoted(name: bytes) -> bytes:
    quoted = QUOTED_NAME.match(name)
    return unquoted(quoted[0]) if quoted else name.split(b"\t", 1)[0].rstrip(b"\r")


def _same_name(names: bytes, number: int) -> bytes:
    """Return the name in `a/NAME b/NAME`, where both are the same."""
    if QUOTED_NAME.match(names):
        return _unquoted(names)
    half = (len(names) - 1) // 2
    old, new = names[:half], names[half + 1 :]
    if old.partition(b"/")[2] != new.partition(b"/")[2] or names[half : half + 1] != b" ":
        raise patch_error("two names without --- and +++ lines", number)
    return old


def _without_prefixes(old: bytes, new: bytes) -> tuple[bytes, bytes]:
    has_old = old.startswith(b"a/") or old == _NOTHING
    has_new = new.startswith((b"b/", b"a/")) or new == _NOTHING
    if not (has_old and has_new):
        return old, new
    return old if old == _NOTHING else old[2:], new if new == _NOTHING else new[2:]


def _text(name: bytes, number: int) -> str:
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError as error:
        raise patch_error("a file name that is not UTF-8", number) from error
