"""Run git on a repository that others may have written to: no hook, no filter, no prompt."""

import contextlib
import os
import re
import signal
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path

from codex_orchestrator.model.errors import NotCheckedError, OrchestratorError, ServiceError
from codex_orchestrator.system.git import isolated_git_environment, open_git, run_git
from codex_orchestrator.system.git_output import complaint

OLDEST_GIT = (2, 31)
_SETTINGS = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.untrackedCache": "false",
    "core.pager": "cat",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "submodule.recurse": "false",
    "advice.detachedHead": "false",
}


class GitError(NotCheckedError):
    """Git failed, so the answer is not known."""

    def __init__(self, message: str, *, fix: str = "", exit_status: int = 0) -> None:
        super().__init__(message, fix=fix)
        self.exit_status = exit_status


class SafeGit:
    """Git in one folder, with settings that disable everything a repository could make it run.

    Hooks, fsmonitor and clean/smudge filters are off, so files of Git LFS stay pointers. The
    environment is an allow-list: no GIT_DIR of a calling hook, no credential prompt.
    """

    def __init__(
        self,
        folder: Path,
        *,
        environ: Mapping[str, str],
        places: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
        runs_filters: bool = False,
        timeout_s: float = 300,
    ) -> None:
        self.folder = folder
        self._environ = environ
        self._places = dict(places or {})
        self._settings = _SETTINGS | dict(settings or {})
        self._filters: dict[str, str] | None = None
        self._runs_filters = runs_filters
        self._timeout_s = timeout_s

    def at(
        self,
        folder: Path,
        *,
        places: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
        runs_filters: bool = False,
    ) -> "SafeGit":
        """Return a SafeGit of the same repository with other GIT_… paths and more settings.

        `runs_filters` is for the user's own checkout, whose files have passed the filters.
        """
        other = SafeGit(
            folder,
            environ=self._environ,
            places=places,
            settings=self._settings | dict(settings or {}),
            runs_filters=runs_filters,
            timeout_s=self._timeout_s,
        )
        other._filters = self._filters
        return other

    def run(self, *args: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> bytes:
        """Run git with these arguments and return what it wrote to stdout.

        Raises:
            GitError: git ended with an error; the message is git's own first line.
            ServiceError: the disk is full.
            NotCheckedError: git is missing or too old.
        """
        status, out, err = self.attempt(*args, stdin=stdin, env=env)
        if status:
            raise _failure(args[0], status, err)
        return out

    def text(self, *args: str, stdin: bytes = b"") -> str:
        """Run git and return its output as text without the final newline."""
        return self.run(*args, stdin=stdin).decode("utf-8", "surrogateescape").rstrip("\n")

    def attempt(
        self, *args: str, stdin: bytes = b"", env: Mapping[str, str] | None = None
    ) -> tuple[int, bytes, str]:
        """Run git and return exit status, stdout and stderr text.

        Raises:
            NotCheckedError: git is missing, too old, or did not end in time.
        """
        if self._filters is None:
            self._filters = self._find_filters()
        settings = self._settings | ({} if self._runs_filters else self._filters)
        return self._run(args, settings, stdin=stdin, env=env)

    def read_some(self, *args: str, limit: int, timeout_s: float) -> tuple[int | None, bytes, str]:
        """Run git until it ends, writes more than `limit` bytes, or `timeout_s` seconds are over.

        Returns:
            Exit status (None when it was stopped), what it wrote so far, and stderr text.

        Raises:
            NotCheckedError: git is missing or too old.
        """
        if self._filters is None:
            self._filters = self._find_filters()
        settings = self._settings | self._filters
        with (
            tempfile.TemporaryFile() as complaints,
            open_git(
                args, env=self._environment(settings), folder=self.folder, stderr=complaints
            ) as process,
        ):
            has_timed_out = threading.Event()

            def kill() -> None:
                has_timed_out.set()
                # The whole process group: a child of git would keep the output open.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

            timer = threading.Timer(timeout_s, kill)
            timer.start()
            data = process.stdout.read(limit) if process.stdout else b""
            timer.cancel()
            is_cut = has_timed_out.is_set() or len(data) == limit
            if is_cut:
                kill()
            status = process.wait()
            complaints.seek(0)
            err = complaints.read(4096).decode("utf-8", "replace")
        return None if is_cut else status, data, err

    def _find_filters(self) -> dict[str, str]:
        status, out, _ = self._run(("version",), {})
        numbers = re.search(rb"(\d+)\.(\d+)", out)
        if status or not numbers or tuple(map(int, numbers.groups())) < OLDEST_GIT:
            raise NotCheckedError(
                f"git {out.decode('utf-8', 'replace').strip()!r} is too old",
                fix="install git {}.{} or newer".format(*OLDEST_GIT),
            )
        _, out, _ = self._run(("config", "-z", "--name-only", "--get-regexp", r"^filter\."), {})
        drivers = {name.rpartition(".")[0] for name in os.fsdecode(out).split("\0") if name}
        emptied = {
            f"{name}.{key}": "" for name in drivers for key in ("clean", "smudge", "process")
        }
        return emptied | {f"{name}.required": "false" for name in drivers}

    def _run(
        self,
        args: tuple[str, ...],
        settings: Mapping[str, str],
        *,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
    ) -> tuple[int, bytes, str]:
        done = run_git(
            args,
            env=self._environment(settings) | dict(env or {}),
            folder=self.folder,
            stdin=stdin,
            timeout_s=self._timeout_s,
        )
        return done.returncode, done.stdout, done.stderr.decode("utf-8", "replace")

    def _environment(self, settings: Mapping[str, str]) -> dict[str, str]:
        env = isolated_git_environment(self._environ)
        env["GIT_CONFIG_COUNT"] = str(len(settings))
        # The environment takes any driver name; `-c name=value` splits at the first `=`.
        for number, (name, value) in enumerate(settings.items()):
            env |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
        return env | self._places


def _failure(command: str, status: int, stderr: str) -> OrchestratorError:
    message = f"git {command}: {complaint(stderr) or f'exit status {status}'}"
    if "No space left on device" in stderr or "Disk quota exceeded" in stderr:
        return ServiceError(message, fix="free some space, then resume the run")
    fix = ""
    if "dubious ownership" in stderr:
        fix = "git config --global --add safe.directory <that folder>, if you trust it"
    return GitError(message, fix=fix, exit_status=status)
