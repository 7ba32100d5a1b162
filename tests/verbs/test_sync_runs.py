import json
from collections.abc import Callable
from pathlib import Path

import pytest

from codex_orchestrator.catalog.object_store import ObjectStoreCatalog, open_object_store
from codex_orchestrator.model.audit import AuditRecord
from codex_orchestrator.model.errors import InputError, NotCheckedError, ServiceError
from codex_orchestrator.model.manifest import Manifest
from codex_orchestrator.model.receipt import Receipt
from codex_orchestrator.model.run import RunState
from codex_orchestrator.model.sync import SyncReport
from codex_orchestrator.runs.audit import FileAuditLog
from codex_orchestrator.runs.outbox import Outbox
from codex_orchestrator.runs.store import FileRunStore
from codex_orchestrator.verbs.record_artifact import record_artifact
from codex_orchestrator.verbs.sync_runs import SyncRequest, sync_runs
from support.runs_build import RUN, Ticking, finish_run, make_manifest, pattern_use, records_of

TASK = "0007-logging"
OTHER = "20261122t201500z-0000"
URL = "file://out/catalog"


def open_local(repo: Path) -> ObjectStoreCatalog:
    return open_object_store(URL, repo=repo, clock=Ticking())


def send(
    repo: Path, request: SyncRequest, opener: Callable[[], object] | None = None
) -> SyncReport:
    opened = opener or (lambda: open_local(repo))
    return sync_runs(request, records_of(repo), opened)  # type: ignore[arg-type]


def sync(repo: Path, *run_ids: str, opener: Callable[[], object] | None = None) -> SyncReport:
    return send(repo, SyncRequest(run_ids, URL), opener)


def records(repo: Path, event: str) -> list[AuditRecord]:
    found: list[AuditRecord] = []
    assert not FileAuditLog(repo, clock=Ticking()).check(found.append).has_errors
    return [record for record in found if record.event == event]


def objects(repo: Path) -> list[Path]:
    return sorted((repo / "out/catalog/manifests").rglob("*.json"))


def no_catalog() -> object:
    raise AssertionError("the catalog was opened")


def test_two_syncs_leave_one_object_and_one_receipt(repo: Path) -> None:
    digest = finish_run(repo)
    first, second = sync(repo), sync(repo, opener=no_catalog)
    assert [receipt.manifest_sha256 for receipt in first.synced] == [digest]
    assert (second.synced, second.already_synced, second.exit_code) == ((), 1, 0)
    assert [path.stem for path in objects(repo)] == [digest]
    (record,) = records(repo, "synced")
    assert record.details["manifest_sha256"] == digest
    receipt = Outbox(repo).receipt(TASK, RUN, catalog=URL)
    assert receipt == first.synced[0]


def test_nothing_to_sync_is_no_failure(repo: Path) -> None:
    report = sync(repo, opener=no_catalog)
    assert (report.synced, report.failed, report.exit_code) == ((), (), 0)
    assert not (repo / "out").exists()


def test_a_dry_run_sends_and_writes_nothing(repo: Path) -> None:
    finish_run(repo)
    before = sorted(repo.rglob("*"))
    report = send(repo, SyncRequest((), URL, is_dry_run=True), no_catalog)
    assert report.to_do == (RUN,)
    assert sorted(repo.rglob("*")) == before


def test_only_the_named_run_is_sent(repo: Path) -> None:
    finish_run(repo)
    finish_run(repo, OTHER)
    assert [receipt.run_id for receipt in sync(repo, OTHER, OTHER).synced] == [OTHER]
    assert sync(repo, OTHER).already_synced == 1
    assert [receipt.run_id for receipt in sync(repo).synced] == [RUN]


def test_a_named_run_that_is_not_there_is_an_input_error(repo: Path) -> None:
    with pytest.raises(InputError, match="no run"):
        sync(repo, "2027")


@pytest.mark.parametrize("state", [RunState.RUNNING, RunState.WAITING, RunState.INTERRUPTED])
def test_a_run_that_is_not_finished_is_skipped(state: RunState, repo: Path) -> None:
    store = FileRunStore(repo)
    store.create(TASK, RUN)
    store.save(make_manifest(state=state))
    store.create(TASK, OTHER)
    report = sync(repo, opener=no_catalog)
    assert [skipped.run_id for skipped in report.skipped] == [RUN, OTHER]
    assert str(state) in report.skipped[0].reason
    assert report.exit_code == 0


def test_a_run_that_does_not_verify_is_refused_and_the_others_are_sent(repo: Path) -> None:
    finish_run(repo)
    finish_run(repo, OTHER)
    (repo / ".runs" / TASK / RUN / "plan.json").write_bytes(b"[]")
    report = sync(repo)
    assert [receipt.run_id for receipt in report.synced] == [OTHER]
    assert [(failed.run_id, failed.kind) for failed in report.failed] == [(RUN, "verify")]
    assert report.failed[0].findings[0].path.endswith("plan.json")
    assert report.exit_code == 1


def test_nothing_is_sent_when_the_audit_log_is_damaged(repo: Path) -> None:
    finish_run(repo)
    path = repo / "out/audit.log"
    path.write_bytes(path.read_bytes().replace(b"run-started", b"run-stalled"))
    report = sync(repo, opener=no_catalog)
    assert report.exit_code == 1
    assert report.failed[0].kind == "verify"


