"""The `codex cloud` command: how it is called, and what its output means."""

import json
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

from codex_orchestrator.codex.binary import CodexBinary
from codex_orchestrator.codex.command import Output, run_codex
from codex_orchestrator.codex.hardening import CLOUD_HARDENING, as_flags
from codex_orchestrator.codex.private_home import PrivateHome, private_home
from codex_orchestrator.model.credential import Secret
from codex_orchestrator.model.errors import InputError, NotCheckedError, ServiceError

_COMMAND_TIMEOUT_S = 120.0
_SIGN_IN = (
    "run `codex login` with a ChatGPT account and give the credential broker the text of "
    "$CODEX_HOME/auth.json as the cloud secret"
)
_NOT_POSSIBLE = (
    (r"Not signed in|401 Unauthorized", "Codex Cloud does not accept the sign-in", _SIGN_IN),
    (
        r"environment '([^']*)' not found",
        "Codex Cloud has no environment {!r}",
        "set codex.environment to an id or label that `codex cloud` lists",
    ),
    (
        r"unrecognized subcommand|stdin is not a terminal",
        "this Codex has no `cloud` command",
        "leave codex.path empty, or update Codex",
    ),
    (
        r"(?s)get_task_details failed.*404|404.*get_task_details failed",
        "Codex Cloud does not know the task",
        "start a new run; the old task is gone",
    ),
)
"""What failed commands print, and the message and fix of its error."""
_TASK_ID = re.compile(
    r"^https://[^\s/]+/(?:\S+/)?tasks/([a-z0-9][\w.-]*)$", re.MULTILINE | re.ASCII | re.IGNORECASE
)


class CloudCli:
    """Runs `codex cloud …` from an empty folder with a sign-in that lives in memory.

    Use `open_cloud_cli`, which removes the sign-in on every way out.
    """

    def __init__(self, binary: CodexBinary, home: PrivateHome, *, cwd: Path) -> None:
        self.version = binary.version
        self._argv = [binary.path, *as_flags(CLOUD_HARDENING)]
        self._home = home
        self._cwd = cwd

    def run(
        self,
        *arguments: str,
        stdin: bytes = b"",
        extra: Mapping[str, str] = MappingProxyType({}),
    ) -> Output:
        """Run one command and return what it printed.

        Raises:
            NotCheckedError: not signed in, environment or task unknown, or no `cloud` command.
            ServiceError: the command did not end in time.
        """
        try:
            output = run_codex(
                [*self._argv, "cloud", *arguments],
                self._home,
                # Every cloud command writes error.log into the folder it runs in.
                cwd=self._cwd,
                timeout_s=_COMMAND_TIMEOUT_S,
                stdin=stdin,
                extra=extra,
            )
        except subprocess.TimeoutExpired as error:
            raise ServiceError(
                f"codex cloud {arguments[0]} gave no answer in {_COMMAND_TIMEOUT_S:.0f} s",
                fix="a task that was taken goes on; resume the run to poll it",
            ) from error
        if output.exit_code:
            _raise_if_not_possible(output)
        return output


@contextmanager
def open_cloud_cli(binary: CodexBinary, *, auth: Secret | None) -> Iterator[CloudCli]:
    """Put the sign-in into a private home, yield the command, and remove the home.

    Args:
        binary: the Codex to run.
        auth: the text of an `auth.json` with a ChatGPT sign-in.

    Raises:
        NotCheckedError: there is no sign-in, or Codex Cloud cannot use it.
    """
    text = check_sign_in(auth)
    with private_home() as home, tempfile.TemporaryDirectory(dir=home.temp) as scratch:
        auth_file = home.codex / "auth.json"
        auth_file.touch(mode=0o600, exist_ok=False)
        auth_file.write_text(text, "utf-8")
        yield CloudCli(binary, home, cwd=Path(scratch))


def check_sign_in(auth: Secret | None) -> str:
    """Return the text of an `auth.json` that Codex Cloud can use.

    Raises:
        NotCheckedError: there is none, or it is another kind of sign-in.
    """
    if auth is None:
        raise NotCheckedError("Codex Cloud needs a ChatGPT sign-in; there is none", fix=_SIGN_IN)
    try:
        document = json.loads(auth.reveal())
        tokens = document["tokens"]
        complete = all(tokens[name] for name in ("id_token", "access_token", "account_id"))
    except (ValueError, KeyError, TypeError, RecursionError):
        complete = False
    if not complete:
        raise NotCheckedError(
            "the cloud secret is not an auth.json with a ChatGPT sign-in (API keys cannot be used)",
            fix=_SIGN_IN,
        )
    return auth.reveal()


def parse_submission(output: Output) -> str:
    """Return the task's id from what `exec` printed.

    Raises:
        ServiceError: it names no task.
    """
    match = _TASK_ID.search(output.stdout.decode("utf-8", "replace"))
    if output.exit_code or not match:
        raise service_error("exec", output)
    return match.group(1)


def parse_status(output: Output) -> tuple[str, str]:
    """Return the state that `status` prints in brackets, in lower case, and the title behind it.

    Raises:
        ServiceError: there is no such line, as after a network error.
    """
    match = re.search(
        r"^\[([A-Z_ ]+)\] ?(.*)$", output.stdout.decode("utf-8", "replace"), re.MULTILINE
    )
    if not match:
        raise service_error("status", output)
    return match.group(1).lower(), match.group(2)


def parse_list(output: Output) -> tuple[list[dict[str, Any]], str]:
    """Return the tasks of one page of `list --json`, and the cursor of the next ("" at the end).

    Raises:
        ServiceError: the command failed or printed something else.
    """
    if output.exit_code:
        raise service_error("list", output)
    try:
        document = json.loads(output.stdout)
        tasks = [{**task, "id": task["id"], "status": task["status"]} for task in document["tasks"]]
        return tasks, str(document.get("cursor") or "")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise service_error("list", output) from error


def service_error(verb: str, output: Output) -> ServiceError:
    """Return the error of a command that failed for a reason that may pass."""
    lines = [line for line in output.stderr.splitlines() if line and "WARNING:" not in line]
    return ServiceError(
        f"codex cloud {verb} failed: {' '.join(lines)[:500] or f'exit code {output.exit_code}'}",
        fix="resume the run later; a task that was recorded is polled, not sent again",
    )


def _raise_if_not_possible(output: Output) -> None:
    printed = output.stderr + output.stdout.decode("utf-8", "replace")
    for pattern, message, fix in _NOT_POSSIBLE:
        if found := re.search(pattern, printed):
            raise NotCheckedError(message.format(*found.groups()), fix=fix)
    if "error: invalid value" in printed:
        raise InputError(printed.partition("error: ")[2].splitlines()[0], field="codex cloud")
