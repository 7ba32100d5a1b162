"""Running git: several at once, NUL-separated answers, no shell, an environment by allow-list.

`subprocess` costs a tenth of the whole hook to import, so git is started with `posix_spawnp`.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from codex_orchestrator.model.errors import InputError, NotCheckedError

CHUNK = 1 << 20
_PASSED_ON = frozenset(
    [
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "TMPDIR",
        "XDG_CONFIG_HOME",
        "LD_LIBRARY_PATH",
        "SSH_AUTH_SOCK",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
        "http_proxy",
        "https_proxy",
        "no_proxy",
        "GIT_EXEC_PATH",
        "GIT_SSH",
        "GIT_SSH_COMMAND",
        "GIT_ASKPASS",
        "GIT_CEILING_DIRECTORIES",
    ]
)
# Git sets these for its hooks: `git commit -a` and `git commit PATH` judge a temporary index.
_OF_THE_HOOK = frozenset(
    [
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_COMMON_DIR",
        "GIT_OBJECT_DIRECTORY",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_QUARANTINE_PATH",
        "GIT_SHALLOW_FILE",
    ]
)
_FIXED = {
    "LC_ALL": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
}


def repository_root(start: str | None) -> str:
    """Return the top folder of the git repository that holds `start` (default: here).

    Raises:
        InputError: the folder is missing, or no work tree of a git repository.
    """
    folder = os.path.abspath(start or os.curdir)
    if not os.path.isdir(folder):
        raise InputError(
            "no such folder", path=start or folder, fix="give a folder with --repo DIR"
        )
    place = folder
    while not os.path.exists(os.path.join(place, ".git")):
        parent = os.path.dirname(place)
        if parent == place:
            raise InputError(
                "not inside the work tree of a git repository",
                path=start or folder,
                fix="run it in a repository, or name one with --repo DIR (`git init` makes one)",
            )
        place = parent
    return place


def git_environment(outside: Mapping[str, str], *, is_hook_repository: bool) -> dict[str, str]:
    """Return the environment for git.

    Args:
        outside: the environment of this process.
        is_hook_repository: whether git's own hook variables speak of the repository at hand.
    """
    allowed = _PASSED_ON | _OF_THE_HOOK if is_hook_repository else _PASSED_ON
    kept = {
        name: value
        for name, value in outside.items()
        if name in allowed or name.startswith("GIT_CONFIG_")
    }
    return kept | _FIXED


class Job(NamedTuple):
    """A git that is running: its arguments, process id and the read end of its stdout."""

    args: tuple[str, ...]
    pid: int
    pipe: int


class Git:
    """The git of one repository."""

    def __init__(self, root: str, env: Mapping[str, str]) -> None:
        self.root = root
        self.env = env
        # A repository may name a program as its file system monitor; looking is not running.
        self._command = ("git", "-C", root, "-c", "core.fsmonitor=false")

    def start(self, *args: str, stdin: int | None = None) -> Job:
        """Start git and return at once. `stdin` is a descriptor; without it stdin is empty.

        Raises:
            NotCheckedError: git is not installed.
        """
        read, write = os.pipe()
        source = stdin
        if source is None:
            source = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        silent = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        actions = [
            (os.POSIX_SPAWN_DUP2, source, 0),
            (os.POSIX_SPAWN_DUP2, write, 1),
            (os.POSIX_SPAWN_DUP2, silent, 2),
        ]
        try:
            pid = os.posix_spawnp("git", (*self._command, *args), self.env, file_actions=actions)
        except FileNotFoundError as error:
            os.close(read)
            raise NotCheckedError(
                "git is not installed", fix="install git 2.30 or newer and put it on PATH"
            ) from error
        finally:
            os.close(write)
            os.close(silent)
            if stdin is None:
                os.close(source)
        return Job(args, pid, read)

    def finish(self, job: Job) -> bytes:
        """Return all that a started git wrote.

        Raises:
            NotCheckedError: git failed; the message is what git said.
        """
        code, output = self.wait(job)
        if code:
            raise self.failure(job.args, code)
        return output

    def wait(self, job: Job) -> tuple[int, bytes]:
        """Return exit code and output of a started git."""
        parts = []
        while part := os.read(job.pipe, CHUNK):
            parts.append(part)
        os.close(job.pipe)
        return os.waitstatus_to_exitcode(os.waitpid(job.pid, 0)[1]), b"".join(parts)

    def abandon(self, job: Job) -> None:
        """End a started git whose answer nobody needs."""
        os.close(job.pipe)
        os.waitpid(job.pid, 0)

    def run(self, *args: str) -> bytes:
        """Start git, wait, return what it wrote."""
        return self.finish(self.start(*args))

    def answer(self, *args: str) -> str | None:
        """Return git's one-line answer, or None when git says no."""
        code, output = self.wait(self.start(*args))
        return None if code else os.fsdecode(output).rstrip("\n")

    def failure(self, args: tuple[str, ...], code: int) -> NotCheckedError:
        """Ask the failed git again, this time for its complaint, and make it an error."""
        # When git sees no repository at all, that is the thing to say, not what followed from it.
        said = self._complaint("rev-parse", "--git-dir") or self._complaint(*args)
        return NotCheckedError(
            f"git {args[0]} failed: {said or f'exit {code}'}",
            fix="run the same git command in the repository and mend what it says",
        )

    def _complaint(self, *args: str) -> str:
        import subprocess

        done = subprocess.run(
            [*self._command, *args],
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
        )
        if not done.returncode:
            return ""
        lines = os.fsdecode(done.stderr[:4000]).splitlines()
        fatal = [line for line in lines if line.startswith(("fatal:", "error:"))]
        return next(iter(fatal or lines), "").strip()


class Blobs:
    """Objects of one repository through one `git cat-file --batch`, started at once."""

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
        """Ask for objects; `next_answer` returns them in order. At most a pipe full at once."""
        if any("\n" in name for name in names):
            raise ValueError("an object name cannot hold a newline")
        os.write(
            self._ask, "".join(f"{name}\n" for name in names).encode("utf-8", "surrogateescape")
        )

    def next_answer(self, limit: int) -> tuple[str, bytes, int] | None:
        """Return object name, at most `limit` bytes and the whole size; None when missing."""
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
        """Ask for one object and return it as `next_answer` does."""
        self.ask(name)
        return self.next_answer(limit)

    def read_many(
        self, names: Iterable[str], limit: int
    ) -> Iterator[tuple[str, bytes, int] | None]:
        """Yield many objects in order, asking ahead by less than a pipe holds."""
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
