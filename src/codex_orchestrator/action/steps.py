"""`codex-orchestrator action work|finish`: the steps of action.yml. Not for people."""

import os
import secrets
import signal

import click

from codex_orchestrator.action.inputs import (
    APPROVER_OUTPUTS,
    OUTPUTS,
    Found,
    command_line,
    read_found,
    read_inputs,
)
from codex_orchestrator.action.outputs import write_outputs
from codex_orchestrator.model.errors import InputError, OrchestratorError

_AFTER_THE_RUN = ("hand_over_run", "summarize_job")


@click.group(hidden=True)
def action() -> None:
    """Run the steps of action.yml; inputs come from the environment."""


@action.command("approver")
def approver_step() -> None:
    """Ask GitHub whether the account that started the workflow may approve, before agents start."""
    from codex_orchestrator.compose.approver import check_workflow_actor

    try:
        inputs = read_inputs(os.environ)
        by = check_workflow_actor(
            inputs.approve, os.environ, repo=inputs.repo, run_id=inputs.resume
        )
    except OrchestratorError as error:
        _write_outputs({"exit-code": str(int(error.exit_code))}, declared=APPROVER_OUTPUTS)
        raise
    _write_outputs({"approved-by": by}, declared=APPROVER_OUTPUTS)


@action.command("work")
def work_step() -> None:
    """Check, run or verify, and stage the upload. A bad verdict does not fail this step."""
    from codex_orchestrator.action.work import work
    from codex_orchestrator.system.own_process import import_first

    # What follows the run: a check could rewrite a module that is not loaded by then.
    import_first(*(f"codex_orchestrator.verbs.{name}" for name in _AFTER_THE_RUN))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        inputs = read_inputs(os.environ)
        call = command_line(inputs.repo, os.environ, _new_token)
        work(inputs, call, os.environ, _write_outputs)
    except OrchestratorError as error:
        _write_outputs(Found(exit_code=error.exit_code).outputs())
        raise


@action.command("finish")
def finish_step() -> int:
    """Record the artifact, publish, sync, write the outputs, exit with the result."""
    from codex_orchestrator.action.finish import finish, read_artifact

    found = read_found(os.environ)
    try:
        inputs = read_inputs(os.environ)
        call = command_line(inputs.repo, os.environ, _new_token)
        ended = finish(inputs, found, read_artifact(os.environ), call)
    except OrchestratorError as error:
        failed = {"posted": "false", "synced": "false", "exit-code": str(int(error.exit_code))}
        _write_outputs({**found.outputs(), **failed})
        raise
    _write_outputs(ended.outputs)
    return int(ended.exit_code)


def _new_token() -> str:
    return f"co_{secrets.token_hex(16)}"


def _write_outputs(values: dict[str, str], *, declared: frozenset[str] = OUTPUTS) -> None:
    path = os.environ.get("GITHUB_OUTPUT", "")
    if not path:
        raise InputError("is not set: this command belongs to action.yml", field="GITHUB_OUTPUT")
    write_outputs(path, values, declared=declared, new_delimiter=_new_token)
