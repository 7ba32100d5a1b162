"""Building in the cloud with a service that a test plays: what is decided of its answers."""

import pytest

from codex_orchestrator.model.errors import ServiceError
from codex_orchestrator.model.plan import Plan, PlanItem
from codex_orchestrator.model.run import ItemState
from codex_orchestrator.pipeline.build.cloud import CloudBuilder
from codex_orchestrator.pipeline.run import Run
from support.codex_cloud_server import file_diff
from support.fake_cloud import FakeCloud

PLAN = Plan(summary="a plan", items=(PlanItem(id="one", title="One", instructions="Do it."),))


def test_what_is_unfinished_at_the_deadline_is_waited_for_again_and_not_sent_again(
    run: Run,
) -> None:
    cloud = FakeCloud("pending", file_diff("src/new.py", "x = 1"))
    with pytest.raises(ServiceError, match="has not finished item one") as caught:
        CloudBuilder(run, cloud).build(PLAN)
    assert "a resumed run waits for it again" in caught.value.fix
    assert cloud.deadlines == [420.0], "the run's own time is the deadline"
    cloud.state = "ready"
    assert CloudBuilder(run, cloud).build(PLAN)
    assert cloud.sent == [1]
    assert (run.tree.root / "src/new.py").read_text() == "x = 1\n"


@pytest.mark.parametrize(
    ("diff", "told"),
    [
        (file_diff("src/.env", "KEY=1"), "a file for secrets"),
        (file_diff("../out.py", "x"), "invalid path"),
        ("no diff", "No valid patches"),
    ],
)
def test_a_diff_that_may_not_be_is_tried_once_more_and_then_fails_the_item(
    run: Run, diff: str, told: str
) -> None:
    cloud = FakeCloud("ready", diff)
    before = run.tree.snapshot()
    assert not CloudBuilder(run, cloud).build(PLAN)
    assert cloud.sent == [1, 2]
    (item,) = run.record.manifest.items
    assert item.state is ItemState.FAILED
    assert all(told in one.problem for one in item.submissions)
    assert run.tree.snapshot() == before


def test_a_kill_between_merge_and_record_leaves_nothing_of_the_merge(run: Run) -> None:
    cloud = FakeCloud("ready", file_diff("src/new.py", "x = 1"))
    assert CloudBuilder(run, cloud).build(PLAN)
    run.record.item("one", ItemState.RUNNING)
    assert CloudBuilder(run, cloud).build(PLAN), "the same diff fits again"
    assert cloud.sent == [1]
