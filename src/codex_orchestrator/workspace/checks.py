"""Run a check: its exit code decides, its log is kept, and one that did not run did not pass."""

import os
import re
import threading
from collections.abc import Mapping
from pathlib import Path

from codex_orchestrator.model.check import LOG_DIR, CheckCommand, CheckResult
from codex_orchestrator.model.errors import InputError, ServiceError
from codex_orchestrator.model.verdict import ValidationStatus
from codex_orchestrator.system.output import Redaction, unchanged
from codex_orchestrator.system.process import ProcessResult, run_process
from codex_orchestrator.text.names import path_problem

_MOST_LOGS = 10_000


def run_check(
    root: Path,
    command: CheckCommand,
    *,
    log_dir: Path,
    deadline_s: float,
    env: Mapping[str, str],
    redact: Redaction = unchanged,
    stop: threading.Event | None = None,
) -> CheckResult:
    """Run one check in a folder and return its result.

    The result's `log_path` is relative to `log_dir`. Its `failures` are empty: the
    caller reads them from `log_dir / command.junit`, which holds the report of this run only.

    Args:
        root: the folder that the command runs in.
        command: what is run; `{log_dir}` in an argument stands for the log folder.
        log_dir: folder for log and report; created when missing.
        deadline_s: seconds that the run still has; the check's own limit may be shorter.
        env: the command's environment, besides the variables that it brings itself.
        redact: masks secrets in the log.
        stop: ends the check early when it is set.

    Raises:
        InputError: the report's path leaves the log folder.
        ServiceError: log or folder cannot be written.
    """
    log_dir = log_dir.absolute()
    log_path = _prepared_log(log_dir, command)
    argv = [item.replace(LOG_DIR, str(log_dir)) for item in command.argv]
    timeout_s = min(float(command.timeout_s), deadline_s)
    if timeout_s <= 0:
        return _not_run(command, "no time was left in the run")
    result = run_process(
        argv,
        cwd=root,
        env={**env, **dict(command.env)},
        timeout_s=timeout_s,
        log_path=log_path,
        max_output_bytes=command.max_output_bytes,
        redact=redact,
        stop=stop,
    )
    return CheckResult(
        name=command.name,
        argv=command.argv,
        status=_status(result),
        exit_code=result.exit_code,
        duration_ms=result.duration_ms,
        log_path=log_path.name,
        output_tail=result.tail,
        is_flooded=result.is_flooded,
        detail=_detail(command, result, timeout_s),
    )


def _prepared_log(log_dir: Path, command: CheckCommand) -> Path:
    """Create the log folder, remove an older report, and return a free name for the log."""
    if command.junit and path_problem(command.junit):
        raise InputError(f"check {command.name!r}: junit {path_problem(command.junit)}")
    try:
        log_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if command.junit:
            (log_dir / command.junit).unlink(missing_ok=True)
    except OSError as error:
        raise ServiceError(f"{error.filename or log_dir}: {error.strerror}") from error
    stem = re.sub(r"[^a-z0-9_-]+", "-", command.name.lower()).strip("-")[:40] or "check"
    for number in range(1, _MOST_LOGS):
        path = log_dir / (f"{stem}.log" if number == 1 else f"{stem}.{number}.log")
        if not os.path.lexists(path):
            return path
    raise ServiceError(f"{log_dir}: more than {_MOST_LOGS} logs of {command.name!r}")


def _not_run(command: CheckCommand, detail: str) -> CheckResult:
    return CheckResult(
        name=command.name,
        argv=command.argv,
        status=ValidationStatus.NOT_RUN,
        exit_code=None,
        duration_ms=0,
        log_path="",
        detail=detail,
    )


def _status(result: ProcessResult) -> ValidationStatus:
    if result.is_timed_out:
        return ValidationStatus.TIMED_OUT
    if result.is_flooded:
        return ValidationStatus.FAILED
    if result.is_stopped or result.exit_code is None:
        return ValidationStatus.NOT_RUN
    return ValidationStatus.PASSED if result.exit_code == 0 else ValidationStatus.FAILED


def _detail(command: CheckCommand, result: ProcessResult, timeout_s: float) -> str:
    parts = []
    if result.is_timed_out:
        parts.append(f"ended after {timeout_s:.0f} s, its time limit")
    elif result.is_flooded:
        parts.append(f"ended: it printed more than {command.max_output_bytes} bytes, its limit")
    elif result.is_stopped:
        parts.append("stopped before its end")
    elif result.problem:
        parts.append(result.problem)
    elif result.exit_code is not None and result.exit_code < 0:
        parts.append(f"killed by signal {-result.exit_code}")
    if result.left_behind:
        parts.append(f"processes that it left running and that were ended: {result.left_behind}")
    if result.survivors:
        parts.append(f"processes that could not be ended: {result.survivors}")
    return "; ".join(parts)
