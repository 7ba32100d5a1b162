"""What git prints: rows of `diff --raw`, `diff --numstat`, `ls-files`, `ls-tree`; complaints."""

import functools
import re
from collections.abc import Iterable

from codex_orchestrator.model.errors import NotCheckedError
from codex_orchestrator.text.lean_typing import NamedTuple
from codex_orchestrator.text.shown import visible

SYMLINK = "120000"
SUBMODULE = "160000"
UNCHANGED = "="
REGULAR = frozenset({"100644", "100755", "100664"})
"""Modes of regular files; the last one occurs in old histories."""

RAW_DIFF = (
    "--raw",
    "-z",
    "--no-abbrev",
    "--no-renames",
    "--ignore-submodules=none",
)
"""A rename is a deleted path and a new path, so that both count."""


_IN_CONFLICT = ("1", "2", "3")
"""Stages of index entries that are a side of a conflict."""


class Change(NamedTuple):
    """One path that changed. Blobs are object ids.

    Status is git's letter: A, D, M or T (type); in an audit, where nothing changed, `=`.
    """

    path: str
    status: str
    old_mode: str
    new_mode: str
    old_blob: str
    new_blob: str


class Entry(NamedTuple):
    """One tracked file of a snapshot."""

    path: str
    mode: str
    blob: str


def parse_raw_diff(output: bytes) -> tuple[Change, ...]:
    """Parse `git diff --raw -z --no-renames`; bytes that are not UTF-8 become surrogates.

    Raises:
        NotCheckedError: the index has a merge conflict.
    """
    fields = output.decode("utf-8", "surrogateescape").split("\0")
    changes = []
    for meta, path in zip(fields[0:-1:2], fields[1::2], strict=True):
        old_mode, new_mode, old_blob, new_blob, status = meta.lstrip(":").split(" ")
        if status[0] == "U":
            raise _in_conflict(path)
        changes.append(Change(path, status[0], old_mode, new_mode, old_blob, new_blob))
    return tuple(changes)


def parse_numstat(output: bytes) -> tuple[int, int]:
    """Parse `git diff --numstat -z --no-renames`; return how many lines were added and removed."""
    # A binary file has `-` instead of numbers.
    rows = [row for row in re.findall(_NUMSTAT_ROW, output) if row[0] != b"-"]
    return sum(int(added) for added, _ in rows), sum(int(removed) for _, removed in rows)


# It matches every row, so that no row can begin in the middle of a path.
_NUMSTAT_ROW = rb"(-|[0-9]+)\t(-|[0-9]+)\t[^\0]+\0"


_entry = functools.partial(tuple.__new__, Entry)


def parse_listing(output: bytes) -> list[Entry]:
    """Parse `git ls-files -s -z` or `git ls-tree -r -z`; object ids may have any length.

    Raises:
        NotCheckedError: the index has a merge conflict.
    """
    entries = []
    # A path may hold anything but NUL, newlines and tabs too.
    for row in output.decode("utf-8", "surrogateescape").split("\0")[:-1]:
        meta, _, path = row.partition("\t")
        # ls-files: mode, id, stage. ls-tree: mode, type, id.
        mode, second, third = meta.split(" ")
        if third in _IN_CONFLICT:
            raise _in_conflict(path)
        entries.append(_entry((path, mode, third if len(third) > 1 else second)))
    return entries


def _in_conflict(path: str) -> NotCheckedError:
    return NotCheckedError(
        f"{path}: the index is in conflict, so there is no change to check yet",
        fix="finish or abort the merge, then run the guard again",
    )


def complaint(output: str) -> str:
    """Return the line in which git says what went wrong, safe to show; "" when it says nothing."""
    lines = [line for line in visible(output).splitlines() if line.strip()]
    said = [line for line in lines if not line.startswith(("hint:", "warning:"))]
    wrong = [line for line in said if line.startswith(("fatal:", "error:"))]
    line = next(iter(wrong or said), "")
    return line.removeprefix("fatal:").removeprefix("error:").strip()[:500]


def new_blobs(entries: Iterable[Change]) -> bytes:
    """Return the names of the files that a change brings, a line each."""
    blobs = (e.new_blob for e in entries if e.new_mode != SUBMODULE and set(e.new_blob) != {"0"})
    return "".join(f"{blob}\n" for blob in blobs).encode("ascii")
