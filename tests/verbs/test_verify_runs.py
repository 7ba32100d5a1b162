import json
import os
from pathlib import Path

import pytest

from codex_orchestrator.model.canonical import canonical_bytes, sha256_hex
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.run import RunState
from codex_orchestrator.model.verification import Outcome, VerifyReport
from codex_orchestrator.pipeline.finish import close_run
from codex_orchestrator.runs.audit import FileAuditLog
from codex_orchestrator.runs.lock import lock_task
from codex_orchestrator.runs.store import FileRunStore
from codex_orchestrator.verbs.verify_runs import verify_runs
from support.runs_build import RUN, Ticking, finish_run, make_manifest, records_of

TASK = "0007-logging"
PLACE = f".runs/{TASK}/{RUN}"


def verify(repo: Path, run_id: str | None = None) -> VerifyReport:
    return verify_runs(run_id, records_of(repo))


def found(report: VerifyReport) -> set[tuple[str, str]]:
    runs = [finding for run in report.runs for finding in run.findings]
    return {(finding.rule, finding.path) for finding in (*runs, *report.audit.findings)}


def test_a_finished_run_verifies(repo: Path, finished: Path) -> None:
    report = verify(repo)
    assert report.outcome is Outcome.PASSED
    assert report.exit_code == 0
    assert (report.runs[0].artifacts, report.audit.records) == (3, 2)
    assert verify(repo, RUN[:10]).runs == report.runs


def test_no_run_at_all_is_not_checked(repo: Path) -> None:
    assert verify(repo).exit_code == 3


def test_an_unknown_run_is_an_input_error(repo: Path, finished: Path) -> None:
    with pytest.raises(InputError, match="no run"):
        verify(repo, "2027")


def test_flipping_any_byte_of_any_artifact_is_found_by_name(repo: Path, finished: Path) -> None:
    for name in ("plan.json", "diff.patch", "tests/pytest.log"):
        good = (finished / name).read_bytes()
        for at in range(len(good)):
            (finished / name).write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
            report = verify(repo)
            assert report.exit_code == 1
            assert found(report) == {("artifact-changed", f"{PLACE}/{name}")}
        (finished / name).write_bytes(good)


def test_flipping_any_byte_of_the_manifest_is_found_by_name(repo: Path, finished: Path) -> None:
    path = finished / "manifest.json"
    good = path.read_bytes()
    for at in range(0, len(good), 3):
        path.write_bytes(good[:at] + bytes([good[at] ^ (1 << at % 8)]) + good[at + 1 :])
        report = verify(repo)
        assert report.exit_code == 1, at
        assert any(place == f"{PLACE}/manifest.json" for _, place in found(report)), at
    path.write_bytes(good)
    assert verify(repo).exit_code == 0


@pytest.mark.parametrize("change", [b"", b"{}", b"cut"])
def test_a_cut_or_emptied_manifest_is_found(change: bytes, repo: Path, finished: Path) -> None:
    data = (finished / "manifest.json").read_bytes()
    (finished / "manifest.json").write_bytes(data[:-5] if change == b"cut" else change)
    assert ("manifest-damaged", f"{PLACE}/manifest.json") in found(verify(repo))


def test_a_manifest_that_was_rewritten_with_matching_hashes_is_found_by_the_log(
    repo: Path, finished: Path
) -> None:
    (finished / "plan.json").write_bytes(b"{}")
    document = json.loads((finished / "manifest.json").read_bytes())
    document["artifacts"][0] |= {"sha256": sha256_hex(b"{}"), "bytes": 2}
    (finished / "manifest.json").write_bytes(canonical_bytes(document))
    FileRunStore(repo).rebuild(TASK)
    assert found(verify(repo)) == {("manifest-changed", f"{PLACE}/manifest.json")}


def test_a_missing_an_extra_and_a_linked_file_are_found(repo: Path, finished: Path) -> None:
    (finished / "plan.json").unlink()
    (finished / "new.txt").write_bytes(b"")
    (finished / "diff.patch").rename(repo / "diff.patch")
    (finished / "diff.patch").symlink_to(repo / "diff.patch")
    (finished / "way-out").symlink_to("/")
    os.mkfifo(finished / "pipe")
    assert found(verify(repo)) == {
        ("artifact-missing", f"{PLACE}/plan.json"),
        ("file-not-listed", f"{PLACE}/new.txt"),
        ("not-a-file", f"{PLACE}/diff.patch"),
        ("not-a-file", f"{PLACE}/way-out"),
        ("not-a-file", f"{PLACE}/pipe"),
    }


def test_a_file_name_that_is_no_text_is_shown_escaped(repo: Path, finished: Path) -> None:
    (finished / os.fsdecode(b"odd\xff")).write_bytes(b"")
    report = verify(repo)
    assert ("file-not-listed", f"{PLACE}/odd\\udcff") in found(report)
    assert report.model_dump_json().encode()


