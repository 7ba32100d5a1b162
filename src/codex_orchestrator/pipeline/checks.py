"""What a task must fulfil before it is run: known patterns, a fitting mode, and checks."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from codex_orchestrator.model.check import CheckCommand
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.mode import ModeName, choose_mode
from codex_orchestrator.model.task import Task
from codex_orchestrator.pipeline.run_rooms import RunRequest

if TYPE_CHECKING:
    from codex_orchestrator.patterns.library import Library


class StepProblem(NamedTuple):
    """Why a step cannot be carried out."""

    field: str
    message: str
    fix: str


def step_problem(task: Task, library: "Library") -> StepProblem | None:
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
