"""Run one Codex command to its end, in a private home and within a time."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from codex_orchestrator.codex.hardening import codex_environment
from codex_orchestrator.codex.private_home import PrivateHome


class Output(NamedTuple):
    """What one command printed, and its exit code."""

    exit_code: int
    stdout: bytes
    stderr: str


def run_codex(
    argv: Sequence[str],
    home: PrivateHome,
    *,
    cwd: Path,
    timeout_s: float,
    stdin: bytes = b"",
    extra: Mapping[str, str] = MappingProxyType({}),
) -> Output:
    """Run a command and return what it printed.

    Args:
        argv: the binary and its arguments.
        home: its home, and where its settings are.
        cwd: the folder that it runs in.
        timeout_s: the seconds after which it is ended.
        stdin: what it reads.
        extra: variables beside those that every Codex gets.

    Raises:
        subprocess.TimeoutExpired: it did not end in time.
    """
    environment = codex_environment(os.environ, home=str(home.home), CODEX_HOME=str(home.codex))
    done = subprocess.run(
        argv,
        input=stdin,
        capture_output=True,
        env={**environment, **extra},
        cwd=cwd,
        timeout=timeout_s,
        check=False,
    )
    return Output(done.returncode, done.stdout, done.stderr.decode("utf-8", "replace"))