def test_a_state_that_says_otherwise_is_found(repo: Path, finished: Path) -> None:
    path = repo / "out" / TASK / "state.json"
    path.write_text(path.read_text().replace('"approved"', '"failed"'))
    assert found(verify(repo)) == {("state-differs", f"out/{TASK}/state.json")}
    path.write_text("{")
    assert found(verify(repo)) == {("state-damaged", f"out/{TASK}/state.json")}
    path.unlink()
    assert found(verify(repo)) == {("state-missing", f"out/{TASK}/state.json")}
    FileRunStore(repo).rebuild(TASK)
    assert verify(repo).exit_code == 0


def test_a_finished_manifest_without_its_record_is_found_and_completed(repo: Path) -> None:
    store, audit = FileRunStore(repo), FileAuditLog(repo, clock=Ticking())
    store.create(TASK, RUN)
    manifest = make_manifest(state=RunState.FINISHED)
    store.summarize(manifest, store.save(manifest))
    assert found(verify(repo)) == {("manifest-unlogged", f"{PLACE}/manifest.json")}
    close_run(store.load(RUN), store=store, audit=audit)
    close_run(store.load(RUN), store=store, audit=audit)
    assert verify(repo).exit_code == 0
    assert audit.check().records == 1


@pytest.mark.parametrize(
    ("state", "note"),
    [
        (RunState.RUNNING, "no process works on it"),
        (RunState.WAITING, "waits for an approval"),
        (RunState.INTERRUPTED, "was interrupted"),
    ],
)
def test_a_run_that_is_not_finished_is_not_checked(state: RunState, note: str, repo: Path) -> None:
    store = FileRunStore(repo)
    store.create(TASK, RUN)
    store.save(make_manifest(state=state))
    report = verify(repo)
    assert report.exit_code == 3
    assert note in report.runs[0].note


def test_a_run_in_progress_says_so(repo: Path) -> None:
    store = FileRunStore(repo)
    store.create(TASK, RUN)
    store.save(make_manifest())
    with lock_task(repo, TASK, holder=RUN, operation="run", clock=Ticking()):
        assert "is in progress" in verify(repo).runs[0].note


def test_a_run_that_is_being_finished_is_not_called_damaged(repo: Path) -> None:
    store = FileRunStore(repo)
    store.create(TASK, RUN)
    with lock_task(repo, TASK, holder=RUN, operation="run", clock=Ticking()):
        store.save(make_manifest(state=RunState.FINISHED))
        assert verify(repo).exit_code == 3


def test_an_empty_run_folder_is_not_checked_and_no_damage(repo: Path) -> None:
    folder = FileRunStore(repo).create(TASK, RUN)
    (folder / ".manifest.json.tmp.123").write_bytes(b"half")
    report = verify(repo)
    assert report.exit_code == 3
    assert "empty folder" in report.runs[0].note


def test_a_changed_artifact_of_an_unfinished_run_is_found(repo: Path) -> None:
    store = FileRunStore(repo)
    folder = store.create(TASK, RUN)
    plan = store.artifact(make_manifest(), "plan.json", b"{}", kind="plan")
    store.save(make_manifest(artifacts=(plan,)))
    (folder / "later.log").write_bytes(b"")
    assert verify(repo).exit_code == 3
    (folder / "plan.json").write_bytes(b"[]")
    assert found(verify(repo)) == {("artifact-changed", f"{PLACE}/plan.json")}


def test_a_run_folder_that_is_gone_is_found(repo: Path, finished: Path) -> None:
    finish_run(repo, "20261122t201500z-0000")
    for path in sorted(finished.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert ("run-gone", PLACE) in found(verify(repo))
    finished.rmdir()
    assert found(verify(repo)) == {("run-gone", PLACE)}


def test_a_log_that_was_written_anew_is_found_by_the_anchor(repo: Path, finished: Path) -> None:
    digest = FileRunStore(repo).stored(TASK, RUN).summary
    assert digest is not None
    for path in (repo / "out").glob("audit*"):
        path.unlink()
    anew = FileAuditLog(repo, clock=lambda: "2026-11-23T00:00:00.000Z")
    anew.append("run-started", task_id=TASK, run_id=RUN)
    anew.append(
        "run-finished",
        task_id=TASK,
        run_id=RUN,
        details={"manifest_sha256": digest.manifest_sha256},
    )
    assert found(verify(repo)) == {("audit-anchor", "out/audit.log")}


def test_a_damaged_log_fails_the_verification(repo: Path, finished: Path) -> None:
    data = (repo / "out/audit.log").read_bytes()
    (repo / "out/audit.log").write_bytes(data.replace(b"run-started", b"run-stalled"))
    report = verify(repo, RUN)
    assert report.exit_code == 1
    assert ("audit-damaged", "out/audit.log") in found(report)
