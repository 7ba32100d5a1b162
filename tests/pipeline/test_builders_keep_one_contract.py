"""What every builder promises, whether it builds on this machine or in Codex Cloud."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from codex_orchestrator.pipeline.build.cloud import CloudBuilder
from codex_orchestrator.pipeline.build.here import LocalBuilder
from codex_orchestrator.pipeline.builder import Builder
from codex_orchestrator.pipeline.record import RunRecord
from codex_orchestrator.pipeline.run import Run
from support.codex_cloud_server import file_diff
from support.fake_cloud import FakeCloud
from support.hands import Hands, Site, files_of, make_item, make_plan, states_of

PLAN = make_plan(make_item("one"))


class Scene(NamedTuple):
    """A builder with its run. `fails` lets what it builds fail; `builds` counts what it began."""

    builder: Builder
    run: Run
    record: RunRecord
    fails: Callable[[], None]
    builds: Callable[[], int]


def write_new_file(hands: Hands) -> None:
    hands.write("new.txt", "new\n")


@pytest.fixture(params=["here", "in the cloud"])
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    site = Site(tmp_path)
    site.bench.builders = dict.fromkeys(("one", "repair-1"), write_new_file)
    cloud = FakeCloud("ready", file_diff("new.txt", "new"))
    record = site.begin(PLAN)

    def fail() -> None:
        cloud.state = "failed"
        site.bench.builders = dict.fromkeys(("one", "repair-1"), lambda _hands: False)

    def count() -> int:
        return len(cloud.sent) + len(site.bench.asked)

    with site.run(record) as run:
        builder = LocalBuilder(run) if request.param == "here" else CloudBuilder(run, cloud)
        yield Scene(builder, run, record, fail, count)


def test_what_is_built_stands_in_the_work_tree_and_in_the_record(scene: Scene) -> None:
    assert scene.builder.build(PLAN)
    assert files_of(scene.run)["new.txt"] == "new\n"
    (item,) = scene.record.manifest.items
    assert (item.id, item.state, item.tree) == ("one", "done", scene.run.tree.snapshot())
    assert scene.record.manifest.verdict is None, "whether it is good is not for the builder to say"


def test_what_is_done_is_not_built_again(scene: Scene) -> None:
    assert scene.builder.build(PLAN)
    (scene.run.tree.root / "new.txt").unlink()
    assert scene.builder.build(PLAN)
    assert files_of(scene.run)["new.txt"] == "new\n", "the recorded state is brought back"
    assert scene.builds() == 1


def test_what_fails_fails_the_run_and_says_why(scene: Scene) -> None:
    scene.fails()
    assert not scene.builder.build(PLAN)
    assert states_of(scene.record) == {"one": "failed"}
    assert scene.record.manifest.verdict == "failed"
    assert scene.record.manifest.notes.summary.startswith("item one was not done: ")


def test_a_repair_stands_in_the_work_tree(scene: Scene) -> None:
    assert scene.builder.repair(make_item("repair-1"), "it does not work")
    assert files_of(scene.run)["new.txt"] == "new\n"
    assert scene.builds() == 1


def test_a_repair_that_fails_says_so_and_leaves_the_verdict_alone(scene: Scene) -> None:
    scene.fails()
    assert not scene.builder.repair(make_item("repair-1"), "it does not work")
    assert "new.txt" not in files_of(scene.run)
    assert scene.record.manifest.verdict is None
