"""Run a command with a time limit: its output goes to a log, and no process of it stays."""

import os
import selectors
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

from codex_orchestrator.model.confinement import Confinement, SandboxFacts
from codex_orchestrator.model.errors import NotCheckedError, OrchestratorError
from codex_orchestrator.system.folders import remove_tree
from codex_orchestrator.system.output import OutputLog, Redaction, unchanged
from codex_orchestrator.system.sandbox.child import STUCK_S, Child
from codex_orchestrator.system.sandbox.orders import MOUNT
from codex_orchestrator.system.sandbox.plan import make_orders
from codex_orchestrator.system.sandbox.probe import Probe

GRACE_S = 2.0
MAX_OUTPUT_BYTES = 64 * 1024 * 1024
_POLL_S = 0.1
_DRAIN_S = 1.0
_End = Literal["", "timed-out", "stopped", "flooded"]


class ProcessResult(NamedTuple):
    """How a command ended.

    `exit_code` is negative for a signal, None when the command did not start or how it ended is
    not known; then `problem` says why. `is_flooded` says that it was ended because it printed more
    than it may. `left_behind` counts processes that it left running and that were ended,
    `survivors` those that could not be ended. `limit` is the one for which it was ended, as
    `limits.NAME`, or "". `sandbox` is what was in force. `tail` is safe text.
    """

    exit_code: int | None
    is_timed_out: bool
    is_stopped: bool
    is_flooded: bool
    duration_ms: int
    left_behind: int
    survivors: int
    tail: str
    problem: str
    limit: str
    sandbox: SandboxFacts


def run_process(
    argv: Sequence[str],
    *,
    cwd: Path,
    bounds: Confinement,
    layers: Probe,
    timeout_s: float,
    log_path: Path,
    max_output_bytes: int = MAX_OUTPUT_BYTES,
    redact: Redaction = unchanged,
    stop: threading.Event | None = None,
    grace_s: float = GRACE_S,
) -> ProcessResult:
    """Run a command in a session of its own, without a shell and without input.

    Every process that it starts is gone when this returns: on Linux also those that left the
    process group, elsewhere the group alone.

    Args:
        argv: the command; its first item is looked up in the PATH of its environment.
        cwd: the folder it runs in.
        bounds: what it may read, write, reach, use and see.
        layers: what this machine can enforce of that.
        timeout_s: seconds until it gets SIGTERM, and after `grace_s` more seconds SIGKILL.
        log_path: new file for stdout and stderr.
        max_output_bytes: how much it may print; a command that prints more is ended.
        redact: masks secrets.
        stop: setting this event ends the command early.
        grace_s: seconds between SIGTERM and SIGKILL.

    Raises:
        ServiceError: the log cannot be written, for example because the disk is full.
        NotCheckedError: the folder is missing, or processes cannot be started.
    """
    if not cwd.is_dir():
        raise NotCheckedError(f"{argv[0]!r} cannot be started in {cwd}: there is no such folder")
    log = OutputLog(log_path, limit=max_output_bytes, redact=redact)
    begun = time.monotonic()
    try:
        with _scratch(layers) as scratch:
            orders = make_orders(
                bounds, layers, argv, cwd=str(cwd), scratch=scratch, grace_s=grace_s
            )
            with Child(orders) as child:
                end = _follow(child, log, begun + timeout_s, stop)
    finally:
        log.close()
    return _result(child, argv[0], end, log, begun)


def _result(child: Child, name: str, end: _End, log: OutputLog, begun: float) -> ProcessResult:
    return ProcessResult(
        exit_code=None if child.problem else child.number("exit"),
        is_timed_out=end == "timed-out",
        is_stopped=end == "stopped",
        is_flooded=end == "flooded",
        duration_ms=round((time.monotonic() - begun) * 1000),
        # What it was ended with is not what it left.
        left_behind=0 if end else child.number("left") or 0,
        survivors=child.survivors,
        tail=log.tail(),
        problem=_problem(child, name),
        limit=child.limit,
        sandbox=child.facts,
    )


@contextmanager
def _scratch(layers: Probe) -> Iterator[str]:
    """Yield a private folder for home and temporary files, where they cannot lie in memory."""
    if MOUNT in layers.works:
        yield ""
        return
    scratch = tempfile.mkdtemp(prefix="codex-orchestrator-")
    try:
        for name in ("home", "tmp"):
            os.mkdir(os.path.join(scratch, name), 0o700)
        yield scratch
    finally:
        remove_tree(Path(scratch))


def _follow(child: Child, log: OutputLog, deadline: float, stop: threading.Event | None) -> _End:
    """Copy output to the log until the command is over; return what ended it early, or ""."""
    end: _End = ""
    log_error: OrchestratorError | None = None
    give_up = float("inf")
    with selectors.DefaultSelector() as selector:
        selector.register(child.output, selectors.EVENT_READ)
        selector.register(child.status, selectors.EVENT_READ)
        while selector.get_map():
            now = time.monotonic()
            if now > give_up:
                child.kill()
                break
            for key, _ in selector.select(max(0.0, min(_POLL_S, deadline - now))):
                if key.fd == child.status:
                    if not child.hear():
                        selector.unregister(child.status)
                        # A process that could not be ended may keep the output open.
                        give_up = min(give_up, now + _DRAIN_S)
                        if child.number("exit") is None:
                            child.kill_group()
                elif not (data := child.read()):
                    selector.unregister(child.output)
                elif log_error is None:
                    try:
                        log.feed(data)
                    except OrchestratorError as error:
                        log_error = error
            if not child.is_over and not end:
                if time.monotonic() >= deadline:
                    end = "timed-out"
                elif log_error is not None or (stop is not None and stop.is_set()):
                    end = "stopped"
                elif log.dropped:
                    end = "flooded"
                if end:
                    child.end()
                    deadline = float("inf")
                    give_up = time.monotonic() + GRACE_S + STUCK_S
    if log_error is not None:
        raise log_error
    return end or ("flooded" if log.dropped else "")


def _problem(child: Child, name: str) -> str:
    if child.problem:
        return f"{name!r} cannot be run: {child.problem}"
    return "" if child.number("exit") is not None else "how the command ended is not known"
