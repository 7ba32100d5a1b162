"""Mode policy: where the builder runs, decided by one pure function."""

from enum import StrEnum

from codex_orchestrator.model.document import Document
from codex_orchestrator.model.plan import Plan
from codex_orchestrator.model.task import Task

CLOUD_HOST = "codex-cloud"
"""How Codex Cloud is named in `network:` approvals."""


class ModeName(StrEnum):
    """Where the builder runs."""

    MCP = "mcp"
    CLOUD = "cloud"


class Mode(Document):
    """The chosen mode, why, and what was asked for."""

    selected: ModeName
    reason: str
    requested: str


def choose_mode(task: Task, *, requested: str = "auto", plan: Plan | None = None) -> Mode:
    """Choose the mode of a run: an explicit request, else what task or plan signal, else MCP.

    `requested` is `auto`, `mcp` or `cloud`; `plan` is None while there is none. The plan of a task
    with steps has no say: steps are carried out on this machine.
    """
    if requested != "auto":
        return Mode(
            selected=ModeName(requested),
            reason=f"requested explicitly: {requested}",
            requested=requested,
        )
    if task.execution.parallel:
        return Mode(
            selected=ModeName.CLOUD,
            reason="task says execution.parallel: true",
            requested=requested,
        )
    if task.execution.requires_cloud:
        return Mode(
            selected=ModeName.CLOUD,
            reason="task says execution.requires_cloud: true",
            requested=requested,
        )
    for item in plan.items if plan and not task.steps else ():
        if item.requires_cloud:
            return Mode(
                selected=ModeName.CLOUD,
                reason=f"plan item {item.id} says requires_cloud: true",
                requested=requested,
            )
    return Mode(
        selected=ModeName.MCP,
        reason="default: the task does not ask for cloud",
        requested=requested,
    )


def needs_network_approval(mode: Mode, task: Task) -> bool:
    """Say whether a person must allow Codex Cloud: the task itself does not ask for it."""
    asks = task.execution.parallel or task.execution.requires_cloud
    return mode.selected is ModeName.CLOUD and not asks
