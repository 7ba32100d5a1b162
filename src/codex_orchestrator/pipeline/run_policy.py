"""What a run may do: the steps it knows, the checks it must pass, the commands it may run."""

import shlex
from collections.abc import Mapping
from typing import NamedTuple

from codex_orchestrator.model.approval import ApprovalKind, Policy, parse_escalation
from codex_orchestrator.model.check import CheckCommand
from codex_orchestrator.model.errors import InputError, NotCheckedError
from codex_orchestrator.model.task import Task
from codex_orchestrator.pipeline.ports import PatternLibrary
from codex_orchestrator.pipeline.run_rooms import RunRequest


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
    longest = request.task.limits.check_seconds
    return tuple(
        commands[name].model_copy(update={"timeout_s": min(commands[name].timeout_s, longest)})
        for name in request.task.checks
    )


def run_policy(request: RunRequest, policy: Policy) -> Policy:
    """Return the policy with what the task's own steps need and what a person approved.

    Raises:
        NotCheckedError: a network approval was given; no builder here can be given a network.
    """
    run = list(policy.run)
    edits = list(policy.approved_edits)
    run += [step.command for step in request.task.steps if step.command]
    for text in request.approvals:
        kind, value = parse_escalation(text)
        if kind is ApprovalKind.EDIT:
            edits.append(value)
        elif kind is ApprovalKind.RUN:
            run.append(tuple(shlex.split(value)))
        else:
            raise NotCheckedError(
                f"network access to {value} cannot be granted: the workspace builder has none",
                fix="fetch what the task needs beforehand and leave the approval out",
            )
    return policy.model_copy(update={"run": tuple(run), "approved_edits": tuple(edits)})
