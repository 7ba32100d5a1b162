"""The record of plan items: their order, and what was submitted for them."""

from pathlib import Path

import pytest

from codex_orchestrator.model.manifest import CloudSubmissionFacts, Manifest
from codex_orchestrator.model.run import ItemState, RunState
from codex_orchestrator.pipeline.record import RunRecord
from codex_orchestrator.runs.audit import FileAuditLog
from codex_orchestrator.runs.store import FileRunStore
from codex_orchestrator.text.secrets import Redactor
from support.manifests import make_manifest

NOW = "2026-11-22T10:00:00.000Z"


def clock() -> str:
    return NOW


@pytest.fixture
def record(tmp_path: Path) -> RunRecord:
    made = make_manifest()
    run = made.run.model_copy(update={"state": RunState.RUNNING})
    manifest = made.model_copy(update={"run": run, "items": (), "artifacts": ()})
    store = FileRunStore(tmp_path)
    return RunRecord(
        manifest,
        store.create(manifest.task.id, run.id),
        store=store,
        audit=FileAuditLog(tmp_path, clock=clock),
        clock=clock,
        redaction=Redactor(()),
        on_event=lambda _line: None,
    )


def stored(record: RunRecord, folder: Path) -> Manifest:
    return FileRunStore(folder).load(record.manifest.run.id)


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
    record.submission("one", facts(1))
    assert stored(record, tmp_path).items[0].submissions == (facts(1),)
    record.submission("one", facts(1, "task_e_1"))
    record.submission("one", facts(2))
    record.item("one", ItemState.DONE, tree="2" * 40)
    assert stored(record, tmp_path).items[0].submissions == (facts(1, "task_e_1"), facts(2))


def test_what_was_not_sent_is_taken_back(record: RunRecord, tmp_path: Path) -> None:
    record.item("one", ItemState.RUNNING)
    record.submission("one", facts(1, "task_e_1"))
    record.submission("one", facts(2))
    record.withdraw("one", 2)
    assert stored(record, tmp_path).items[0].submissions == (facts(1, "task_e_1"),)
