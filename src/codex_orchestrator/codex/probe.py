"""Probes for `doctor`: what of Codex works here, each with the fix for what does not."""

import os
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import closing
from importlib.util import find_spec

from codex_orchestrator.codex.binary import CodexBinary, find_codex, require_tested
from codex_orchestrator.codex.cloud_cli import check_sign_in
from codex_orchestrator.codex.command import Output, run_codex
from codex_orchestrator.codex.hardening import HARDENING, as_flags
from codex_orchestrator.codex.private_home import PrivateHome, private_home
from codex_orchestrator.codex.session import CodexSession, SessionSettings
from codex_orchestrator.model.credential import Secret
from codex_orchestrator.model.errors import NotCheckedError, OrchestratorError
from codex_orchestrator.model.probe import Probe
from codex_orchestrator.system.installed import missing_extra

_TIMEOUT_S = 30.0
_SANDBOX_FIX = (
    "Codex's sandbox needs unprivileged user namespaces: on Ubuntu 24.04 run `sudo sysctl -w "
    "kernel.apparmor_restrict_unprivileged_userns=0`; in a container allow them (Docker: "
    "--security-opt seccomp=unconfined --security-opt apparmor=unconfined). Without a sandbox "
    "use `--builder workspace`"
)


def probe_codex(*, codex_path: str = "", auth: Secret | None = None) -> tuple[Probe, ...]:
    """Look at Codex without a model and without network, and leave nothing behind.

    Args:
        codex_path: `codex.path` of the configuration.
        auth: the cloud secret when there is one. It is read, not used.

    Returns:
        Probes named codex, codex app-server, codex sandbox, codex cloud, codex cloud sign-in;
        the first alone when there is no usable Codex.
    """
    try:
        binary = require_tested(find_codex(codex_path))
    except OrchestratorError as error:
        return (Probe("codex", "missing", error.message, error.fix),)
    with private_home() as home:
        return (
            Probe("codex", "works", f"{binary.version} at {binary.path}"),
            _probe("codex app-server", lambda: _app_server(binary, home)),
            probe_sandbox(binary, home),
            _probe("codex cloud", lambda: _cloud_command(binary, home)),
            _probe("codex cloud sign-in", lambda: _sign_in(auth)),
        )


def probe_sandbox(binary: CodexBinary, home: PrivateHome) -> Probe:
    """Run `true`, then a forbidden write, in Codex's sandbox.

    A sandbox that cannot start fails every command of a turn while the turn itself completes, and
    one that allows the write does not protect. Both must show before a run.
    """
    return _probe("codex sandbox", lambda: _sandbox(binary, home))


def _probe(name: str, look: Callable[[], str]) -> Probe:
    try:
        return Probe(name, "works", look())
    except OrchestratorError as error:
        fix = error.fix or "reinstall Codex, or leave codex.path empty"
        return Probe(name, "missing", error.message, fix)


def _sandbox(binary: CodexBinary, home: PrivateHome) -> str:
    started = _run(binary, home, "sandbox", "--", "true")
    if started.exit_code:
        lines = [line for line in started.stderr.splitlines() if line.strip()]
        reason = lines[-1][:300] if lines else f"exit code {started.exit_code}"
        raise NotCheckedError(f"does not start: {reason}", fix=_SANDBOX_FIX)
    with tempfile.TemporaryDirectory(dir=home.temp) as outside:
        target = os.path.join(outside, "written")
        _run(binary, home, "sandbox", "--", "touch", target)
        if os.path.exists(target):
            raise NotCheckedError("lets commands write", fix=_SANDBOX_FIX)
    return "starts, and keeps a command from writing"


def _app_server(binary: CodexBinary, home: PrivateHome) -> str:
    if find_spec("openai_codex") is None:
        raise missing_extra("codex", needed_for="the app-server client")
    session = CodexSession(SessionSettings(binary=binary, key=None), home)
    session.start()
    with closing(session):
        return f"answers as {session.user_agent.split(' ')[0]}"


def _cloud_command(binary: CodexBinary, home: PrivateHome) -> str:
    done = _run(binary, home, "cloud", "exec", "--help")
    if done.exit_code or b"--env" not in done.stdout:
        raise NotCheckedError(
            "this Codex has no `cloud exec` command", fix="leave codex.path empty, or update Codex"
        )
    return "the command is there; the service was not asked"


def _sign_in(auth: Secret | None) -> str:
    check_sign_in(auth)
    return "a ChatGPT sign-in is there; the service was not asked"


def _run(binary: CodexBinary, home: PrivateHome, *arguments: str) -> Output:
    argv = [binary.path, *as_flags(HARDENING), *arguments]
    try:
        return run_codex(argv, home, cwd=home.home, timeout_s=_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return Output(124, b"", f"no answer in {_TIMEOUT_S:.0f} s")
