"""`codex-orchestrator run`: hand a task to the agents and keep proof."""

import os
import signal
from functools import partial
from typing import TYPE_CHECKING, Unpack

import click

from codex_orchestrator.cli.console import echo_json, say
from codex_orchestrator.cli.options import CommonOptions, common_options
from codex_orchestrator.compose.request import open_request
from codex_orchestrator.model.errors import OrchestratorError
from codex_orchestrator.pipeline.request import Asked, RunRequest
from codex_orchestrator.pipeline.services import Terminal
from codex_orchestrator.pipeline.task_file import matrix_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_orchestrator.pipeline.outcome import StoppedRun

EXAMPLES = """\b
Examples:
  codex-orchestrator run tasks/0007-structured-logging.md
  codex-orchestrator run 0007-structured-logging --dry-run
  codex-orchestrator run --resume 20261122t191500z-4f3a2b
  codex-orchestrator run --matrix tasks/*.md
"""


@click.command(epilog=EXAMPLES)
@click.argument("tasks", metavar="[TASK]...", nargs=-1)
@click.option(
    "--mode",
    type=click.Choice(["auto", "mcp", "cloud"]),
    default="auto",
    show_default=True,
    envvar="CODEX_MODE",
    help="Where the builder runs; auto follows the task.",
)
@click.option("--model", metavar="NAME", help="A model's name, or `offline` for tasks with steps.")
@click.option(
    "--builder",
    type=click.Choice(["auto", "codex", "workspace"]),
    default="auto",
    show_default=True,
    help="What the builder writes with; auto is Codex where it is installed and a model is set.",
)
@click.option(
    "--approve",
    metavar="KIND:VALUE",
    multiple=True,
    help="Grant edit:PATH, run:COMMAND, tests:NAME, secret:NAME or network:codex-cloud.",
)
@click.option("--resume", metavar="RUN", help="Go on with a run that stopped.")
@click.option(
    "--manifest-sha256",
    metavar="HEX",
    help="What the manifest of the run to resume must have; it then counts as made here.",
)
@click.option(
    "--from-artifact",
    is_flag=True,
    help="The folder of the run to resume came from an artifact, whatever this clone remembers.",
)
@click.option(
    "--no-input",
    is_flag=True,
    help="Do not ask at a terminal: what needs an approval ends with exit 6.",
)
@click.option(
    "--dry-run", is_flag=True, help="Show the plan and what it would change; change nothing."
)
@click.option(
    "--apply",
    "must_apply",
    is_flag=True,
    help="Apply an approved patch to the checkout, if it has no changes.",
)
@click.option("--events", metavar="FILE|-", help="Write each event as a line of JSON.")
@click.option("--prompt-file", metavar="FILE", help="Make the task from plain text.")
@click.option("--spec", metavar="PATH", help="The spec of a task made by --prompt-file.")
@click.option("--matrix", is_flag=True, help="Print a GitHub job matrix of the tasks and stop.")
@common_options("text", "json")
def run(
    common: CommonOptions,
    *,
    events: str | None,
    matrix: bool,
    no_input: bool,
    **asked: Unpack[Asked],
) -> int:
    """Hand a task to the agents and keep proof.

    TASK is a task file, the id of a task in tasks/, or `-` for standard input.
    """
    if matrix:
        settings = common.settings(flags={"model.name": asked["model"]})
        echo_json(matrix_of(asked["tasks"], settings.repo))
        return 0
    # As on Ctrl-C: the run's state is saved before the process exits.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    stopped: list[StoppedRun] = []
    try:
        with open_request(asked, repo=common.repo, config=common.config) as request:
            if asked["dry_run"]:
                return _preview(request, common)
            return _run(request, common, events, stopped.append, may_ask=not no_input)
    except (OrchestratorError, KeyboardInterrupt) as error:
        from codex_orchestrator.cli.run_output import print_error

        print_error(error, stopped[-1] if stopped else None, is_json=common.is_json)
        raise


def _preview(request: RunRequest, common: CommonOptions) -> int:
    from codex_orchestrator.cli.run_output import preview_document, say_preview
    from codex_orchestrator.compose.run import compose_run
    from codex_orchestrator.pipeline.preview import preview_task

    preview = preview_task(request, compose_run(request, Terminal(progress=say)))
    common.show(preview_document(preview), partial(say_preview, preview))
    return 0


def _run(
    request: RunRequest,
    common: CommonOptions,
    events: str | None,
    on_stop: "Callable[[StoppedRun], None]",
    *,
    may_ask: bool,
) -> int:
    from codex_orchestrator.cli.ask import ask, can_ask
    from codex_orchestrator.cli.run_output import EventWriter, run_document, say_run
    from codex_orchestrator.compose.run import compose_run
    from codex_orchestrator.pipeline.run_task import run_task

    with EventWriter(events, is_json=common.is_json) as writer:
        is_asked = may_ask and not common.is_json and can_ask(os.environ)
        terminal = Terminal(say, writer.write, on_stop, ask if is_asked else None)
        outcome = run_task(request, compose_run(request, terminal))
    document = run_document(outcome)
    common.show(document, partial(say_run, outcome, document))
    return int(document["exit_code"])
