"""The plan as a graph: which items can be built now, and what to do next. Pure functions."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from codex_orchestrator.model.plan import ManifestItem, Plan, PlanItem
from codex_orchestrator.model.run import ItemState


class BuildAlone(NamedTuple):
    """Build one item in the run's own work tree, on top of the merged work."""

    item: PlanItem


class BuildApart(NamedTuple):
    """Build items at once, each in a work tree of its own.

    They start from the state `base`; "" says that they are new together and start from the work
    so far.
    """

    items: tuple[PlanItem, ...]
    base: str


class MergeItem(NamedTuple):
    """Merge the change of an item that was built in its own work tree."""

    item: PlanItem


Move = BuildAlone | BuildApart | MergeItem


def ready_items(plan: Plan, done: Collection[str]) -> tuple[PlanItem, ...]:
    """Return the items, in plan order, that are not done and depend on nothing unfinished.

    The task's steps are carried out in their order, whatever the planner says of them.
    """
    ready = []
    is_step_open = False
    for item in plan.items:
        is_next = item.step is None or not is_step_open
        if item.id not in done:
            is_step_open = is_step_open or item.step is not None
            if is_next and all(name in done for name in item.depends_on):
                ready.append(item)
    return tuple(ready)


def choose_move(plan: Plan, items: Sequence[ManifestItem], *, parallel: int) -> Move | None:
    """Choose what to do next with a plan; None when every item is done.

    It depends on nothing but the record, so a run that was killed goes on as it would have gone.
    Items that were begun together start from one state and are merged in plan order before
    anything else is begun: the result does not depend on which of them was done first.

    Args:
        plan: the plan.
        items: the items in the manifest.
        parallel: how many items may be built at the same time.
    """
    recorded = {item.id: item for item in items}
    done = {item.id for item in items if item.state is ItemState.DONE}
    ready = ready_items(plan, done)
    if again := [item for item in ready if item.id in recorded and recorded[item.id].conflicts]:
        return BuildAlone(again[0])
    if together := [item for item in ready if item.id in recorded and recorded[item.id].base]:
        unbuilt = [item for item in together if recorded[item.id].state is not ItemState.BUILT]
        if unbuilt:
            return BuildApart(tuple(unbuilt), recorded[unbuilt[0].id].base)
        return MergeItem(together[0])
    if len(ready) > 1 and parallel > 1:
        return BuildApart(ready, "")
    return BuildAlone(ready[0]) if ready else None
