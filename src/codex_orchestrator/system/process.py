"""Run a command with a time limit: its output goes to a log, and no process of it stays."""

import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, Self

from codex_orchestrator.model.errors import NotCheckedError, OrchestratorError
from codex_orchestrator.system import reaper
from codex_orchestrator.system.output import OutputLog, Redaction, unchanged

GRACE_S = 2.0
MAX_OUTPUT_BYTES = 64 * 1024 * 1024
_POLL_S = 0.1
_DRAIN_S = 1.0
# The reaper asks for `GRACE_S`, then kills for 5 s; if it takes longer it is stuck itself.
_REAPER_S = 10.0
_End = Literal["", "timed-out", "stopped", "flooded"]


class ProcessResult(NamedTuple):
    """How a command ended.

    `exit_code` is negative for a signal, None when the command did not start or how it ended is
    not known; then `problem` says why. `is_flooded` says that it was ended because it printed more
    than it may. `left_behind` counts processes that it left running and that were ended,
    `survivors` those that could not be ended. `tail` is safe text.
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


def run_process(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout_s: float,
    log_path: Path,
    max_output_bytes: int = MAX_OUTPUT_BYTES,
    redact: Redaction = unchanged,
    on_line: Callable[[str], None] | None = None,
    stop: threading.Event | None = None,
    grace_s: float = GRACE_S,
) -> ProcessResult:
    """Run a command in a session of its own, without a shell and without input.

    Every process that it starts is gone when this returns: on Linux also those that left the
    process group (see `reaper`), elsewhere the group alone.

    Args:
        argv: the command; its first item is looked up in the PATH of `env`.
        cwd: the folder it runs in.
        env: its whole environment.
        timeout_s: seconds until it gets SIGTERM, and after `grace_s` more seconds SIGKILL.
        log_path: new file for stdout and stderr.
        max_output_bytes: how much it may print; a command that prints more is ended.
        redact: masks secrets; it gets complete lines.
        on_line: gets each line as safe text.
        stop: setting this event ends the command early.
        grace_s: seconds between SIGTERM and SIGKILL.

    Raises:
        ServiceError: the log cannot be written, for example because the disk is full.
        NotCheckedError: the folder is missing, or processes cannot be started.
    """
    log = OutputLog(log_path, limit=max_output_bytes, redact=redact, on_line=on_line)
    begun = time.monotonic()
    try:
        with _Started(argv, cwd=cwd, env=env, grace_s=grace_s) as started:
            end = _follow(started, log, begun + timeout_s, stop)
    finally:
        log.close()
    facts = started.facts
    return ProcessResult(
        exit_code=facts.get("exit"),
        is_timed_out=end == "timed-out",
        is_stopped=end == "stopped",
        is_flooded=end == "flooded",
        duration_ms=round((time.monotonic() - begun) * 1000),
        left_behind=facts.get("left", 0),
        survivors=facts.get("survivors", 0),
        tail=log.tail(),
        problem=_problem(facts, argv[0]),
    )


class _Started:
    """A reaper process with the command as its child; leaving the block ends both."""

    def __init__(
        self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], grace_s: float
    ) -> None:
        self.facts: dict[str, int] = {}
        self._report = b""
        self._grace_s = grace_s
        self.status, status_writer = os.pipe()
        self.output, output_writer = os.pipe()
        lifeline, self._lifeline_writer = os.pipe()
        try:
            self._reaper = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-S", reaper.__file__),
                    *(str(status_writer), str(round(grace_s * 1000))),
                    *argv,
                ],
                cwd=cwd,
                env=dict(env),
                stdin=lifeline,
                stdout=output_writer,
                stderr=output_writer,
                pass_fds=(status_writer,),
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            _close(self.status, self.output, self._lifeline_writer)
            raise NotCheckedError(f"{argv[0]!r} cannot be started in {cwd}: {error}") from error
        finally:
            _close(status_writer, output_writer, lifeline)
        os.set_blocking(self.output, False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End what still runs, also after an exception such as the user's interrupt."""
        self.end()
        try:
            self._reaper.wait(self._grace_s + _REAPER_S)
        except subprocess.TimeoutExpired:
            self.kill()
            self._reaper.wait()
        _close(self.output, self.status)

    def end(self) -> None:
        """Close the lifeline: the reaper then ends the command and every process below it."""
        if self._lifeline_writer >= 0:
            _close(self._lifeline_writer)
            self._lifeline_writer = -1

    def kill(self) -> None:
        """Kill the reaper and the command's group: the last resort."""
        self._reaper.kill()
        self.kill_group()

    def kill_group(self) -> None:
        """Kill the command's process group, which outlives a killed reaper."""
        pid = self.facts.get("pid")
        if pid:
            try:
                os.killpg(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                return

    def read_report(self) -> bool:
        """Read what the reaper reports; False when it has closed its side."""
        data = os.read(self.status, 4096)
        *lines, self._report = (self._report + data).split(b"\n")
        for line in lines:
            name, _, number = line.decode("ascii").partition("=")
            self.facts[name] = int(number)
        return bool(data)


def _follow(
    started: _Started, log: OutputLog, deadline: float, stop: threading.Event | None
) -> _End:
    """Copy output to the log until the command is over; return what ended it early, or ""."""
    end: _End = ""
    log_error: OrchestratorError | None = None
    give_up = float("inf")
    with selectors.DefaultSelector() as selector:
        selector.register(started.output, selectors.EVENT_READ)
        selector.register(started.status, selectors.EVENT_READ)
        while selector.get_map():
            now = time.monotonic()
            if now > give_up:
                started.kill()
                break
            for key, _ in selector.select(max(0.0, min(_POLL_S, deadline - now))):
                if key.fd == started.status:
                    if not started.read_report():
                        selector.unregister(started.status)
                        # A process that could not be ended may keep the output open.
                        give_up = min(give_up, now + _DRAIN_S)
                        if "exit" not in started.facts:
                            started.kill_group()
                elif not (data := _read(started.output)):
                    selector.unregister(started.output)
                elif log_error is None:
                    try:
                        log.feed(data)
                    except OrchestratorError as error:
                        log_error = error
            is_over = "exit" in started.facts or "errno" in started.facts
            if not is_over and not end:
                if time.monotonic() >= deadline:
                    end = "timed-out"
                elif log_error is not None or (stop is not None and stop.is_set()):
                    end = "stopped"
                elif log.dropped:
                    end = "flooded"
                if end:
                    started.end()
                    deadline = float("inf")
                    give_up = time.monotonic() + GRACE_S + _REAPER_S
    if log_error is not None:
        raise log_error
    return end or ("flooded" if log.dropped else "")


def _close(*fds: int) -> None:
    for fd in fds:
        os.close(fd)


def _read(fd: int) -> bytes:
    try:
        return os.read(fd, 65536)
    except BlockingIOError:
        return b""


def _problem(facts: Mapping[str, int], name: str) -> str:
    errno = facts.get("errno")
    if errno:
        return f"{name!r} cannot be run: {os.strerror(errno)}"
    return "" if facts.get("exit") is not None else "how the command ended is not known"
