"""`codex-orchestrator run`: hand a task to the agents and keep proof."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from codex_orchestrator.cli.console import echo_json, say
from codex_orchestrator.cli.options import format_option, repository_options
from codex_orchestrator.compose.approver import approver_of
from codex_orchestrator.compose.settings import Settings, load_settings
from codex_orchestrator.compose.trusted_base import trusted_library
from codex_orchestrator.model.errors import OrchestratorError
from codex_orchestrator.pipeline.task_file import (
    EngineBefore,
    TaskFile,
    choose_task,
    engine_before,
    matrix_of,
    require_new_run,
)
from codex_orchestrator.system.closed_memory import close_memory

if TYPE_CHECKING:
    from codex_orchestrator.compose.run import Surroundings
    from codex_orchestrator.model.approval import Question
    from codex_orchestrator.pipeline.run_rooms import RunRequest, StoppedRun

EXAMPLES = """\b
Examples:
  codex-orchestrator run tasks/0007-structured-logging.md
  codex-orchestrator run 0007-structured-logging --dry-run
  codex-orchestrator run --resume 20261122t191500z-4f3a2b
  codex-orchestrator run --matrix tasks/*.md
"""


class RunOptions(NamedTuple):
    """What the command line says, besides the task."""

    mode: str
    builder: str
    approve: tuple[str, ...]
    resume: str | None
    manifest_sha256: str | None
    is_from_artifact: bool
    must_apply: bool
    events: str | None
    output_format: str
    may_ask: bool
    rules_at: str = ""


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
    help="Grant an escalation: edit:PATH, run:COMMAND or network:codex-cloud.",
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
    help="Ask nothing, also at a terminal: what needs an approval ends with exit 6.",
)
@click.option("--dry-run", is_flag=True, help="Show the plan and what it would touch; do nothing.")
@click.option(
    "--apply", "must_apply", is_flag=True, help="Put an approved patch into the clean tree."
)
@click.option("--events", metavar="FILE|-", help="Also write each event as a line of JSON.")
@click.option("--prompt-file", metavar="FILE", help="Make the task from plain text.")
@click.option("--spec", metavar="PATH", help="The spec of a task made by --prompt-file.")
@click.option("--matrix", is_flag=True, help="Print a GitHub job matrix of the tasks and stop.")
@format_option("text", "json")
@repository_options
def run(
    tasks: tuple[str, ...],
    *,
    mode: str,
    model: str | None,
    builder: str,
    approve: tuple[str, ...],
    resume: str | None,
    manifest_sha256: str | None,
    from_artifact: bool,
    no_input: bool,
    dry_run: bool,
    must_apply: bool,
    events: str | None,
    prompt_file: str | None,
    spec: str | None,
    matrix: bool,
    output_format: str,
    repo: str | None,
    config: str | None,
) -> int:
    """Hand a task to the agents and keep proof.

    TASK is a task file, the id of a task in tasks/, or `-` for standard input.
    """
    # Before anything is started: the key may stand in our environment, which children could read.
    close_memory()
    settings = load_settings(repo, config, flags={"model.name": model})
    options = RunOptions(
        mode,
        builder,
        approve,
        resume,
        manifest_sha256,
        from_artifact,
        must_apply,
        events,
        output_format,
        not no_input,
    )
    if matrix:
        echo_json(matrix_of(tasks, settings.repo))
        return 0
    if resume is None:
        require_new_run(manifest_sha256, is_from_artifact=from_artifact)
    else:
        options, before = _as_begun(options, resume, settings.repo, model=model)
        flags = {"model.name": model or before.model}
        settings = load_settings(repo, config, flags=flags, rules_at=before.rules_at)
    options = options._replace(rules_at=settings.rules_at)
    task_file = choose_task(tasks, settings.repo, resume, prompt_file, spec)
    signal.signal(signal.SIGTERM, _interrupt)
    with trusted_library(settings.repo, settings.rules_at) as library:
        return (_preview if dry_run else _run)(task_file, settings, options, library)


def _as_begun(
    options: RunOptions, resume: str, repo: Path, *, model: str | None
) -> tuple[RunOptions, EngineBefore]:
    """Return the options of a run to resume, and with what it was begun."""
    before = engine_before(
        resume,
        repo,
        builder=options.builder,
        is_vouched=bool(options.manifest_sha256),
        is_from_artifact=options.is_from_artifact,
    )
    # A run keeps its mode; in another one its builder would not be opened.
    options = options._replace(mode=before.mode)
    if model != "offline":
        options = options._replace(builder=before.builder)
    return options, before


def _interrupt(_signal: int, _frame: object) -> None:
    """End on SIGTERM as on Ctrl-C: the run's state is saved before the process goes."""
    raise KeyboardInterrupt


def _preview(
    task_file: TaskFile, settings: Settings, options: RunOptions, library: Path | None
) -> int:
    from codex_orchestrator.cli.run_output import preview_document, say_preview
    from codex_orchestrator.compose.run import compose_run
    from codex_orchestrator.pipeline.preview import preview_task

    around = _around(settings, options, lambda _line: None, library)
    preview = preview_task(_request(task_file, options), compose_run(task_file.task, around))
    if options.output_format == "json":
        echo_json(preview_document(preview))
    else:
        say_preview(preview)
    return 0


def _run(task_file: TaskFile, settings: Settings, options: RunOptions, library: Path | None) -> int:
    from codex_orchestrator.cli.run_output import EventWriter, run_document, say_run, tell_stopped
    from codex_orchestrator.compose.run import compose_run
    from codex_orchestrator.pipeline.run_task import run_task

    approved_by = approver_of(
        options.approve, os.environ, repo=settings.repo, run_id=options.resume or ""
    )
    with EventWriter(options.events, is_json=options.output_format == "json") as writer:
        around = _around(settings, options, writer.write, library)
        stopped: list[StoppedRun] = []
        rooms = compose_run(task_file.task, around)._replace(
            ask=_ask(options), on_stop=stopped.append
        )
        try:
            outcome = run_task(_request(task_file, options, approved_by=approved_by), rooms)
        except (OrchestratorError, KeyboardInterrupt) as error:
            # The error is told at the boundary; this is what scripts need to go on.
            for one in stopped[-1:]:
                tell_stopped(one, error, settings.repo, is_json=options.output_format == "json")
            raise
    document = run_document(outcome, settings.repo)
    if options.output_format == "json":
        echo_json(document)
    else:
        say_run(outcome, document)
    return int(document["exit_code"])


def _ask(options: RunOptions) -> "Callable[[Question], bool] | None":
    from codex_orchestrator.cli.ask import ask, can_ask

    is_wanted = options.may_ask and options.output_format != "json"
    return ask if is_wanted and can_ask(os.environ) else None


def _around(
    settings: Settings,
    options: RunOptions,
    on_event: Callable[[str], None],
    library: Path | None,
) -> "Surroundings":
    from codex_orchestrator.compose.run import Surroundings

    return Surroundings(
        repo=settings.repo,
        config=settings.config,
        environ=os.environ,
        progress=say,
        on_event=on_event,
        builder=options.builder,
        mode=options.mode,
        rules_at=settings.rules_at,
        library=library,
    )


def _request(task_file: TaskFile, options: RunOptions, *, approved_by: str = "") -> "RunRequest":
    from codex_orchestrator.pipeline.run_rooms import RunRequest

    return RunRequest(
        task=task_file.task,
        task_text=task_file.data,
        task_source=task_file.source,
        mode=options.mode,
        approvals=options.approve,
        approved_by=approved_by,
        resume=options.resume or "",
        manifest_sha256=options.manifest_sha256 or "",
        is_from_artifact=options.is_from_artifact,
        is_task_stored=task_file.is_stored,
        rules_at=options.rules_at,
        must_apply=options.must_apply,
    )
