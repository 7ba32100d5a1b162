"""The record of plan items: their order, and what was submitted for them."""

from pathlib import Path

import pytest

from codex_orchestrator.model.manifest import Manifest
from codex_orchestrator.model.plan import CloudSubmissionFacts
from codex_orchestrator.model.run import ItemState, RunState
from codex_orchestrator.pipeline.record import RunRecord
from codex_orchestrator.runs.store import FileRunStore
from support.manifests import make_manifest
from support.services import make_services


@pytest.fixture
def record(tmp_path: Path) -> RunRecord:
    repo = tmp_path / "repo"
    repo.mkdir()
    services = make_services(repo)
    made = make_manifest()
    manifest = made.replace(run=made.run.replace(state=RunState.RUNNING), items=(), artifacts=())
    folder = services.evidence.store.create(manifest.task.id, manifest.run.id)
    return RunRecord(manifest, folder, services)


def stored(record: RunRecord, folder: Path) -> Manifest:
    return FileRunStore(folder / "repo").load(record.manifest.run.id)


def facts(number: int, task_id: str = "") -> CloudSubmissionFacts:
    return CloudSubmissionFacts(number=number, task_id=task_id, branch="main", base="1" * 40)


def test_the_item_that_was_done_last_stands_last(record: RunRecord, tmp_path: Path) -> None:
    for name in ("one", "two"):
        record.item(name, ItemState.RUNNING)
    for name in ("two", "one"):
        record.item(name, ItemState.DONE, tree="2" * 40)
    assert [item.id for item in stored(record, tmp_path).items] == ["two", "one"]


def test_a_submission_is_stored_at_once_and_its_task_takes_its_place(
    record: RunRecord, tmp_path: Path
) -> None:
    record.item("one", ItemState.RUNNING)
    record.submitted("one", facts(1))
    assert stored(record, tmp_path).items[0].submissions == (facts(1),)
    record.submitted("one", facts(1, "task_e_1"))
    record.submitted("one", facts(2))
    record.item("one", ItemState.DONE, tree="2" * 40)
    assert stored(record, tmp_path).items[0].submissions == (facts(1, "task_e_1"), facts(2))


def test_what_was_not_sent_is_taken_back(record: RunRecord, tmp_path: Path) -> None:
    record.item("one", ItemState.RUNNING)
    record.submitted("one", facts(1, "task_e_1"))
    record.submitted("one", facts(2))
    record.withdrawn("one", 2)
    assert stored(record, tmp_path).items[0].submissions == (facts(1, "task_e_1"),)
