"""Run a check: its exit code decides, its log is kept, and one that did not run did not pass."""

import os
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

from codex_orchestrator.model.check import CheckCommand, CheckResult
from codex_orchestrator.model.confinement import Confinement, GitPlaces, Network
from codex_orchestrator.model.confinement_policy import HOME_TOOLS, confine_check, reached_limit
from codex_orchestrator.model.errors import InputError, ServiceError
from codex_orchestrator.model.verdict import ValidationStatus
from codex_orchestrator.system.confined import ConfinedTree
from codex_orchestrator.system.files import UnusableFileError
from codex_orchestrator.system.folder_digest import digest_folder
from codex_orchestrator.system.folders import folder_problem, make_folders, remove_tree
from codex_orchestrator.system.output import Redaction, unchanged
from codex_orchestrator.system.process import ProcessResult, run_process
from codex_orchestrator.system.sandbox.plan import existing_folders, program_places
from codex_orchestrator.system.sandbox.probe import Probe
from codex_orchestrator.text.names import path_problem
from codex_orchestrator.workspace.git_pointer import restore_pointer
from codex_orchestrator.workspace.stray_refs import watched_refs
from codex_orchestrator.workspace.written_reports import keep_written, remove_written

_MOST_LOGS = 10_000
_REPORTS = ".reports"
STATE_FILES = ("pyvenv.cfg", ".package-lock.json", ".modules.yaml", ".yarn-integrity")
"""What a folder of installed packages is known by; tools write it at each installation."""
_MOST_REPORT_BYTES = 64 * 1024 * 1024


def run_check(
    root: Path,
    command: CheckCommand,
    *,
    log_dir: Path,
    deadline_s: float,
    env: Mapping[str, str],
    layers: Probe,
    network: Network,
    git: GitPlaces | None = None,
    redact: Redaction = unchanged,
    stop: threading.Event | None = None,
) -> CheckResult:
    """Run one check in a folder, contained, and return its result.

    The check cannot write to `log_dir`, where the logs of other checks lie: it gets a new folder
    for its report, which is copied to `log_dir` at the end. Nothing else is kept of that folder.

    The result's `log_path` is relative to `log_dir`. Its `failures` are empty: the
    caller reads them from `log_dir / command.report_file`, which holds the report of this run only.

    Args:
        root: the work tree; the command runs in its folder there.
        command: what is run; `{log_dir}` in an argument stands for the folder of its report.
        log_dir: folder for log and report; created when missing. No child may write to it.
        deadline_s: seconds that the run still has; the check's own limit may be shorter.
        env: the command's environment, besides the variables that it brings itself.
        layers: what this machine can contain it with.
        network: what it may reach.
        git: the git folders of the work tree, as they were before the first check.
        redact: masks secrets in the log.
        stop: ends the check early when it is set.

    Raises:
        InputError: the report's path leaves its folder.
        ServiceError: log or folder cannot be written, or the log folder is a symbolic link.
    """
    log_dir = log_dir.absolute()
    place = root / command.folder
    if obstacle := command.obstacle or folder_problem(root, command.folder):
        return _not_run(command, obstacle)
    log_path = _prepared_log(log_dir, command, place)
    timeout_s = min(float(command.timeout_s), deadline_s)
    if timeout_s <= 0:
        return _not_run(command, "no time was left in the run")
    if not layers.contains_files:
        # Else the files that Python keeps beside modules would look like changes of them.
        env = {"PYTHONDONTWRITEBYTECODE": "1", **env}
    with _report_folder(log_path) as folder:
        placed = command.writing_to(str(folder))
        bounds = replace(_bounds(root, placed, folder, env=env, network=network), git=git)
        before = {} if layers.contains_files else _digests(bounds)
        since_ns = folder.stat().st_mtime_ns
        watched: AbstractContextManager[None] = nullcontext()
        if git and not layers.contains_files:
            watched = watched_refs(git, environ=env, log_dir=log_dir)
        with watched:
            result = run_process(
                placed.argv,
                cwd=place,
                bounds=bounds,
                layers=layers,
                timeout_s=timeout_s,
                log_path=log_path,
                max_output_bytes=command.max_output_bytes,
                redact=redact,
                stop=stop,
            )
        restore_pointer(git)
        names = command.written[bool(command.reports) :]
        problems = [_keep_report(name, folder, log_dir) for name in names]
        if command.reports:
            kept = log_dir / command.report_file
            problems.append(keep_written(place, command.reports, kept, since_ns=since_ns))
    after = _digests(bounds) if before else before
    changed = [place for place in before if after.get(place) != before[place]]
    return _result(
        command, result, log_path, changed, "; ".join(filter(None, problems)), timeout_s=timeout_s
    )


def _digests(bounds: Confinement) -> dict[str, str]:
    """Return a digest of each environment that a check may only read: what one installs there."""
    return {
        folder: digest_folder(folder)
        for folder in bounds.read
        if any(os.path.exists(os.path.join(folder, mark)) for mark in STATE_FILES)
    }


