"""Patches as git writes them: which files, which lines of them, and their names as they are.

Patches that somebody else wrote are read by the workspace, which trusts none of this.
"""

import re
from typing import NamedTuple

QUOTED_NAME = re.compile(rb'"(?:[^"\\]|\\.)*"')
_ESCAPE = re.compile(rb"\\([0-3][0-7]{2}|.)")
_CONTROLS = dict(zip(b"abtnvfr", b"\a\b\t\n\v\f\r", strict=True))
_GIT = b"diff --git "
_BODY = re.compile(rb"^(?:@@ |GIT binary patch|Binary files )", re.MULTILINE)
_HUNK = re.compile(rb"@@ -\d+(?:,\d+)? \+(\d+)")
_STATED = re.compile(rb"(?:(---|\+\+\+)|(?:rename|copy) (from|to)) (.+)")


class FilePatch(NamedTuple):
    """One file in a patch.

    `path` is its name after the change, `old_path` before. `added` has the line numbers, from 1, of
    its new lines. `text` is the file's part of the patch.
    """

    old_path: str
    path: str
    added: tuple[int, ...]
    removed: int
    is_binary: bool
    text: bytes


def file_patches(patch: bytes) -> tuple[FilePatch, ...]:
    """Return the files of a `git diff` patch, in the order of the patch."""
    # A content line never looks like a header, because it starts with a space, a sign or a
    # backslash.
    return tuple(_file_patch(_GIT + part) for part in (b"\n" + patch).split(b"\n" + _GIT)[1:])


def _file_patch(text: bytes) -> FilePatch:
    body = _BODY.search(text)
    start = body.start() if body else len(text)
    old_path, path = _names(text[:start].split(b"\n"))
    added: list[int] = []
    number = removed = 0
    is_binary = text[start : start + 1] in (b"G", b"B")
    for line in [] if is_binary else text[start:].split(b"\n"):
        if line.startswith(b"+"):
            added.append(number)
            number += 1
        elif line.startswith(b"-"):
            removed += 1
        elif hunk := _HUNK.match(line):
            number = int(hunk[1])
        elif not line.startswith(b"\\"):
            number += 1
    return FilePatch(old_path, path, tuple(added), removed, is_binary, text)


def _names(header: list[bytes]) -> tuple[str, str]:
    """Return the names before and after the change; they are equal for a new or deleted file."""
    both = header[0].removeprefix(_GIT)
    quoted = QUOTED_NAME.findall(both)
    # If the names are not quoted and no header line below names them, both halves are the same
    # name.
    halves = [both[: len(both) // 2], both[len(both) // 2 + 1 :]]
    old, new = (unquoted(name)[2:] for name in (quoted if len(quoted) == 2 else halves))
    for line in header[1:]:
        if (stated := _STATED.fullmatch(line)) is None or stated[3] == b"/dev/null":
            continue
        # A name with a space is followed by a tab; only `---` and `+++` have the prefix `a/` or
        # `b/`.
        name = unquoted(stated[3].removesuffix(b"\t"))[2 if stated[1] else 0 :]
        if stated[1] == b"---" or stated[2] == b"from":
            old = name
        else:
            new = name
    return old.decode("utf-8", "replace"), new.decode("utf-8", "replace")


def unquoted(name: bytes) -> bytes:
    """Return a file name as it is on disk; git prints it in quotes when it is not plain ASCII."""
    if QUOTED_NAME.fullmatch(name) is None:
        return name
    return _ESCAPE.sub(_character, name[1:-1])


def _character(found: re.Match[bytes]) -> bytes:
    code: bytes = found[1]
    if len(code) == 3:
        return bytes([int(code, 8)])
    return bytes([_CONTROLS.get(code[0], code[0])])
