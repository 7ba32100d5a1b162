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
    "core.alternateRefsCommand": "",
    "diff.external": "",
    "gpg.program": "false",
    "gpg.openpgp.program": "false",
    "gpg.ssh.program": "false",
    "gpg.ssh.defaultKeyCommand": "",
    "gpg.x509.program": "false",
    "log.showSignature": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "submodule.recurse": "false",
    "advice.detachedHead": "false",
}
# No program for a prompt or an editor, no server, no history but the recorded one. An object that
# a partial clone left out would be fetched: from an address, and by a program, of the settings.
_VARIABLES = {
    "GIT_ALLOW_PROTOCOL": "",
    "GIT_ASKPASS": "",
    "GIT_EDITOR": "false",
    "GIT_SEQUENCE_EDITOR": "false",
    "GIT_GRAFT_FILE": os.devnull,
    "GIT_NO_REPLACE_OBJECTS": "1",
}
# Commands that neither read nor write a file of the work tree: no filter can run. `write-tree` is
# none of them: it compares files that changed in the second in which they were added.
_WITHOUT_FILES = frozenset(
    [
        *("cat-file", "check-ref-format", "commit-tree", "diff-tree", "for-each-ref", "ls-tree"),
        *("pack-objects", "index-pack", "rev-list", "rev-parse", "show-ref", "symbolic-ref"),
        "version",
    ]
)


class GitError(NotCheckedError):
    """Git failed, so the answer is not known."""

    def __init__(self, message: str, *, fix: str = "", exit_status: int = 0) -> None:
        super().__init__(message, fix=fix)
        self.exit_status = exit_status


class SafeGit:
    """Git in one folder, with settings that disable everything a repository could make it run.

    Hooks, fsmonitor and clean/smudge filters are off, so files of Git LFS stay pointers. Their
    names are looked up before each command, because a check may have written new ones. The
    environment is an allow-list: no GIT_DIR of a calling hook, no credential prompt, no server.
    """

    def __init__(
        self,
        folder: Path,
        *,
        environ: Mapping[str, str],
        places: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
        filters: Mapping[str, str] | None = None,
        timeout_s: float = 300,
    ) -> None:
        self.folder = folder
        self._environ = environ
        self._places = dict(places or {})
        self._settings = _SETTINGS | dict(settings or {})
        self._filters = dict(filters or {})
        self._is_tested = False
        self._timeout_s = timeout_s

    def at(
        self,
        folder: Path,
        *,
        places: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
        filters: Mapping[str, str] | None = None,
    ) -> "SafeGit":
        """Return a SafeGit of the same repository with more GIT_… paths and settings.

        `filters` are settings of filters that may run, `filter.NAME.KEY`: the user's own checkout
        holds files that have passed them.
        """
        other = SafeGit(
            folder,
            environ=self._environ,
            places=self._places | dict(places or {}),
            settings=self._settings | dict(settings or {}),
            filters=filters,
            timeout_s=self._timeout_s,
        )
        other._is_tested = self._is_tested
        return other

    def filters(self) -> dict[str, str]:
        """Return the settings of all filters as they are now, `filter.NAME.KEY` and value."""
        return dict(self._settings_like(r"^filter\."))

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
        return self._run(args, self._settings_for(args[0]), stdin=stdin, env=env)

    def read_some(self, *args: str, limit: int, timeout_s: float) -> tuple[int | None, bytes, str]:
        """Run git until it ends, writes more than `limit` bytes, or `timeout_s` seconds are over.

        Returns:
            Exit status (None when it was stopped), what it wrote so far, and stderr text.

        Raises:
            NotCheckedError: git is missing or too old.
        """
        settings = self._settings_for(args[0])
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

    def _settings_for(self, command: str) -> dict[str, str]:
        """Return the settings for a command: what others wrote to run a program is disabled."""
        if not self._is_tested:
            self._require_version()
            self._is_tested = True
        if command in _WITHOUT_FILES:
            return self._settings
        disabled: dict[str, str] = {}
        for name, _ in self._settings_like(r"^(filter|hook)\."):
            driver, _, key = name.rpartition(".")
            disabled |= {f"{driver}.enabled": "false"} if name.startswith("hook.") else {name: ""}
            disabled |= {name: "false"} if key == "required" else {}
        return self._settings | disabled | self._filters

    def _settings_like(self, pattern: str) -> list[tuple[str, str]]:
        _, out, _ = self._run(("config", "-z", "--get-regexp", pattern), self._settings)
        rows = [row.partition("\n") for row in os.fsdecode(out).split("\0") if row]
        return [(name, value) for name, _, value in rows]

    def _require_version(self) -> None:
        status, out, _ = self._run(("version",), {})
        numbers = re.search(rb"(\d+)\.(\d+)", out)
        if status or not numbers or tuple(map(int, numbers.groups())) < OLDEST_GIT:
            raise NotCheckedError(
                f"git {out.decode('utf-8', 'replace').strip()!r} is too old",
                fix="install git {}.{} or newer".format(*OLDEST_GIT),
            )

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
        env = isolated_git_environment(self._environ) | _VARIABLES
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