def _result(
    command: CheckCommand,
    result: ProcessResult,
    log_path: Path,
    changed: Sequence[str],
    problem: str,
    *,
    timeout_s: float,
) -> CheckResult:
    # Records do not say where things lie on this machine.
    names = [os.path.basename(folder) for folder in changed]
    notes = [f"it changed the environment {name!r}, which it may only read" for name in names]
    detail = "; ".join([*notes, *_notes(command, result, timeout_s)])
    detail = "; ".join(part for part in (detail, problem) if part)
    return CheckResult(
        name=command.name,
        argv=command.argv,
        status=ValidationStatus.FAILED if changed else judge_process(result),
        exit_code=result.exit_code,
        duration_ms=result.duration_ms,
        log_path=log_path.name,
        output_tail=result.tail,
        is_flooded=result.is_flooded,
        failed_by_exit_code=not changed
        and judge_process(result) is ValidationStatus.FAILED
        and not (result.is_flooded or result.limit or result.survivors),
        detail=detail,
        sandbox=result.sandbox,
    )


def _bounds(
    root: Path,
    command: CheckCommand,
    reports: Path,
    *,
    env: Mapping[str, str],
    network: Network,
) -> Confinement:
    environment = {**env, **dict(command.env)}
    home = environment.get("HOME", "")
    name = command.argv[0]
    program = os.path.join(command.folder, name) if os.sep in name else name
    return confine_check(
        tree=str(root),
        log_folder=str(reports),
        environ=environment,
        network=network,
        read=command.read,
        tools=existing_folders(home, (tool.folder for tool in HOME_TOOLS)),
        programs=program_places(program, path=environment.get("PATH", os.defpath), cwd=str(root)),
    )


def _prepared_log(log_dir: Path, command: CheckCommand, place: Path) -> Path:
    """Create the log folder, remove older reports, and return a free name for the log."""
    for name in command.written:
        if path_problem(name):
            raise InputError(f"check {command.name!r}: report {path_problem(name)}")
    try:
        make_folders(log_dir)
        if log_dir.is_symlink():
            raise ServiceError(f"{log_dir}: is a symbolic link", fix="remove the link")
        for name in command.written:
            _remove(log_dir / name)
        remove_written(place, command.reports)
    except OSError as error:
        raise ServiceError(f"{error.filename or log_dir}: {error.strerror}") from error
    stem = re.sub(r"[^a-z0-9_-]+", "-", command.name.lower()).strip("-")[:40] or "check"
    for number in range(1, _MOST_LOGS):
        path = log_dir / (f"{stem}.log" if number == 1 else f"{stem}.{number}.log")
        if not os.path.lexists(path) and not os.path.lexists(path.with_suffix(_REPORTS)):
            return path
    raise ServiceError(f"{log_dir}: more than {_MOST_LOGS} logs of {command.name!r}")


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        remove_tree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def _report_folder(log_path: Path) -> Iterator[Path]:
    """Make a folder beside a log that nobody could prepare, and remove it at the end."""
    folder = log_path.parent.resolve() / log_path.with_suffix(_REPORTS).name
    try:
        # It must be new: a link in its place would give the check the folder behind it.
        folder.mkdir(0o700)
    except OSError as error:
        raise ServiceError(f"{folder}: {error.strerror}") from error
    try:
        yield folder
    finally:
        remove_tree(folder)


def _keep_report(name: str, folder: Path, log_dir: Path) -> str:
    """Copy a report to the log folder; return why that is not possible, or ""."""
    try:
        with _tree(folder) as written:
            if not written.kind(name):
                return ""
            report = written.read(name)
    except UnusableFileError as error:
        return f"its report {error.problem}"
    except InputError:
        return "the folder of its report cannot be read"
    with _tree(log_dir) as kept:
        kept.replace(name, report.data, mode=0o600, makes_folders=True)
    return ""


@contextmanager
def _tree(folder: Path) -> Iterator[ConfinedTree]:
    tree = ConfinedTree(folder, max_bytes=_MOST_REPORT_BYTES)
    try:
        yield tree
    finally:
        tree.close()


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


def judge_process(result: ProcessResult) -> ValidationStatus:
    """Return what the end of a process says about its check."""
    if result.is_timed_out:
        return ValidationStatus.TIMED_OUT
    # The command decides itself how it ends when it is asked to, so its exit code counts no more.
    # What still runs may still change what was checked.
    if result.is_flooded or result.limit or result.survivors:
        return ValidationStatus.FAILED
    if result.is_stopped or result.exit_code is None:
        return ValidationStatus.NOT_RUN
    return ValidationStatus.PASSED if result.exit_code == 0 else ValidationStatus.FAILED


def _notes(command: CheckCommand, result: ProcessResult, timeout_s: float) -> list[str]:
    parts = []
    if result.is_timed_out:
        parts.append(f"ended after {timeout_s:.0f} s, its time limit")
    elif result.is_flooded:
        parts.append(f"ended: it printed more than {command.max_output_bytes} bytes, its limit")
    elif result.limit:
        parts.append(f"ended: {_shown_limit(result.limit, result)}")
    elif result.is_stopped:
        parts.append("stopped before its end")
    elif result.problem:
        parts.append(result.problem)
    elif result.exit_code is not None and result.exit_code < 0:
        parts.append(f"killed by signal {-result.exit_code}")
    limits = result.sandbox.limits
    likely = reached_limit(limits, exit_code=result.exit_code, output=result.tail)
    if likely and not result.limit:
        parts.append(f"it may have met {_shown_limit(likely, result)}")
    if result.left_behind:
        parts.append(f"processes that it left running and that were ended: {result.left_behind}")
    if result.survivors:
        parts.append(f"processes that could not be ended: {result.survivors}")
    return parts


def _shown_limit(limit: str, result: ProcessResult) -> str:
    return f"{limit}, {result.sandbox.limits[limit.removeprefix('limits.')]}"
