"""The plan: what the planner makes of a task. A graph of items, in the order of work."""

from pydantic import Field, model_validator

from codex_orchestrator.model.document import Document
from codex_orchestrator.model.task import Identifier, InsidePath, OneLine, Step


class PlanItem(Document):
    """One piece of the plan, small enough to build and test at once.

    `step` is the task's step that the item carries out, when it has one.
    """

    id: Identifier
    title: OneLine
    instructions: str
    depends_on: tuple[Identifier, ...] = ()
    requires_cloud: bool = False
    paths: tuple[InsidePath, ...] = ()
    step: Step | None = None


class Plan(Document):
    """Items in the order of work; an item stands after all that it depends on."""

    summary: str
    items: tuple[PlanItem, ...] = Field(min_length=1, max_length=100)
    risks: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _ordered(self) -> "Plan":
        seen: set[str] = set()
        for item in self.items:
            if item.id in seen:
                raise ValueError(f"item id {item.id!r} appears twice")
            missing = [name for name in item.depends_on if name not in seen]
            if missing:
                raise ValueError(
                    f"item {item.id!r} depends on {', '.join(missing)}, which no earlier item has"
                )
            seen.add(item.id)
        return self
