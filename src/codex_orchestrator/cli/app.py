"""The command tree, loaded when called, and the one boundary that makes errors exit codes."""

import contextlib
import errno
import importlib
import os
import sys
from typing import Any, TextIO

import click

from codex_orchestrator import __version__
from codex_orchestrator.model.errors import ExitCode, OrchestratorError

# name → (module that defines it, one-line help). Help is here so that `--help` imports no command.
COMMANDS = {
    "init": ("cli.init", "Prepare a repository: config, specs, hooks, workflow."),
    "doctor": ("cli.doctor", "Show what works here, and the fix for what does not."),
    "guard": ("cli.guard", "Check that changed code is covered by an approved, fresh spec."),
    "spec": ("cli.guard", "Write a new spec from the template."),
    "run": ("cli.run", "Hand a task to the agents and keep proof."),
    "runs": ("cli.runs", "List, show and verify runs."),
    "audit": ("cli.runs", "Show or verify the audit log."),
    "review": ("cli.review", "Publish a run's review on a pull request."),
    "sync": ("cli.sync", "Send finished runs to the catalog."),
    "catalog": ("cli.sync", "Look into the catalog."),
    "patterns": ("cli.patterns", "The learning library: codemods, lint rules, templates."),
    "credentials": ("cli.credentials", "Check where secrets come from; prints none."),
    "mcp": ("cli.mcp", "MCP servers over stdio."),
}

# Commands of our own action and servers: callable, but not shown to people.
HIDDEN = {"action": "action.steps"}

# What the machine refuses, wherever it happens: no bug, and each with its exit code.
REFUSALS = {
    errno.ENOSPC: (ExitCode.SERVICE, "make room, then do it again"),
    errno.EDQUOT: (ExitCode.SERVICE, "make room, then do it again"),
    errno.EIO: (ExitCode.SERVICE, "look at the disk, then do it again"),
    errno.EROFS: (ExitCode.NOT_CHECKED, "work where it can be written"),
    errno.EACCES: (ExitCode.NOT_CHECKED, "see who owns it and what its mode allows"),
    errno.EPERM: (ExitCode.NOT_CHECKED, "see who owns it and what its mode allows"),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called, and not for `--help`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the command names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of one command and return the command."""
        if cmd_name not in COMMANDS and cmd_name not in HIDDEN:
            return None
        module = HIDDEN.get(cmd_name) or COMMANDS[cmd_name][0]
        loaded = importlib.import_module(f"codex_orchestrator.{module}")
        command: click.Command = getattr(loaded, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command table without importing a command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 good · 1 findings · 2 wrong input · 3 not checked · 4 service failed · "
    "5 locked · 6 waiting for approval · 70 bug · 130 interrupted",
)
@click.version_option(__version__, prog_name="codex-orchestrator")
def app() -> None:
    """Hand tasks to coding agents under your review rules, and keep proof of what happened."""


def run(argv: list[str], **extra: Any) -> int:
    """Run the command line and return the exit code. The only place that catches everything."""
    try:
        result = app.main(args=argv, prog_name="codex-orchestrator", standalone_mode=False, **extra)
        # Here and not at exit: a result that could not be written is trouble with a code.
        sys.stdout.flush()
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.Abort:
        return _say("interrupted", "", ExitCode.INTERRUPTED)
    except click.ClickException as error:
        error.show()
        return int(ExitCode.USAGE)
    except OrchestratorError as error:
        return _say(error.message, error.fix, error.exit_code)
    except KeyboardInterrupt:
        return _say("interrupted", "", ExitCode.INTERRUPTED)
    except (SystemExit, BrokenPipeError):
        # The reader went away (`| head`); click then leaves with 1, which here means findings.
        _give_up(sys.stdout, sys.stderr)
        return int(ExitCode.INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - the boundary
        if isinstance(error, OSError) and error.errno in REFUSALS:
            return _refused(error)
        from codex_orchestrator.cli.bug_report import write_bug_report

        return _say(*write_bug_report(error, argv), ExitCode.BUG)
    return int(result) if isinstance(result, int) else int(ExitCode.OK)


def _refused(error: OSError) -> int:
    code, fix = REFUSALS[error.errno or 0]
    place = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else "output"
    return _say(f"{place}: {error.strerror}", fix, code)


def _say(message: str, fix: str, code: ExitCode) -> int:
    from codex_orchestrator.cli.console import say

    try:
        say(f"codex-orchestrator: error: {message}")
        if fix:
            say(f"  fix: {fix}")
    except OSError:
        # The exit code tells it too, so that a message nobody can be shown changes nothing.
        _give_up(sys.stderr)
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        _give_up(sys.stdout)
    return int(code)


def _give_up(*streams: TextIO) -> None:
    """Let what is still buffered go nowhere: Python flushes at exit, and would leave with 120."""
    for stream in streams:
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
