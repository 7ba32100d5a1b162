"""Preview a task: the plan, and what carrying it out would touch. Nothing is recorded."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from codex_orchestrator.model.check import CheckCommand
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.mode import Mode, choose_mode
from codex_orchestrator.model.plan import Plan
from codex_orchestrator.model.policy import run_policy
from codex_orchestrator.model.run import Usage
from codex_orchestrator.model.spending import Spending
from codex_orchestrator.pipeline.checks import choose_checks, require_mode_fits, step_problem
from codex_orchestrator.pipeline.rails_of import rails_of
from codex_orchestrator.pipeline.run_rooms import RunRequest, RunRooms


class Preview(NamedTuple):
    """What a run would do. `touched` maps plan items to paths that patterns would change."""

    task_id: str
    mode: Mode
    plan: Plan
    touched: dict[str, tuple[str, ...]]
    checks: tuple[CheckCommand, ...]


def preview_task(request: RunRequest, rooms: RunRooms) -> Preview:
    """Ask the planner and the pattern library what a run would do.

    Raises:
        InputError: the task cannot be run as it stands, or its spec does not allow it.
    """
    task = request.task
    problem = step_problem(task, rooms.library)
    if problem:
        raise InputError(
            problem.message, path=request.task_source, field=problem.field, fix=problem.fix
        )
    require_mode_fits(request)
    base_sha = rooms.workspace.head_sha()
    policy = run_policy(task, request.approvals, rooms.policy)
    with (
        TemporaryDirectory(prefix="codex-orchestrator-") as folder,
        rooms.workspace.open(rooms.new_run_id(), base_sha=base_sha) as tree,
    ):
        adapter, commands = rooms.adapters.commands(
            tree.root, wanted=task.adapter, checks=task.checks
        )
        checks = choose_checks(request, commands, adapter=adapter)
        with rooms.engine.open(
            root=tree.root,
            log_dir=Path(folder) / "tests",
            policy=policy,
            checks=checks,
            rails=rails_of(request, rooms, tree, policy, base_sha=base_sha),
            spending=Spending(task.limits, before=Usage(), monotonic=rooms.monotonic),
            on_event=lambda _kind, _facts: None,
        ) as team:
            plan = team.plan(task, rooms.library.assets)
        touched = {
            item.id: rooms.library.preview(item.step.pattern, tree.root, item.step.paths).paths
            for item in plan.items
            if item.step is not None and item.step.pattern is not None
        }
    mode = choose_mode(task, requested=request.mode, plan=plan)
    return Preview(task.id, mode, plan, touched, checks)
