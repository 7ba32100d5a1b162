"""Mode policy: where the builder runs, decided by one pure function."""

from enum import StrEnum

from codex_orchestrator.model.document import Document
from codex_orchestrator.model.plan import Plan
from codex_orchestrator.model.task import Task

CLOUD_HOST = "codex-cloud"
"""The name of Codex Cloud in `network:` approvals."""


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
        selected, reason = ModeName(requested), f"requested explicitly: {requested}"
    elif reason := _cloud_reason(task, plan):
        selected = ModeName.CLOUD
    else:
        selected, reason = ModeName.MCP, "default: the task does not ask for cloud"
    return Mode(selected=selected, reason=reason, requested=requested)


def _cloud_reason(task: Task, plan: Plan | None = None) -> str:
    """Return what in a task or its plan asks for Codex Cloud, or ""."""
    for name in ("parallel", "requires_cloud"):
        if getattr(task.execution, name):
            return f"task says execution.{name}: true"
    items = plan.items if plan and not task.steps else ()
    asking = (item.id for item in items if item.requires_cloud)
    return next((f"plan item {name} says requires_cloud: true" for name in asking), "")


def needs_network_approval(mode: Mode, task: Task) -> bool:
    """Return whether a person must allow Codex Cloud: the task itself does not ask for it."""
    return mode.selected is ModeName.CLOUD and not _cloud_reason(task)
