"""Objects of a repository: many of them through one git process, and the files of a commit."""

import os
import re
from collections.abc import Iterable, Iterator

from codex_orchestrator.model.errors import InputError
from codex_orchestrator.system.git import CHUNK, Git
from codex_orchestrator.system.git_output import REGULAR
from codex_orchestrator.text.lean_typing import TYPE_CHECKING, NamedTuple
from codex_orchestrator.text.names import path_problem

if TYPE_CHECKING:
    from pathlib import Path

    from codex_orchestrator.system import safe_git

MAX_FILES = 2_000
MAX_BYTES = 64 * 1024 * 1024

# It matches every row, so that no row can begin in the middle of a path.
_SIZED_ROW = r"([0-7]+) [a-z]+ ([0-9a-f]+) +(-|[0-9]+)\t([^\0]+)\0"


class SizedEntry(NamedTuple):
    """One tracked file of a commit, with its size in bytes."""

    path: str
    mode: str
    blob: str
    size: int


class Blobs:
    """Objects of one repository through one `git cat-file --batch`, started immediately."""

    def __init__(self, git: Git) -> None:
        read, self._ask = os.pipe()
        try:
            self._job = git.start("cat-file", "--batch", stdin=read)
        finally:
            os.close(read)
        self._answers = os.fdopen(self._job.pipe, "rb", buffering=1 << 16)

    def close(self) -> None:
        """End the git process."""
        os.close(self._ask)
        self._answers.close()
        os.waitpid(self._job.pid, 0)

    def ask(self, *names: str) -> None:
        """Request objects; `next_answer` returns them in order.

        Request at most one pipe buffer at once.
        """
        if any("\n" in name for name in names):
            raise ValueError("an object name cannot hold a newline")
        os.write(
            self._ask, "".join(f"{name}\n" for name in names).encode("utf-8", "surrogateescape")
        )

    def next_answer(self, limit: int) -> tuple[str, bytes, int] | None:
        """Return object name, at most `limit` bytes and total size, or None when it is missing."""
        header = self._answers.readline()
        words = header.split()
        if len(words) != 3 or words[-1] in (b"missing", b"ambiguous") or not words[2].isdigit():
            return None
        size = int(words[2])
        content = self._answers.read(min(size, limit))
        left = size - len(content) + 1
        while left > 0:
            skipped = self._answers.read(min(left, CHUNK))
            if not skipped:
                return None
            left -= len(skipped)
        return words[0].decode(), content, size

    def read(self, name: str, limit: int) -> tuple[str, bytes, int] | None:
        """Request one object and return it as `next_answer` does."""
        self.ask(name)
        return self.next_answer(limit)

    def read_many(
        self, names: Iterable[str], limit: int
    ) -> Iterator[tuple[str, bytes, int] | None]:
        """Yield many objects in order, requesting ahead less than a pipe buffer."""
        batch: list[str] = []
        for name in names:
            batch.append(name)
            if len(batch) == 256:
                yield from self._read_batch(batch, limit)
                batch = []
        if batch:
            yield from self._read_batch(batch, limit)

    def _read_batch(self, batch: list[str], limit: int) -> Iterator[tuple[str, bytes, int] | None]:
        self.ask(*batch)
        for _ in batch:
            yield self.next_answer(limit)


def read_file_at(git: "safe_git.SafeGit", commit: str, path: str, *, limit: int) -> bytes | None:
    """Return the bytes of a regular file in a commit, or None when there is no such file.

    Raises:
        GitError: the commit does not exist.
        InputError: the file is larger than `limit` bytes.
    """
    for entry in _regular_files(git, commit, path):
        if entry.path != path:
            continue
        if entry.size > limit:
            raise InputError(f"more than {limit} bytes", path=f"{path} at {commit[:12]}")
        return git.run("cat-file", "blob", entry.blob)
    return None


def texts_at(git: "safe_git.SafeGit", commit: str, texts: Iterable[str]) -> tuple[str, ...]:
    """Return those of some texts that stand in a file of a commit.

    A text of several lines stands there when each of its lines does. Where git cannot tell, none
    does.
    """
    wanted = {text: _lines_of(text) for text in texts if "\0" not in text}
    every = [line for lines in wanted.values() for line in lines]
    # All at once first, for mostly none stands there.
    if not every or not _stands_at(git, commit, every):
        return ()
    return tuple(
        text
        for text, lines in wanted.items()
        if lines and all(_stands_at(git, commit, [line]) for line in lines)
    )


def _lines_of(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _stands_at(git: "safe_git.SafeGit", commit: str, texts: list[str]) -> bool:
    options = ("--quiet", "--text", "--fixed-strings", "--no-recurse-submodules", "-f", "-")
    # On stdin, because arguments show in the list of processes.
    patterns = "".join(f"{text}\n" for text in texts).encode("utf-8", "surrogateescape")
    status, _, _ = git.attempt("grep", *options, commit, "--", stdin=patterns)
    return status == 0


def export_folder(git: "safe_git.SafeGit", commit: str, folder: str, *, into: "Path") -> None:
    """Write the regular files of a folder in a commit to another folder; links are left out.

    Raises:
        GitError: the commit does not exist.
        InputError: the folder has too many files or bytes.
    """
    found = _regular_files(git, commit, folder)
    if len(found) > MAX_FILES or sum(entry.size for entry in found) > MAX_BYTES:
        raise InputError("has too many files or bytes", path=f"{folder}/ at {commit[:12]}")
    for entry in found:
        if path_problem(entry.path):
            continue
        place = into / entry.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(git.run("cat-file", "blob", entry.blob))


def _regular_files(git: "safe_git.SafeGit", commit: str, path: str) -> list[SizedEntry]:
    listing = git.run(
        "--literal-pathspecs", "ls-tree", "-r", "-l", "-z", "--full-tree", commit, "--", path
    )
    return [entry for entry in parse_sized_listing(listing) if entry.mode in REGULAR]


def parse_sized_listing(output: bytes) -> list[SizedEntry]:
    """Parse `git ls-tree -r -l -z`; submodules, which have no size, are left out."""
    return [
        SizedEntry(path, mode, blob, int(size))
        for mode, blob, size, path in re.findall(
            _SIZED_ROW, output.decode("utf-8", "surrogateescape")
        )
        if size != "-"
    ]
