"""Starts git; no other file does. No shell, and an environment from an allow-list.

`Git` asks about the user's repository and starts several at once with `posix_spawnp`: importing
`subprocess` would cost a tenth of the whole hook. `run_git` and `open_git` are for calls with
input, a folder or a time limit; `safe_git` builds on them.
"""

import os
from collections.abc import Generator, Mapping, Sequence

from codex_orchestrator.model.errors import InputError, NotCheckedError
from codex_orchestrator.text.lean_typing import IO, TYPE_CHECKING
from codex_orchestrator.text.names import search_path

if TYPE_CHECKING:
    from subprocess import CompletedProcess, Popen

CHUNK = 1 << 20
_KEPT = frozenset(["HOME", "XDG_CONFIG_HOME", "TMPDIR", "GIT_CEILING_DIRECTORIES"])
# What git may need on the user's own repository: servers, and programs that reach them.
_KEPT_FOR_THE_USER = _KEPT | frozenset(
    [
        *("USER", "LOGNAME", "LD_LIBRARY_PATH", "SSH_AUTH_SOCK", "SSL_CERT_FILE", "SSL_CERT_DIR"),
        *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
        *("GIT_EXEC_PATH", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_ASKPASS"),
    ]
)
# Git sets these for its hooks: `git commit -a` and `git commit PATH` judge a temporary index.
_KEPT_FOR_A_HOOK = _KEPT_FOR_THE_USER | frozenset(
    [
        *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY"),
        *("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH", "GIT_SHALLOW_FILE"),
    ]
)
_KEPT_WHEN_ISOLATED = _KEPT | frozenset(
    [
        *("XDG_CACHE_HOME", "SYSTEMROOT", "USERPROFILE"),
        *("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"),
    ]
)
_FIXED = {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}


def repository_root(start: str | None) -> str:
    """Return the top folder of the git repository that holds `start` (default: here).

    Raises:
        InputError: the folder is missing, or not in the work tree of a git repository.
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
    """Return the environment for git on the user's repository.

    Args:
        outside: the environment of this process.
        is_hook_repository: whether what git sets for a hook is about this repository.
    """
    allowed = _KEPT_FOR_A_HOOK if is_hook_repository else _KEPT_FOR_THE_USER
    kept = {
        name: value
        for name, value in outside.items()
        if name in allowed or name.startswith("GIT_CONFIG_")
    }
    return kept | _fixed(outside) | {"GIT_LITERAL_PATHSPECS": "1", "GIT_NO_REPLACE_OBJECTS": "1"}


def isolated_git_environment(outside: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for git on a repository that others may have written to.

    It does not say which repository to use, and gives no access to a server.
    """
    kept = {name: value for name, value in outside.items() if name in _KEPT_WHEN_ISOLATED}
    return kept | _fixed(outside) | {"GIT_ATTR_NOSYSTEM": "1"}


def _fixed(outside: Mapping[str, str]) -> dict[str, str]:
    return _FIXED | {"PATH": search_path(outside)}


def run_git(
    args: Sequence[str],
    *,
    env: Mapping[str, str],
    folder: str | os.PathLike[str],
    stdin: bytes = b"",
    timeout_s: float | None = None,
) -> "CompletedProcess[bytes]":
    """Run git in a folder and wait for its end.

    Raises:
        NotCheckedError: git is not installed, cannot be started or did not end in time, or there
            is no such folder.
    """
    import subprocess

    try:
        return subprocess.run(
            ["git", *args],
            cwd=folder,
            env=env,
            input=stdin,
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise NotCheckedError(
            f"git {args[0]} did not end within {timeout_s:.0f} s in {folder}"
        ) from error
    except OSError as error:
        raise _not_started(error, folder) from error


def open_git(
    args: Sequence[str],
    *,
    env: Mapping[str, str],
    folder: str | os.PathLike[str],
    stderr: IO[bytes],
) -> "Popen[bytes]":
    """Start git in a folder, in its own session, with a pipe for stdout.

    Raises:
        NotCheckedError: git is not installed or cannot be started, or there is no such folder.
    """
    import subprocess

    try:
        return subprocess.Popen(
            ["git", *args],
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
        )
    except OSError as error:
        raise _not_started(error, folder) from error


def _not_started(error: OSError, folder: str | os.PathLike[str]) -> NotCheckedError:
    if not os.path.isdir(folder):
        return NotCheckedError(f"{folder}: no such folder")
    if isinstance(error, FileNotFoundError):
        return NotCheckedError(
            "git is not installed", fix="install git 2.31 or newer and put it on PATH"
        )
    return NotCheckedError(f"git cannot be started in {folder}: {error.strerror}")


class GitQuery:
    """A running git process: its arguments, process id and the read end of its stdout."""

    def __init__(self, args: tuple[str, ...], pid: int, pipe: int) -> None:
        self.args, self.pid, self.pipe = args, pid, pipe


class Git:
    """The git of one repository."""

    def __init__(self, root: str, env: Mapping[str, str]) -> None:
        self.root = root
        self.env = env
        # A repository may name a program as its file system monitor; a check must not run it.
        self._settings = ("-c", "core.fsmonitor=false")

    def start(self, *args: str, stdin: int | None = None) -> GitQuery:
        """Start git and return at once. `stdin` is a descriptor; without it, stdin is empty.

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
        command = ("git", "-C", self.root, *self._settings, *args)
        try:
            pid = os.posix_spawnp("git", command, self.env, file_actions=actions)
        except OSError as error:
            os.close(read)
            raise _not_started(error, os.curdir) from error
        finally:
            os.close(write)
            os.close(silent)
            if stdin is None:
                os.close(source)
        return GitQuery(args, pid, read)

    def finish(self, query: GitQuery) -> bytes:
        """Return all that a started git wrote.

        Raises:
            NotCheckedError: git failed; the message is git's own.
        """
        code, output = self.wait(query)
        if code:
            raise self.failure(query.args, code)
        return output

    def wait(self, query: GitQuery) -> tuple[int, bytes]:
        """Return exit code and output of a started git."""
        parts = []
        while part := os.read(query.pipe, CHUNK):
            parts.append(part)
        os.close(query.pipe)
        return os.waitstatus_to_exitcode(os.waitpid(query.pid, 0)[1]), b"".join(parts)

    def rows(self, *args: str) -> Generator[bytes, None, None]:
        """Start git and yield what it writes as it comes, each time up to the end of a row of `-z`.

        Closing the iterator ends git.

        Raises:
            NotCheckedError: git failed.
        """
        query = self.start(*args)
        rest = b""
        try:
            while part := os.read(query.pipe, CHUNK):
                done, end, rest = (rest + part).rpartition(b"\0")
                if end:
                    yield done + end
        except GeneratorExit:
            self.abandon(query)
            raise
        os.close(query.pipe)
        code = os.waitstatus_to_exitcode(os.waitpid(query.pid, 0)[1])
        if code:
            raise self.failure(args, code)

    def abandon(self, query: GitQuery) -> None:
        """End a started git whose output is not needed."""
        os.close(query.pipe)
        os.waitpid(query.pid, 0)

    def run(self, *args: str) -> bytes:
        """Start git, wait, return what it wrote."""
        return self.finish(self.start(*args))

    def answer(self, *args: str) -> str | None:
        """Return git's output of one line, or None when git fails."""
        code, output = self.wait(self.start(*args))
        return None if code else os.fsdecode(output).rstrip("\n")

    def failure(self, args: tuple[str, ...], code: int) -> NotCheckedError:
        """Run the failed git again for its error message, and return it as an error."""
        # When git finds no repository at all, that is what to report, not what followed from it.
        said = self._complaint("rev-parse", "--git-dir") or self._complaint(*args)
        return NotCheckedError(
            f"git {args[0]} failed: {said or f'exit {code}'}",
            fix="run the same git command in the repository and fix what it reports",
        )

    def _complaint(self, *args: str) -> str:
        from codex_orchestrator.system.git_output import complaint

        done = run_git([*self._settings, *args], env=self.env, folder=self.root)
        if not done.returncode:
            return ""
        return complaint(os.fsdecode(done.stderr[:4000]))
