"""The command tree; each command is loaded when it is called."""

import importlib
import sys

import click

from codex_orchestrator import __version__
from codex_orchestrator.cli.console import discard
from codex_orchestrator.model.errors import ExitCode, InterruptedRunError

# name → (module that defines it, one-line help). Help is here so that `--help` imports no command.
COMMANDS = {
    "init": ("cli.init", "Prepare a repository: config, specs, hooks, workflow."),
    "doctor": ("cli.doctor", "Show what works here, and the fix for what does not."),
    "guard": ("cli.guard", "Check that changed code is covered by an approved, fresh spec."),
    "spec": ("cli.spec", "Write a new spec from the template."),
    "run": ("cli.run", "Hand a task to the agents and keep proof."),
    "runs": ("cli.runs", "List, show and verify runs."),
    "audit": ("cli.runs", "Show or verify the audit log."),
    "review": ("cli.review", "Publish a run's review on a pull request."),
    "sync": ("cli.sync", "Send finished runs to the catalog."),
    "catalog": ("cli.sync", "Search the catalog."),
    "patterns": ("cli.patterns", "The learning library: codemods, lint rules, templates."),
    "credentials": ("cli.credentials", "Check where secrets come from; prints none."),
    "mcp": ("cli.mcp", "MCP servers over stdio."),
}

# Commands of our action: callable, but not listed.
HIDDEN = {"action": "action.steps"}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called, and not for `--help`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the command names in order."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of one command and return the command."""
        if cmd_name not in COMMANDS and cmd_name not in HIDDEN:
            return None
        module = HIDDEN.get(cmd_name) or COMMANDS[cmd_name][0]
        loaded = importlib.import_module(f"codex_orchestrator.{module}")
        command: click.Command = getattr(loaded, cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the first word names; for an unknown one name similar ones."""
        if not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            from codex_orchestrator.text.near import did_you_mean

            ctx.fail(f"No such command {args[0]!r}{did_you_mean(args[0], COMMANDS) or '.'}")
        return super().resolve_command(ctx, args)

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


def call(argv: list[str]) -> int:
    """Run a command line with Click and return its exit code.

    Raises:
        OrchestratorError: the error that ended the command.
    """
    try:
        result = app.main(args=argv, prog_name="codex-orchestrator", standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.Abort as error:
        raise InterruptedRunError("interrupted") from error
    except click.ClickException as error:
        _show(error)
        return int(ExitCode.USAGE)
    return int(result) if isinstance(result, int) else int(ExitCode.OK)


def _show(error: click.ClickException) -> None:
    try:
        error.show()
    except OSError:
        discard(sys.stderr)
