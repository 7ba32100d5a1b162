"""How large a patch is, file by file, read from the text of `git diff`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_HUNK = re.compile(rb"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_HEADER = b"diff --git "
_RENAME = b"rename to "


@dataclass
class FileStat:
    """One file of a patch: lines added and removed; a binary file has neither."""

    path: str
    added: int = 0
    removed: int = 0
    is_binary: bool = False


def diff_stat(patch: bytes) -> tuple[FileStat, ...]:
    """Return the files of a patch in its order."""
    files: list[FileStat] = []
    for line, is_content in _with_hunks(patch.split(b"\n")):
        if line.startswith(_HEADER) and not is_content:
            files.append(FileStat(_from_header(line)))
        elif not files:
            continue
        elif is_content:
            files[-1].added += line.startswith(b"+")
            files[-1].removed += line.startswith(b"-")
        elif line.startswith((b"GIT binary patch", b"Binary files ")):
            files[-1].is_binary = True
        elif line.startswith((b"--- ", b"+++ ")) and not line.endswith(b" /dev/null"):
            files[-1].path = _without_prefix(line[4:])
        elif line.startswith(_RENAME):
            files[-1].path = line[len(_RENAME) :].decode("utf-8", "replace")
    return tuple(files)


def _with_hunks(lines: list[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Say of each line whether it is content: by a hunk's counts, for content can look like all."""
    left_old = left_new = 0
    for line in lines:
        is_content = left_old > 0 or left_new > 0
        if is_content:
            left_old -= not line.startswith((b"+", b"\\"))
            left_new -= not line.startswith((b"-", b"\\"))
        elif hunk := _HUNK.match(line):
            left_old, left_new = (int(count) if count else 1 for count in hunk.groups())
        yield line, is_content


def _without_prefix(name: bytes) -> str:
    """Drop `a/` or `b/` and the quotes or the tab that git puts around odd names."""
    return name.strip(b'"\t')[2:].decode("utf-8", "replace")


def _from_header(header: bytes) -> str:
    """Return the path of a file that has no `+++` line: both halves of the header name it."""
    names = header[len(_HEADER) :]
    return _without_prefix(names[len(names) // 2 + 1 :])
