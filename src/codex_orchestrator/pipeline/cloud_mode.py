"""Cloud mode of a run: by task, request or plan, and never without permission."""

from contextlib import ExitStack
from typing import TYPE_CHECKING

from codex_orchestrator.model.approval import ApprovalKind, Grant
from codex_orchestrator.model.errors import ApprovalRequiredError
from codex_orchestrator.model.mode import CLOUD_HOST, ModeName, choose_mode, needs_network_approval
from codex_orchestrator.model.plan import Plan
from codex_orchestrator.model.task import Task
from codex_orchestrator.pipeline.record import RunRecord

if TYPE_CHECKING:
    from codex_orchestrator.codex.cloud import CodexCloud
    from codex_orchestrator.pipeline.services import Services


def require_network_approval(record: RunRecord, task: Task) -> None:
    """Check that a person approved cloud mode if the task itself does not ask for it.

    Raises:
        ApprovalRequiredError: the run is in cloud mode without an approval.
    """
    mode = record.manifest.mode
    if not needs_network_approval(mode, task):
        return
    wanted = Grant(ApprovalKind.NETWORK, CLOUD_HOST)
    if wanted in record.standing:
        record.guardrail("network-policy", "passed", f"a person allowed {CLOUD_HOST}")
        return
    reason = f"cloud mode ({mode.reason}) on a task that does not ask for it: its text would leave"
    record.guardrail("network-policy", "blocked", reason)
    raise ApprovalRequiredError(f"{reason} this machine", wanted=(str(wanted),))


def sign_in(record: RunRecord, services: "Services", stack: ExitStack) -> "CodexCloud | None":
    """Sign in to Codex Cloud when the run's mode says so, and record who builds."""
    if record.manifest.mode.selected is not ModeName.CLOUD:
        return None
    cloud = stack.enter_context(services.rooms.open_cloud(record.manifest.run.id))
    record.signed_in(cloud.version)
    return cloud


def follow_plan(record: RunRecord, task: Task, plan: Plan) -> None:
    """Change to cloud mode if an item of the plan requires it and no mode was requested.

    Raises:
        ApprovalRequiredError: it was not approved. A model wrote the plan, so the plan cannot
            decide what leaves this machine.
    """
    mode = choose_mode(task, requested=record.manifest.mode.requested, plan=plan)
    if mode.selected is record.manifest.mode.selected:
        return
    record.changed_mode(mode)
    record.guardrail("mode-policy", "noted", f"{mode.selected}: {mode.reason}")
    require_network_approval(record, task)
