"""The entry point of every command, and the boundary that turns errors into exit codes."""

import errno
import gc
import os
import sys

from codex_orchestrator.cli.console import discard, say
from codex_orchestrator.model.errors import ExitCode, OrchestratorError
from codex_orchestrator.text.names import HANDED_OVER, search_path

# System errors that are not bugs, each with its exit code.
REFUSALS = {
    errno.ENOSPC: (ExitCode.SERVICE, "free some space, then try again"),
    errno.EDQUOT: (ExitCode.SERVICE, "make room, then do it again"),
    errno.EIO: (ExitCode.SERVICE, "check the disk, then try again"),
    errno.EROFS: (ExitCode.NOT_CHECKED, "use a folder that is writable"),
    errno.EACCES: (ExitCode.NOT_CHECKED, "check its owner and permissions"),
    errno.EPERM: (ExitCode.NOT_CHECKED, "see who owns it and what its mode allows"),
}


def run(argv: list[str], *, is_own_process: bool = False) -> int:
    """Run the command line and return the exit code. The only place that catches everything.

    With `is_own_process` a command below which foreign code runs may replace this process.
    """
    is_stdout_closed = sys.stdout is None
    _open_closed_streams()
    if is_stdout_closed:
        return _say("standard output is closed", "give it a file, or /dev/null", ExitCode.USAGE)
    # The guard reads no secret, and the hook pays for nothing that it does not need.
    if argv[:1] == ["guard"]:
        return _answer(argv, is_own_process=is_own_process)
    from codex_orchestrator.cli.masked_streams import masked_streams

    with masked_streams():
        return _answer(argv, is_own_process=is_own_process)


def _answer(argv: list[str], *, is_own_process: bool) -> int:
    try:
        if is_own_process:
            _prepare_process(argv)
        code = _call(argv)
        # Here and not at exit, because a result that cannot be written has its own exit code.
        sys.stdout.flush()
    except OrchestratorError as error:
        return _say(error.message, error.fix, error.exit_code, resume=_resume_command(error))
    except KeyboardInterrupt:
        say("")  # the terminal has printed `^C` on this line
        return _say("interrupted", "", ExitCode.INTERRUPTED)
    except (SystemExit, BrokenPipeError):
        # The reader went away (`| head`). Click would exit with 1, which means findings here.
        discard(sys.stdout, sys.stderr)
        return int(ExitCode.INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - the boundary
        if isinstance(error, OSError) and error.errno in REFUSALS:
            return _refused(error)
        import tempfile

        from codex_orchestrator.cli.bug_report import write_bug_report

        return _say(*write_bug_report(error, argv, tempfile.gettempdir()), ExitCode.BUG)
    return code


def _prepare_process(argv: list[str]) -> None:
    os.environ["PATH"] = search_path(os.environ)
    starts_foreign_code = argv[:1] in (["run"], ["mcp"]) or argv[:2] == ["action", "work"]
    is_asked_for_help = "--help" in argv or "-h" in argv
    if HANDED_OVER not in os.environ and (is_asked_for_help or not starts_foreign_code):
        return
    from codex_orchestrator.system.own_process import close_own_process

    if not close_own_process(needs_secrets=argv[0] != "mcp"):
        say("note: this system lets other programs of this user read our variables and memory")


def _call(argv: list[str]) -> int:
    # The hook calls this on every commit, and importing Click would take longer than the check.
    if argv == ["guard"]:
        # A short life that makes many small objects: looking for cycles only costs time.
        gc.disable()
        from codex_orchestrator.cli.guard_change import guard_change

        return guard_change()
    from codex_orchestrator.cli.commands import call

    return call(argv)


def _open_closed_streams() -> None:
    """Open closed standard streams, so that the next opened file does not become stdout."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.open(os.devnull, os.O_RDWR)
            if number:
                setattr(sys, name, open(number, "w", encoding="utf-8"))  # noqa: SIM115 - to the end


def _refused(error: OSError) -> int:
    code, fix = REFUSALS[error.errno or 0]
    place = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else "output"
    return _say(f"{place}: {error.strerror}", fix, code)


def _resume_command(error: OrchestratorError) -> str:
    """Return the command that goes on with the run that an error stopped, "" for none."""
    if not error.run_id:
        return ""
    from codex_orchestrator.model.approval import grant_command

    return grant_command(error.run_id, error.wanted)


def _say(message: str, fix: str, code: ExitCode, *, resume: str = "") -> int:
    # The exit code says it too, so a message that cannot be shown changes nothing.
    say(f"codex-orchestrator: error: {message}")
    if fix:
        say(f"  fix: {fix}")
    if resume:
        say(f"  resume: {resume}")
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        discard(sys.stdout)
    return int(code)
