"""Read files as a commit holds them, whatever stands in the checkout."""

import os
import re
from pathlib import Path

from codex_orchestrator.model.errors import InputError
from codex_orchestrator.text.names import path_problem
from codex_orchestrator.workspace.repository import Repository

MAX_FILES = 2_000
MAX_BYTES = 64 * 1024 * 1024
_ENTRY = re.compile(rb"100(?:644|755) blob ([0-9a-f]+) +(\d+)\t(.+)", re.DOTALL)


def read_file_at(repository: Repository, commit: str, path: str, *, limit: int) -> bytes | None:
    """Return a regular file's bytes in a commit; None when there is none of that name.

    Raises:
        GitError: the commit is not there.
        InputError: the file is larger than `limit` bytes.
    """
    for name, blob, size in _regular_files(repository, commit, path):
        if name != path:
            continue
        if size > limit:
            raise InputError(f"more than {limit} bytes", path=f"{path} at {commit[:12]}")
        return repository.git.run("cat-file", "blob", blob)
    return None


def export_folder(repository: Repository, commit: str, folder: str, *, into: Path) -> None:
    """Write the regular files of a folder in a commit below another place; links are left out.

    Raises:
        GitError: the commit is not there.
        InputError: the folder holds more than can be meant.
    """
    found = _regular_files(repository, commit, folder)
    if len(found) > MAX_FILES or sum(size for _, _, size in found) > MAX_BYTES:
        raise InputError("holds too much", path=f"{folder}/ at {commit[:12]}")
    for name, blob, _ in found:
        if path_problem(name):
            continue
        place = into / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(repository.git.run("cat-file", "blob", blob))


def _regular_files(repository: Repository, commit: str, path: str) -> list[tuple[str, str, int]]:
    listed = repository.git.run(
        "--literal-pathspecs", "ls-tree", "-r", "-l", "-z", "--full-tree", commit, "--", path
    )
    entries = (_ENTRY.fullmatch(line) for line in listed.split(b"\0") if line)
    return [(os.fsdecode(one[3]), one[1].decode(), int(one[2])) for one in entries if one]
