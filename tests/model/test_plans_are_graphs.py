"""The plan as a graph: what is refused, what is ready, and what is done next."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from codex_orchestrator.model.engine import items_at_once
from codex_orchestrator.model.graph import (
    BuildAlone,
    BuildApart,
    MergeItem,
    choose_move,
    ready_items,
)
from codex_orchestrator.model.mode import ModeName
from codex_orchestrator.model.plan import ManifestItem, MergeConflict, Plan, PlanItem
from codex_orchestrator.model.run import ItemState
from codex_orchestrator.model.task import Limits, Step, Task

BASE = "1" * 40


def make_item(name: str, *after: str, step: Step | None = None) -> PlanItem:
    return PlanItem(id=name, title=name, instructions="Do it.", depends_on=after, step=step)


def make_plan(*items: PlanItem) -> Plan:
    return Plan(summary="a plan", items=items)


def known(name: str, state: str, **more: Any) -> ManifestItem:
    return ManifestItem(id=name, state=ItemState(state), attempt=1, **more)


@pytest.mark.parametrize(
    ("items", "told"),
    [
        ([("a",), ("b", "c")], "item 'b' depends on 'c', which is no item; there are a, b"),
        ([("a", "b"), ("b",)], "item 'a' depends on 'b', which stands after it"),
        ([("a", "a")], "items depend on each other in a circle: a -> a"),
        ([("a", "b"), ("b", "a")], "items depend on each other in a circle: a -> b -> a"),
        ([("a", "c"), ("b", "a"), ("c", "b")], "in a circle: a -> c -> b -> a"),
        ([("a",), ("a",)], "item id 'a' appears twice"),
    ],
)
def test_a_plan_that_is_no_ordered_graph_is_refused_and_told_why(
    items: list[tuple[str, ...]], told: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        make_plan(*(make_item(*names) for names in items))
    assert told in str(caught.value)


def test_items_without_open_dependencies_are_ready_in_plan_order() -> None:
    plan = make_plan(make_item("a"), make_item("b"), make_item("c", "a"), make_item("d", "b", "c"))
    assert [item.id for item in ready_items(plan, set())] == ["a", "b"]
    assert [item.id for item in ready_items(plan, {"a"})] == ["b", "c"]
    assert [item.id for item in ready_items(plan, {"a", "b", "c"})] == ["d"]


def test_the_task_s_steps_are_carried_out_in_their_order_whatever_the_plan_says() -> None:
    step = Step(command=("ls",))
    plan = make_plan(make_item("a", step=step), make_item("b"), make_item("c", step=step))
    assert [item.id for item in ready_items(plan, set())] == ["a", "b"]
    assert [item.id for item in ready_items(plan, {"a"})] == ["b", "c"]


TWO = make_plan(make_item("a"), make_item("b"))


@pytest.mark.parametrize(
    ("items", "parallel", "wanted"),
    [
        ([], 2, BuildApart(TWO.items, "")),
        ([], 1, BuildAlone(TWO.items[0])),
        ([known("a", "done")], 2, BuildAlone(TWO.items[1])),
        (
            [known("a", "running", base=BASE), known("b", "built", base=BASE)],
            2,
            BuildApart(TWO.items[:1], BASE),
        ),
        (
            [known("a", "running", base=BASE), known("b", "built", base=BASE)],
            1,
            BuildApart(TWO.items[:1], BASE),
        ),
        (
            [known("b", "built", base=BASE), known("a", "built", base=BASE)],
            2,
            MergeItem(TWO.items[0]),
        ),
        (
            [
                known("a", "planned", conflicts=(MergeConflict(problem="p", base=BASE),)),
                known("b", "built", base=BASE),
            ],
            2,
            BuildAlone(TWO.items[0]),
        ),
        ([known("a", "done"), known("b", "done")], 2, None),
    ],
)
def test_what_is_next_follows_from_the_record_alone(
    items: list[ManifestItem], parallel: int, wanted: object
) -> None:
    assert choose_move(TWO, items, parallel=parallel) == wanted


@st.composite
def graphs(draw: st.DrawFn) -> Plan:
    count = draw(st.integers(1, 7))
    names = [f"i{n}" for n in range(count)]
    return make_plan(
        *(
            make_item(name, *draw(st.lists(st.sampled_from(names[:n] or [""]), unique=True)))
            if n
            else make_item(name)
            for n, name in enumerate(names)
        )
    )


@given(graphs(), st.integers(1, 4), st.integers(0, 2**32))
def test_every_graph_is_carried_out_once_after_what_it_depends_on(
    plan: Plan, parallel: int, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - chooses what a test does
    record: dict[str, ManifestItem] = {}
    merged: list[str] = []
    after = {item.id: item.depends_on for item in plan.items}
    for _ in range(1000):
        move = choose_move(plan, tuple(record.values()), parallel=parallel)
        if move is None:
            break
        if isinstance(move, BuildApart):
            assert parallel > 1
            assert all(name in merged for item in move.items for name in after[item.id])
            for item in move.items:
                # Some are built and some are not: the run was stopped in between.
                state = "built" if chance.random() < 0.6 else "running"
                record[item.id] = known(item.id, state, base=BASE)
            continue
        if isinstance(move, MergeItem) and chance.random() < 0.3:
            conflict = MergeConflict(problem="p", base=BASE)
            record[move.item.id] = known(move.item.id, "planned", conflicts=(conflict,))
            continue
        assert all(name in merged for name in after[move.item.id])
        merged.append(move.item.id)
        record[move.item.id] = known(move.item.id, "done")
    assert sorted(merged) == sorted(after), "each once"


@pytest.mark.parametrize(
    ("limit", "configured", "mode", "wanted"),
    [
        (None, 10, ModeName.CLOUD, 10),
        (None, 10, ModeName.MCP, 4),
        (None, 2, ModeName.MCP, 2),
        (7, 2, ModeName.MCP, 7),
        (1, 10, ModeName.CLOUD, 1),
    ],
)
def test_the_task_s_limit_counts_before_the_configuration(
    limit: int | None, configured: int, mode: ModeName, wanted: int
) -> None:
    task = Task(id="t", title="T", spec="s.md", limits=Limits(parallel=limit))
    assert items_at_once(task, configured=configured, mode=mode) == wanted


@pytest.mark.parametrize("number", [0, 101])
def test_a_limit_of_items_is_from_1_to_100(number: int) -> None:
    with pytest.raises(ValidationError):
        Limits(parallel=number)
