"""Cloud mode of a run: by the task, by request or by its plan, and never without leave."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from codex_orchestrator.model.approval import ApprovalKind
from codex_orchestrator.model.errors import ApprovalRequiredError
from codex_orchestrator.model.mode import CLOUD_HOST, ModeName, choose_mode, needs_network_approval
from codex_orchestrator.model.plan import Plan
from codex_orchestrator.model.task import Task
from codex_orchestrator.pipeline.grants import standing_approvals
from codex_orchestrator.pipeline.record import RunRecord
from codex_orchestrator.pipeline.run import Work
from codex_orchestrator.pipeline.run_rooms import RunRooms

if TYPE_CHECKING:
    from codex_orchestrator.codex.cloud import RunCloud


def require_network_approval(record: RunRecord, task: Task) -> None:
    """Check that a person allowed what the task itself does not ask for.

    Raises:
        ApprovalRequiredError: the run is in cloud mode, and nobody has allowed it.
    """
    mode = record.manifest.mode
    if not needs_network_approval(mode, task):
        return
    wanted = f"{ApprovalKind.NETWORK}:{CLOUD_HOST}"
    if wanted in standing_approvals(record):
        record.guardrail("network-policy", "passed", f"a person allowed {CLOUD_HOST}")
        return
    told = f"cloud mode ({mode.reason}) on a task that does not ask for it: its text would leave"
    record.guardrail("network-policy", "blocked", told)
    raise ApprovalRequiredError(f"{told} this machine", wanted=(wanted,))


def open_cloud(record: RunRecord, rooms: RunRooms, stack: ExitStack) -> "RunCloud | None":
    """Sign in to Codex Cloud when the run's mode says so, and note who builds."""
    if record.manifest.mode.selected is not ModeName.CLOUD:
        return None
    cloud = stack.enter_context(rooms.open_cloud(record.manifest.run.id))
    facts = {"builder": "codex-cloud", "codex": cloud.version}
    record.save(engine=record.manifest.engine.model_copy(update=facts))
    return cloud


def follow_plan(work: Work, plan: Plan, sign_in: "Callable[[], RunCloud | None]") -> None:
    """Change to cloud mode when an item of the plan requires it and nobody asked otherwise.

    Raises:
        ApprovalRequiredError: nobody has allowed it. A plan is what a model said, and it cannot
            decide what leaves this machine.
    """
    record, task = work.record, work.task
    mode = choose_mode(task, requested=record.manifest.mode.requested, plan=plan)
    if mode.selected is record.manifest.mode.selected:
        return
    record.save(mode=mode)
    record.guardrail("mode-policy", "noted", f"{mode.selected}: {mode.reason}")
    require_network_approval(record, task)
    work.cloud = sign_in()