def test_an_uploaded_artifact_may_be_required(repo: Path) -> None:
    finish_run(repo)
    request = SyncRequest((), URL, must_have_artifact=True)
    report = send(repo, request, no_catalog)
    assert report.exit_code == 3
    assert "record-artifact" in report.failed[0].fix
    for _ in range(2):
        record_artifact(
            RUN,
            records_of(repo),
            artifact_id="12",
            digest="e" * 64,
            url="https://github.com/o/r/actions/runs/1/artifacts/12",
            clock=Ticking(),
        )
    assert len(records(repo, "artifact-recorded")) == 1
    assert send(repo, request).exit_code == 0


def test_another_artifact_of_the_same_run_is_refused(repo: Path) -> None:
    finish_run(repo)

    def record(artifact_id: str) -> object:
        return record_artifact(
            RUN,
            records_of(repo),
            artifact_id=artifact_id,
            digest="e" * 64,
            url="https://github.com/o/r",
            clock=Ticking(),
        )

    record("12")
    with pytest.raises(InputError, match="artifact 12 is recorded"):
        record("13")


def test_a_conflict_is_a_finding_and_is_logged_once_and_leaves_the_rest(repo: Path) -> None:
    finish_run(repo)
    finish_run(repo, OTHER)
    pointer = repo / f"out/catalog/runs/{TASK}/{RUN}.json"
    pointer.parent.mkdir(parents=True)
    pointer.write_bytes(b'{"other":"record"}')
    for _ in range(2):
        report = sync(repo)
        assert [(failed.run_id, failed.kind) for failed in report.failed] == [(RUN, "conflict")]
        assert report.exit_code == 1
    assert pointer.read_bytes() == b'{"other":"record"}'
    assert [receipt.run_id for receipt in sync(repo).synced] == []
    (record,) = records(repo, "sync-conflict")
    assert record.level == "error"
    assert len(records(repo, "synced")) == 1


class Broken:
    """A catalog that fails in a given way."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.calls = 0

    def push(self, manifest: Manifest, data: bytes) -> Receipt:
        self.calls += 1
        raise self.error


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [(ServiceError("down"), "service", 4), (NotCheckedError("refused"), "permission", 3)],
)
def test_a_service_that_fails_is_asked_once_and_the_work_is_kept(
    error: Exception, kind: str, code: int, repo: Path
) -> None:
    finish_run(repo)
    finish_run(repo, OTHER)
    catalog = Broken(error)
    report = sync(repo, opener=lambda: catalog)
    assert catalog.calls == 1
    assert [failed.kind for failed in report.failed] == [kind, kind]
    assert report.exit_code == code
    assert [record.level for record in records(repo, "sync-failed")] == ["error"]
    assert len(sync(repo).synced) == 2


def test_a_receipt_for_other_bytes_is_no_delivery(repo: Path) -> None:
    finish_run(repo)

    class Careless:
        def push(self, manifest: Manifest, data: bytes) -> Receipt:
            receipt = open_local(repo).push(manifest, data)
            return receipt.model_copy(update={"manifest_sha256": "0" * 64})

    report = sync(repo, opener=Careless)
    assert report.exit_code == 4
    assert records(repo, "synced") == []


def test_a_lost_receipt_file_is_written_anew_and_the_log_is_not(repo: Path) -> None:
    finish_run(repo)
    sync(repo)
    (receipt,) = (repo / "out" / TASK / "receipts").iterdir()
    receipt.unlink()
    (again,) = sync(repo).synced
    assert not again.created
    assert receipt.exists()
    assert len(records(repo, "synced")) == 1


def test_a_second_catalog_gets_the_run_too(repo: Path) -> None:
    finish_run(repo)
    sync(repo)
    url = (repo / "second").as_uri()
    request = SyncRequest((), url)

    def other() -> ObjectStoreCatalog:
        return open_object_store(url, repo=repo, clock=Ticking())

    assert len(send(repo, request, other).synced) == 1
    assert send(repo, request, other).already_synced == 1
    assert sync(repo, opener=no_catalog).already_synced == 1
    assert {record.details["catalog"] for record in records(repo, "synced")} == {URL, url}


def test_a_manifest_changed_after_its_sync_is_found_by_what_was_sent(repo: Path) -> None:
    finish_run(repo, patterns=(pattern_use(),))
    sync(repo)
    path = repo / ".runs" / TASK / RUN / "manifest.json"
    path.write_bytes(path.read_bytes().replace(b'"hits":2', b'"hits":9'))
    report = sync(repo, opener=no_catalog)
    assert report.already_synced == 1
    (repo / "out" / TASK / "receipts").rename(repo / "gone")
    assert sync(repo, opener=no_catalog).exit_code == 1


def test_the_report_is_one_json_document(repo: Path) -> None:
    finish_run(repo)
    document = json.loads(sync(repo).model_dump_json(by_alias=True))
    assert document["schema"] == "sync-report.v1"
    assert set(document["synced"][0]) >= {"run_id", "manifest_sha256", "catalog", "key", "created"}
