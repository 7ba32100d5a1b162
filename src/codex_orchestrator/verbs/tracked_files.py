"""The files of a repository by which it is known what in it is code."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from codex_orchestrator.model.errors import InputError
from codex_orchestrator.system.git import Git, git_environment
from codex_orchestrator.system.git_output import REGULAR, parse_listing
from codex_orchestrator.verbs.known_files import know

_MOST_BYTES = 256 * 1024 * 1024
"""Length of all names that git lists, with 50 bytes about each."""


def tracked_files(repo: Path, environment: Mapping[str, str]) -> list[str]:
    """Return the names of regular tracked files; where none is code, also of new ones.

    Raises:
        InputError: the repository is far too large.
        NotCheckedError: git cannot list the files.
    """
    git = Git(str(repo), git_environment(environment, is_hook_repository=False))
    entries = (
        entry
        for part in _bounded(git, "ls-files", "-s", "-z")
        for entry in parse_listing(part)
        if entry.mode in REGULAR
    )
    found = [entry.path for entry in entries]
    if not any(know(path).language for path in found):
        for part in _bounded(git, "ls-files", "-z", "--others", "--exclude-standard"):
            found += os.fsdecode(part).split("\0")[:-1]
    return found


def _bounded(git: Git, *args: str) -> Iterator[bytes]:
    rows, size = git.rows(*args), 0
    try:
        for part in rows:
            size += len(part)
            if size > _MOST_BYTES:
                raise InputError("the repository has too many files to look through")
            yield part
    finally:
        rows.close()
