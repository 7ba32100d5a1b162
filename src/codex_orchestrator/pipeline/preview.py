"""Preview a task: the plan, and what it would change. Nothing is recorded."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from codex_orchestrator.model.check import CheckCommand
from codex_orchestrator.model.mode import Mode, choose_mode
from codex_orchestrator.model.plan import Plan
from codex_orchestrator.model.policy import run_policy
from codex_orchestrator.model.run import Usage
from codex_orchestrator.model.spending import Spending
from codex_orchestrator.pipeline.prerequisites import (
    require_granted_secrets,
    require_known_patterns,
    require_mode_fits,
)
from codex_orchestrator.pipeline.request import RunRequest
from codex_orchestrator.pipeline.run import open_team, open_tree

if TYPE_CHECKING:
    from codex_orchestrator.pipeline.services import Services


class Preview(NamedTuple):
    """The preview of a run. `touched` maps plan items to paths that patterns would change."""

    task_id: str
    mode: Mode
    plan: Plan
    touched: dict[str, tuple[str, ...]]
    checks: tuple[CheckCommand, ...]


def preview_task(request: RunRequest, services: "Services") -> Preview:
    """Ask the planner and the pattern library what a run would do.

    Raises:
        InputError: the task cannot be run, or its spec does not allow it.
    """
    task, library = request.task.task, services.rooms.library
    require_known_patterns(request.task, library)
    require_mode_fits(request.task, request.mode)
    require_granted_secrets(request.settings.config.setup, request.grants.wanted)
    base_sha = services.rooms.workspace.head_sha()
    policy = run_policy(task, request.settings.config, request.grants.wanted)
    run_id = services.ambient.new_run_id()
    services.rooms.workspace.require_new_branch(request.branch(run_id))
    with (
        TemporaryDirectory(prefix="codex-orchestrator-") as folder,
        open_tree(
            *(request, services, run_id), base_sha=base_sha, log_dir=Path(folder) / "setup"
        ) as work,
    ):
        with open_team(
            request,
            services,
            work,
            policy=policy,
            spending=Spending(task.limits, before=Usage(), monotonic=services.ambient.monotonic),
            log_dir=Path(folder) / "tests",
            on_event=lambda _kind, _facts: None,
        ) as team:
            plan = team.plan(task, library.assets)
        touched = {
            item.id: library.apply(
                item.step.pattern, work.tree.root, item.step.paths, is_dry_run=True
            ).paths
            for item in plan.items
            if item.step is not None and item.step.pattern is not None
        }
    mode = choose_mode(task, requested=request.mode.requested, plan=plan)
    return Preview(task.id, mode, plan, touched, work.checks)
