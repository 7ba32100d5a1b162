"""Changed files as git's plumbing names them."""

import os
from typing import NamedTuple

from codex_orchestrator.model.errors import UNRECORDABLE, LimitReachedError


class Entry(NamedTuple):
    """One changed file: its modes before and after, and its blob after."""

    old_mode: str
    new_mode: str
    new_blob: str
    path: str


def raw_entries(raw: bytes) -> list[Entry]:
    """Parse the output of `git diff-tree --raw -z`.

    Raises:
        LimitReachedError: the name of a changed file is not UTF-8.
    """
    fields = raw.split(b"\0")
    entries = []
    for facts, name in zip(fields[::2], fields[1::2], strict=False):
        old_mode, new_mode, _, new_blob, _ = facts.decode("ascii").removeprefix(":").split(" ")
        try:
            path = name.decode("utf-8")
        except UnicodeDecodeError as error:
            raise LimitReachedError(
                f"the name of the changed file {os.fsdecode(name)!r} is not UTF-8",
                fix="find the step or the check that makes it",
                reason=UNRECORDABLE,
            ) from error
        entries.append(Entry(old_mode, new_mode, new_blob, path))
    return entries
