"""The plan that the planner makes for a task: a graph of items, in order."""

from collections.abc import Mapping

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
    """Items in order; an item comes after all items that it depends on."""

    summary: str
    items: tuple[PlanItem, ...] = Field(min_length=1, max_length=100)
    risks: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _ordered(self) -> "Plan":
        after = {item.id: item.depends_on for item in self.items}
        seen: set[str] = set()
        for item in self.items:
            if item.id in seen:
                raise ValueError(f"item id {item.id!r} appears twice")
            seen.add(item.id)
            for name in item.depends_on:
                if name not in after:
                    known = ", ".join(after)
                    raise ValueError(
                        f"item {item.id!r} depends on {name!r}, which is no item; there are {known}"
                    )
                if name in seen and name != item.id:
                    continue
                way = _way(name, item.id, after)
                if way:
                    circle = " -> ".join((item.id, *way))
                    raise ValueError(f"items depend on each other in a circle: {circle}")
                raise ValueError(
                    f"item {item.id!r} depends on {name!r}, which stands after it; "
                    "an item stands after all that it depends on"
                )
        return self


def _way(start: str, end: str, after: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return a path of ids that follows dependencies from one item; empty when there is none."""
    ways: list[tuple[str, ...]] = [(start,)]
    seen = {start}
    while ways:
        way = ways.pop()
        if way[-1] == end:
            return way
        fresh = [name for name in after.get(way[-1], ()) if name not in seen]
        seen.update(fresh)
        ways += [(*way, name) for name in fresh]
    return ()
