"""What a workflow asks of the action, and what an earlier step of the action found."""

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from codex_orchestrator.model.errors import ExitCode, InputError
from codex_orchestrator.system.own_process import hand_over

if TYPE_CHECKING:
    import subprocess

COMMANDS = ("guard", "run", "verify", "publish", "sync", "all")
FAIL_ON = ("findings", "failed", "never")
APPROVER_OUTPUTS = frozenset(["approved-by", "exit-code"])
"""The outputs of the step that asks GitHub who approves."""


class Inputs(NamedTuple):
    """The action's inputs, checked. An empty string means that the input is not set."""

    command: str
    repo: Path
    task: str
    run: str
    manifests: str
    expected_manifest: str
    mode: str
    model: str
    builder: str
    approve: tuple[str, ...]
    resume: str
    base: str
    fail_on: str
    post: str
    catalog: str
    must_have_artifact: bool


class Found(NamedTuple):
    """The result of the work: the verdict, its exit code, and the run if there is one.

    A run that stopped before its end has a `state` and a `reason`; `waiting_for` is what it asks
    for, one `KIND:VALUE` a line. `attempt` counts the starts of the run.
    """

    verdict: str = "not-checked"
    exit_code: ExitCode = ExitCode.NOT_CHECKED
    task_id: str = ""
    run_id: str = ""
    mode: str = ""
    findings: int = 0
    manifest_path: str = ""
    manifest_sha256: str = ""
    waiting_for: str = ""
    state: str = ""
    reason: str = ""
    attempt: int = 1

    def outputs(self) -> dict[str, str]:
        """Return it as outputs of the action."""
        values = self._asdict() | {"exit_code": int(self.exit_code)}
        return {name.replace("_", "-"): str(values[name]) for name in _REPORTED}


_REPORTED = (
    *("verdict", "exit_code", "run_id", "mode", "findings"),
    *("manifest_path", "manifest_sha256", "waiting_for"),
)
"""The fields of `Found` that are outputs of the work step."""
_OTHERS = ("posted", "comment-url", "synced", "staged-path", "artifact-name")
OUTPUTS = frozenset((*Found().outputs(), *_OTHERS))
"""Every output of the steps `work` and `finish`."""


def read_inputs(environment: Mapping[str, str]) -> Inputs:
    """Read the action's inputs from the variables `INPUT_…`.

    Raises:
        InputError: names the input and its allowed values.
    """

    def text(name: str) -> str:
        return environment.get(f"INPUT_{name.upper().replace('-', '_')}", "").strip()

    if text("vault-url") or text("vault-role") or text("vault-path"):
        raise InputError(
            "this version reads secrets from the environment only",
            field="vault-url",
            fix="leave the vault inputs empty and set OPENAI_API_KEY in the job's environment",
        )
    command = _choice("command", text("command") or "guard", COMMANDS)
    approve = tuple(line.strip() for line in text("approve").splitlines() if line.strip())
    if (approve or text("resume")) and command not in ("run", "all"):
        raise InputError(
            "only `run` and `all` resume a run", field="approve" if approve else "resume"
        )
    as_given = ("task", "run", "manifests", "model", "builder", "resume", "base", "catalog")
    return Inputs(
        **{name: text(name) for name in as_given},
        command=command,
        repo=_repository(text("working-directory") or "."),
        expected_manifest=text("expected-manifest-sha256"),
        mode=_choice("mode", text("mode") or "auto", ("auto", "mcp", "cloud")),
        approve=approve,
        fail_on=_choice("fail-on", text("fail-on") or "findings", FAIL_ON),
        post=text("post") or "comment,summary",
        must_have_artifact=_choice(
            "require-artifact", text("require-artifact") or "true", ("true", "false")
        )
        == "true",
    )


def read_found(environment: Mapping[str, str]) -> Found:
    """Read the outputs of the work step from the variables `WORK_…`; not checked when it failed."""
    given: dict[str, Any] = {
        name: value for name in _REPORTED if (value := environment.get(f"WORK_{name.upper()}"))
    }
    if not given.get("exit_code", "").isdecimal():
        return Found()
    code, count = ExitCode(int(given["exit_code"])), int(given.get("findings", 0))
    return Found(**given | {"exit_code": code, "findings": count})


def _choice(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise InputError(f"{value!r} is not one of {', '.join(allowed)}", field=name)
    return value


def _repository(folder: str) -> Path:
    if not os.path.isdir(folder):
        raise InputError(
            "no such folder", path=folder, field="working-directory", fix="check out first"
        )
    return Path(folder).resolve()


def temporary_folder(environment: Mapping[str, str]) -> Path:
    """Return the runner's temporary folder.

    Raises:
        InputError: RUNNER_TEMP is not set: this is not a workflow.
    """
    folder = environment.get("RUNNER_TEMP", "")
    if not folder:
        raise InputError("is not set: this command belongs to action.yml", field="RUNNER_TEMP")
    return Path(folder)


class Called(NamedTuple):
    """The result of one of our commands: exit code and JSON document ({} for none)."""

    exit_code: ExitCode
    document: dict[str, Any]


Call = Callable[..., Called]
"""Runs one of our commands: `call("guard", "--base", "main", without=("GITHUB_TOKEN",))`."""


def command_line(repo: Path, environment: Mapping[str, str], new_token: Callable[[], str]) -> Call:
    """Return a function that runs our own commands as child processes on a repository.

    What they print for people goes to the log between stop-commands marks, so that no text in it
    is taken as a workflow command.
    """
    import subprocess

    from codex_orchestrator.model.canonical import CanonicalError, load_strict

    def call(*words: str, without: tuple[str, ...] = ()) -> Called:
        token = new_token()
        kept = {
            name: value
            for name, value in environment.items()
            if name not in without and not name.startswith(("INPUT_", "WORK_"))
        }
        print(f"::stop-commands::{token}", flush=True)  # noqa: T201 - the runner reads stdout
        shown, descriptor = hand_over(kept)
        cache = ["-X", f"pycache_prefix={sys.pycache_prefix}"] if sys.pycache_prefix else []
        try:
            child = subprocess.Popen(
                [
                    *(sys.executable, "-I", *cache, "-m", "codex_orchestrator"),
                    *options_first(words, repo),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=sys.stdout.fileno(),
                env=shown,
                pass_fds=[descriptor],
                cwd=repo,
            )
        finally:
            os.close(descriptor)
        with child:
            answer = answer_of(child)
        print(f"::{token}::", flush=True)  # noqa: T201 - the runner reads stdout
        try:
            document = load_strict(answer) if answer else {}
        except CanonicalError as error:
            raise InputError(f"`{words[0]}` did not answer in JSON: {error}") from error
        return Called(_exit_code(child.returncode), document if isinstance(document, dict) else {})

    return call


def answer_of(child: "subprocess.Popen[bytes]") -> bytes:
    """Return what a command wrote. A cancelled job ends it by SIGTERM: it saves its state first."""
    while True:
        try:
            return child.communicate()[0]
        except KeyboardInterrupt:
            child.terminate()


def options_first(words: tuple[str, ...], repo: Path) -> list[str]:
    """Return a command's words with the options for repository and format, before a `--` if any."""
    end = words.index("--") if "--" in words else len(words)
    return [*words[:end], "--repo", str(repo), "--format", "json", *words[end:]]


def _exit_code(number: int) -> ExitCode:
    return ExitCode(number) if number in set(ExitCode) else ExitCode.BUG
