"""What a run may do: the steps it knows, the checks it must pass, the commands it may run."""

import shlex
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from codex_orchestrator.model.approval import (
    PROTECTED_PATHS,
    ApprovalKind,
    Policy,
    parse_escalation,
)
from codex_orchestrator.model.check import CheckCommand
from codex_orchestrator.model.config import Config
from codex_orchestrator.model.errors import InputError, NotCheckedError
from codex_orchestrator.model.mode import CLOUD_HOST, ModeName, choose_mode
from codex_orchestrator.model.task import Task
from codex_orchestrator.pipeline.ports import PatternLibrary
from codex_orchestrator.pipeline.run_rooms import RunRequest

OFFLINE = "offline"
SAFE_HERE = 4


class StepProblem(NamedTuple):
    """Why a step cannot be carried out."""

    field: str
    message: str
    fix: str


def step_problem(task: Task, library: PatternLibrary) -> StepProblem | None:
    """Find the first step that names a pattern which the library does not hold."""
    for number, step in enumerate(task.steps):
        if step.pattern is not None:
            try:
                library.get(step.pattern)
            except InputError as error:
                return StepProblem(f"steps.{number}.pattern", error.message, error.fix)
    return None


def require_mode_fits(request: RunRequest) -> None:
    """Check that the mode of a new run can do what the task asks.

    Raises:
        InputError: steps are carried out on this machine, and the mode is cloud.
    """
    mode = choose_mode(request.task, requested=request.mode)
    if request.task.steps and mode.selected is ModeName.CLOUD:
        is_forced = request.mode == ModeName.CLOUD
        raise InputError(
            f"a task with steps is carried out on this machine, in MCP mode ({mode.reason})",
            path="" if is_forced else request.task_source,
            field="--mode" if is_forced else "execution",
            fix="run it with --mode mcp, or describe the work in the brief and drop `steps`",
        )


def choose_checks(
    request: RunRequest, commands: Mapping[str, CheckCommand], *, adapter: str
) -> tuple[CheckCommand, ...]:
    """Return the commands of the checks that the task names.

    Raises:
        InputError: the task names none, or one that the adapter has no command for.
    """
    if not request.task.checks:
        raise InputError(
            "a task needs at least one check; without one no verdict is possible",
            path=request.task_source,
            field="checks",
            fix="checks: [test]",
        )
    missing = [name for name in request.task.checks if name not in commands]
    if missing:
        raise InputError(
            f"adapter {adapter} has no command for {', '.join(missing)}",
            path=request.task_source,
            field="checks",
            fix=f"it has {', '.join(commands) or 'none'}; name those, or another adapter",
        )
    limits = request.task.limits
    return tuple(
        commands[name].model_copy(
            update={
                "timeout_s": min(commands[name].timeout_s, limits.check_seconds),
                "max_output_bytes": limits.output_bytes,
            }
        )
        for name in request.task.checks
    )


def items_at_once(task: Task, *, configured: int, mode: ModeName) -> int:
    """Return how many items of a plan may be at work together.

    What the task says counts; else what is configured, on this machine at most 4: there each
    item has processes of its own.
    """
    if task.limits.parallel is not None:
        return task.limits.parallel
    return configured if mode is ModeName.CLOUD else min(configured, SAFE_HERE)


def run_policy(task: Task, granted: Sequence[str], policy: Policy) -> Policy:
    """Return the policy with what the task's own steps need and what a person approved.

    `granted` holds the approvals as `KIND:VALUE`.

    Raises:
        NotCheckedError: a network approval was given for something else than Codex Cloud; no
            builder here can be given a network.
    """
    run = list(policy.run)
    edits = list(policy.approved_edits)
    runs = list(policy.approved_runs)
    run += [step.command for step in task.steps if step.command]
    for text in granted:
        kind, value = parse_escalation(text)
        if kind is ApprovalKind.EDIT:
            edits.append(value)
        elif kind is ApprovalKind.RUN:
            run.append(_split(value))
            runs.append(value)
        elif value.partition("/")[0] != CLOUD_HOST:
            raise NotCheckedError(
                f"network access to {value} cannot be granted: the workspace builder has none",
                fix="fetch what the task needs beforehand and leave the approval out",
            )
    return policy.model_copy(
        update={
            "run": tuple(run),
            "approved_edits": tuple(edits),
            "approved_runs": tuple(runs),
            "output_bytes": task.limits.output_bytes,
        }
    )


def _split(command: str) -> tuple[str, ...]:
    try:
        words = tuple(shlex.split(command))
    except ValueError as error:
        raise InputError(f"run:{command}: {error}", field="--approve") from error
    if not words:
        raise InputError("run: names no command", field="--approve", fix="--approve run:COMMAND")
    return words


def choose_model_name(task: Task, config: Config) -> str:
    """Return the model's name: the configured one, else the embedded one for tasks with steps.

    Raises:
        InputError: there is no model for what the task asks.
    """
    name = config.model.name or (OFFLINE if task.steps else "")
    if not name or (name == OFFLINE and not task.steps):
        raise InputError(
            f"task {task.id} has no steps, and "
            + ("the offline model does only steps" if name else "no model is configured"),
            fix="give the task `steps:`, or name a model by --model, CODEX_ORCHESTRATOR_MODEL or "
            "model.name (and set OPENAI_API_KEY)",
        )
    return name


def policy_of(config: Config) -> Policy:
    """Return the built-in policy with what the configuration adds.

    Raises:
        InputError: a command of `policy.run` cannot be split into arguments.
    """
    commands = []
    for text in config.policy.run:
        try:
            commands.append(tuple(shlex.split(text)))
        except ValueError as error:
            raise InputError(f"{text!r}: {error}", field="policy.run") from error
    return Policy(
        protected=(*PROTECTED_PATHS, *config.policy.protected),
        run=tuple(command for command in commands if command),
    )


def wants_codex(builder: str, *, model: str) -> bool:
    """Say whether the builder is to write with Codex, if there is one.

    `builder` is `auto`, `codex` or `workspace`.

    Raises:
        InputError: Codex was asked for together with the offline model.
    """
    if builder == "codex" and model == OFFLINE:
        raise InputError(
            "Codex needs a model, and the offline model is none that Codex can ask",
            field="--builder",
            fix="name a model by --model, or use --builder workspace",
        )
    return builder != "workspace" and model != OFFLINE
