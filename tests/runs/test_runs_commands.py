"""The commands `runs` and `audit`, as a user calls them."""

import json
from pathlib import Path

import pytest

from codex_orchestrator.catalog.object_store import open_object_store
from codex_orchestrator.model.run import RunState
from codex_orchestrator.runs.store import FileRunStore
from codex_orchestrator.verbs.sync_runs import SyncRequest, sync_runs
from support.project import CommandLine
from support.runs_build import RUN, Ticking, finish_run, make_manifest, records_of

TASK = "0007-logging"
OTHER = "20261122t201500z-0000"
URL = "file://out/catalog"


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str], repo: Path) -> CommandLine:
    line = CommandLine(capfd)
    return lambda *argv: line(*argv, "--repo", str(repo))  # type: ignore[return-value]


def sync_all(repo: Path) -> None:
    catalog = open_object_store(URL, repo=repo, clock=Ticking())
    assert sync_runs(SyncRequest((), URL), records_of(repo), lambda: catalog).synced


def test_an_empty_repository_has_no_run_and_nothing_verified(call: CommandLine) -> None:
    assert call("runs", "list").code == 0
    done = call("runs", "verify", "--format", "json")
    assert done.code == 3
    assert json.loads(done.out)["outcome"] == "not-checked"


def test_the_list_shows_damaged_runs_too(call: CommandLine, repo: Path, finished: Path) -> None:
    finish_run(repo, OTHER)
    (finished / "manifest.json").write_bytes(b"\x1b[31m")
    out = call("runs", "list").out
    assert "damaged" in out.splitlines()[0]
    assert f"{OTHER}  {TASK}  finished  approved" in out.splitlines()[1]
    assert "\x1b" not in out
    document = json.loads(call("runs", "list", "--format", "json").out)
    assert [run["problem"] == "" for run in document["runs"]] == [False, True]
    assert json.loads(call("runs", "list", "--task", "x", "--format", "json").out)["runs"] == []


def test_show_prints_the_manifest(call: CommandLine, finished: Path) -> None:
    text = call("runs", "show", RUN[:12]).out
    assert "approved" in text
    assert "diff.patch" in text
    document = json.loads(call("runs", "show", RUN, "--format", "json").out)
    assert document == json.loads((finished / "manifest.json").read_bytes())


def test_show_prints_what_a_damaged_manifest_still_says(call: CommandLine, finished: Path) -> None:
    (finished / "manifest.json").write_bytes(b'{"artifacts":3,"run":[],"schema":"run-manifest.v2"}')
    assert call("runs", "show", RUN).code == 0


@pytest.mark.parametrize("command", ["show", "verify"])
def test_an_unknown_run_is_wrong_input(command: str, call: CommandLine, finished: Path) -> None:
    done = call("runs", command, "2027")
    assert done.code == 2
    assert "runs list" in done.err


def test_verify_names_the_file_that_changed(call: CommandLine, finished: Path) -> None:
    assert call("runs", "verify", RUN).code == 0
    (finished / "diff.patch").write_bytes(b"other")
    done = call("runs", "verify", RUN)
    assert done.code == 1
    assert f".runs/{TASK}/{RUN}/diff.patch" in done.out
    report = json.loads(call("runs", "verify", "--format", "json").out)
    assert report["runs"][0]["findings"][0]["rule"] == "artifact-changed"


def test_rebuild_mends_the_state(call: CommandLine, repo: Path, finished: Path) -> None:
    (repo / "out" / TASK / "state.json").write_bytes(b"")
    assert call("runs", "verify").code == 1
    assert call("runs", "rebuild").code == 0
    assert call("runs", "verify").code == 0


def test_gc_asks_which_runs_may_go(call: CommandLine) -> None:
    assert call("runs", "gc").code == 2


def test_gc_removes_only_what_a_catalog_holds_and_only_when_told(
    call: CommandLine, repo: Path, finished: Path
) -> None:
    finish_run(repo, OTHER)
    sync_all(repo)
    finish_run(repo, "20261122t211500z-0000")
    assert OTHER in call("runs", "gc", "--keep", "0").out
    assert finished.exists()
    document = json.loads(call("runs", "gc", "--keep", "0", "--delete", "--format", "json").out)
    assert document["removed"] == [RUN, OTHER]
    assert document["kept"] == {"20261122t211500z-0000": "not synced to a catalog"}
    assert not finished.exists()
    assert call("runs", "verify").code == 0
    assert call("runs", "gc", "--keep", "0", "--unsynced", "--delete").code == 0
    assert json.loads(call("runs", "list", "--format", "json").out)["runs"] == []


def test_gc_keeps_the_newest_the_young_and_the_unfinished(
    call: CommandLine, repo: Path, finished: Path
) -> None:
    store = FileRunStore(repo)
    store.create(TASK, OTHER)
    store.save(make_manifest(OTHER))
    document = json.loads(
        call("runs", "gc", "--keep", "2", "--older-than", "1", "--format", "json").out
    )
    assert document["removed"] == []
    assert document["kept"][OTHER] == "not finished: running"
    assert "2 newest" in document["kept"][RUN]
    young = json.loads(call("runs", "gc", "--older-than", "36500", "--format", "json").out)
    assert "not older than" in young["kept"][RUN]


def test_gc_keeps_a_run_whose_time_cannot_be_read(call: CommandLine, repo: Path) -> None:
    store = FileRunStore(repo)
    store.create(TASK, RUN)
    manifest = make_manifest(state=RunState.FINISHED)
    facts = manifest.run.model_copy(update={"finished_at": "yesterday"})
    store.save(manifest.model_copy(update={"run": facts}))
    done = call("runs", "gc", "--older-than", "0", "--unsynced", "--delete")
    assert done.code == 0
    assert "not older" in done.err


def test_the_audit_log_is_shown_filtered(call: CommandLine, repo: Path, finished: Path) -> None:
    finish_run(repo, OTHER)
    lines = call("audit", "show", "--run", RUN).out.splitlines()
    assert len(lines) == 2
    shown = json.loads(call("audit", "show", "--last", "1", "--format", "json").out)
    assert [record["event"] for record in shown["shown"]] == ["run-finished"]
    assert call("audit", "show", "--event", "nothing").out == ""


def test_audit_verify_says_whether_the_chain_holds(
    call: CommandLine, repo: Path, finished: Path
) -> None:
    assert call("audit", "verify").code == 0
    path = repo / "out/audit.log"
    path.write_bytes(path.read_bytes().replace(b'"seq":0', b'"seq":1'))
    done = call("audit", "verify")
    assert done.code == 1
    assert "out/audit.log:1" in done.out


def test_no_audit_log_is_not_a_pass(call: CommandLine) -> None:
    assert call("audit", "verify").code == 3
