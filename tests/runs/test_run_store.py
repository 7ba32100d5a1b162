import json
import os
import resource
import signal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_orchestrator.model.canonical import canonical_bytes, sha256_hex
from codex_orchestrator.model.errors import InputError, LockedError, ServiceError
from codex_orchestrator.model.run import RunState
from codex_orchestrator.model.versions import NewerSchemaError
from codex_orchestrator.runs.store import FileRunStore, new_run_id
from support.runs_build import RUN, make_manifest

TASK = "0007-logging"
OTHER = "20261122t191501z-0000"


def test_run_ids_sort_by_time() -> None:
    early = new_run_id(lambda: "2026-11-22T19:15:00.123Z", "ffff")
    late = new_run_id(lambda: "2026-11-22T19:15:01.000Z", "0000")
    assert early == "20261122t191500z-ffff"
    assert early < late


def test_a_clock_of_another_form_makes_no_run_id() -> None:
    with pytest.raises(ValueError, match="not a run id"):
        new_run_id(lambda: "yesterday", "ffff")


def test_the_manifest_on_disk_is_its_canonical_bytes_and_its_hash_is_the_files(
    store: FileRunStore,
) -> None:
    folder = store.create(TASK, RUN)
    digest = store.save(make_manifest())
    data = (folder / "manifest.json").read_bytes()
    assert sha256_hex(data) == digest
    assert canonical_bytes(json.loads(data)) == data


def test_a_saved_manifest_is_loaded_as_it_was(store: FileRunStore) -> None:
    store.create(TASK, RUN)
    store.save(make_manifest())
    assert store.load(RUN) == make_manifest()


def test_run_folders_are_private(store: FileRunStore, repo: Path) -> None:
    folder = store.create(TASK, RUN)
    for place in (repo / ".runs", folder.parent, folder):
        assert place.stat().st_mode & 0o777 == 0o700


def test_a_run_is_created_once(store: FileRunStore) -> None:
    store.create(TASK, RUN)
    with pytest.raises(InputError, match="exists"):
        store.create(TASK, RUN)


@pytest.mark.parametrize("bad", ["../x", "a/b", "", "A", "a..b", ".hidden", "x" * 65, "con", "a\n"])
def test_an_id_that_is_none_makes_no_path(bad: str, store: FileRunStore) -> None:
    with pytest.raises(InputError):
        store.create(bad, RUN)
    with pytest.raises(InputError):
        store.create(TASK, bad)


@pytest.mark.parametrize("name", ["catalog", "audit", "audit.log", "a.lock", "a.lock.json"])
def test_a_task_cannot_have_the_name_of_a_file_of_ours(name: str, store: FileRunStore) -> None:
    with pytest.raises(InputError, match="reserved name"):
        store.create(name, RUN)


@given(st.text(max_size=80))
def test_no_text_leads_out_of_the_runs_folder(text: str) -> None:
    paths = FileRunStore(Path("/nowhere")).paths
    try:
        folder = paths.run_folder(text, RUN)
    except InputError:
        return
    assert Path(os.path.normpath(folder)).parent.parent == Path("/nowhere/.runs")


def test_a_link_in_place_of_runs_is_refused(store: FileRunStore, repo: Path) -> None:
    (repo / "elsewhere").mkdir()
    (repo / ".runs").symlink_to(repo / "elsewhere")
    for use in (lambda: store.create(TASK, RUN), store.list, lambda: store.find(RUN)):
        with pytest.raises(InputError, match="symbolic link"):
            use()
    assert os.listdir(repo / "elsewhere") == []


def test_a_runs_folder_that_others_can_write_is_refused(store: FileRunStore, repo: Path) -> None:
    (repo / ".runs").mkdir()
    (repo / ".runs").chmod(0o777)
    with pytest.raises(InputError, match="other users"):
        store.create(TASK, RUN)


def test_a_run_is_found_by_the_beginning_of_its_id(store: FileRunStore) -> None:
    folder = store.create(TASK, RUN)
    assert store.find("20261122t1915") == folder
    assert store.find(f"{TASK}/2026") == folder


def test_a_beginning_that_fits_several_runs_names_them(store: FileRunStore) -> None:
    store.create(TASK, RUN)
    store.create("other", OTHER)
    with pytest.raises(InputError, match=rf"{TASK}/{RUN}, other/{OTHER}"):
        store.find("2026")


def test_an_unknown_run_is_said_to_be_unknown(store: FileRunStore) -> None:
    with pytest.raises(InputError, match="no run"):
        store.find("2027")


def test_a_damaged_run_is_listed_with_its_problem(store: FileRunStore) -> None:
    folder = store.create(TASK, RUN)
    store.save(make_manifest())
    (folder / "manifest.json").write_bytes(b'{"schema":')
    store.create(TASK, OTHER)
    store.save(make_manifest(OTHER))
    damaged, good = store.list()
    assert "line 1" in damaged.problem
    assert damaged.summary is None
    assert good.summary is not None


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":1,"a":2}',
        b'{"a":NaN}',
        b"[]",
        b"\xff",
        b'{"schema":"run-manifest.v2"}',
        b"[" * 100,
        b"",
        b'{"a":1.0}',
        b'{"a":9007199254740993}',
    ],
)
def test_a_manifest_that_is_not_strict_json_is_refused_by_name(
    data: bytes, store: FileRunStore
) -> None:
    folder = store.create(TASK, RUN)
    (folder / "manifest.json").write_bytes(data)
    with pytest.raises(InputError, match=r"manifest\.json"):
        store.load(RUN)


def test_a_manifest_that_was_laid_out_by_hand_is_refused(store: FileRunStore) -> None:
    folder = store.create(TASK, RUN)
    store.save(make_manifest())
    document = json.loads((folder / "manifest.json").read_bytes())
    (folder / "manifest.json").write_text(json.dumps(document, indent=2))
    with pytest.raises(InputError, match="canonical"):
        store.load(RUN)


def test_a_manifest_in_the_folder_of_another_run_is_refused(store: FileRunStore) -> None:
    folder = store.create(TASK, RUN)
    store.save(make_manifest())
    other = store.create(TASK, OTHER)
    (folder / "manifest.json").rename(other / "manifest.json")
    with pytest.raises(InputError, match=f"is of run {TASK}/{RUN}"):
        store.load(OTHER)


def test_a_manifest_of_a_newer_version_is_never_written_over(store: FileRunStore) -> None:
    folder = store.create(TASK, RUN)
    newer = canonical_bytes({"schema": "run-manifest.v3", "new": [1]})
    (folder / "manifest.json").write_bytes(newer)
    with pytest.raises(NewerSchemaError, match=r"run-manifest\.v3"):
        store.save(make_manifest())
    assert (folder / "manifest.json").read_bytes() == newer


def test_a_lower_attempt_cannot_write_over_a_higher_one(store: FileRunStore) -> None:
    store.create(TASK, RUN)
    digest = store.save(make_manifest(attempt=2))
    with pytest.raises(LockedError, match="taken over by attempt 2"):
        store.save(make_manifest(attempt=1))
    assert sha256_hex(store.read(RUN)[0]) == digest


def test_a_finished_manifest_does_not_change(store: FileRunStore) -> None:
    store.create(TASK, RUN)
    store.save(make_manifest(state=RunState.FINISHED))
    store.save(make_manifest(state=RunState.FINISHED))
    with pytest.raises(InputError, match="finished"):
        store.save(make_manifest())


def test_a_finished_run_takes_no_more_artifacts(store: FileRunStore) -> None:
    store.create(TASK, RUN)
    manifest = make_manifest(state=RunState.FINISHED)
    store.save(manifest)
    with pytest.raises(InputError, match="finished"):
        store.artifact(manifest, "late.txt", b"", kind="log")


def test_an_artifact_has_the_facts_of_its_file(store: FileRunStore) -> None:
    folder = store.create(TASK, RUN)
    artifact = store.artifact(make_manifest(), "tests/junit.xml", b"<x/>", kind="junit")
    assert (folder / artifact.path).read_bytes() == b"<x/>"
    assert (artifact.path, artifact.bytes) == ("tests/junit.xml", 4)
    assert artifact.sha256 == sha256_hex(b"<x/>")


@pytest.mark.parametrize(
    "name", ["../x", "/etc/x", "manifest.json", "a//b", "./a", ".hidden", "a/.b", "", "a\\b", "a\0"]
)
def test_an_artifact_stays_in_its_run_folder(name: str, store: FileRunStore) -> None:
    store.create(TASK, RUN)
    with pytest.raises(InputError, match="artifact name"):
        store.artifact(make_manifest(), name, b"", kind="log")


def test_registering_a_file_that_stands_there_hashes_it(store: FileRunStore) -> None:
    folder = store.create(TASK, RUN)
    (folder / "log").write_bytes(b"12")
    for path in (Path("log"), folder / "log"):
        assert store.register(make_manifest(), path, kind="log").sha256 == sha256_hex(b"12")


def test_registering_something_else_is_refused(store: FileRunStore, repo: Path) -> None:
    folder = store.create(TASK, RUN)
    (repo / "secret").write_bytes(b"12")
    (folder / "link").symlink_to(repo / "secret")
    (folder / "folder").symlink_to(repo)
    for path in ("link", "missing", repo / "secret", "folder/secret", "../../../secret"):
        with pytest.raises(InputError):
            store.register(make_manifest(), Path(path), kind="log")


def test_the_state_lists_runs_in_the_order_of_their_start(store: FileRunStore) -> None:
    for run_id, start in ((OTHER, "2026-11-22T19:15:01.000Z"), (RUN, "2026-11-22T19:15:00.000Z")):
        store.create(TASK, run_id)
        manifest = make_manifest(run_id, started_at=start)
        store.summarize(manifest, store.save(manifest))
    state = store.state(TASK)
    assert [run.run_id for run in state.runs] == [RUN, OTHER]
    assert state.last_run_at == "2026-11-22T19:15:01.000Z"


def test_the_same_run_twice_changes_nothing_in_the_state(store: FileRunStore, repo: Path) -> None:
    store.create(TASK, RUN)
    digest = store.save(make_manifest())
    store.summarize(make_manifest(), digest)
    before = (repo / "out" / TASK / "state.json").read_bytes()
    store.summarize(make_manifest(), digest)
    assert (repo / "out" / TASK / "state.json").read_bytes() == before


def test_the_state_is_rebuilt_from_the_manifests(store: FileRunStore, repo: Path) -> None:
    for run_id in (RUN, OTHER):
        store.create(TASK, run_id)
        manifest = make_manifest(run_id)
        store.summarize(manifest, store.save(manifest))
    state = store.state(TASK)
    (repo / "out" / TASK / "state.json").unlink()
    assert store.rebuild(TASK) == state
    assert store.state(TASK) == state


def test_a_damaged_state_is_rebuilt_when_a_run_is_added(store: FileRunStore, repo: Path) -> None:
    for run_id in (RUN, OTHER):
        store.create(TASK, run_id)
        manifest = make_manifest(run_id)
        store.summarize(manifest, store.save(manifest))
    (repo / "out" / TASK / "state.json").write_bytes(b"{")
    store.summarize(manifest, store.save(manifest))
    assert len(store.state(TASK).runs) == 2


def test_a_state_of_a_newer_version_is_not_overwritten(store: FileRunStore, repo: Path) -> None:
    store.create(TASK, RUN)
    digest = store.save(make_manifest())
    store.summarize(make_manifest(), digest)
    path = repo / "out" / TASK / "state.json"
    path.write_bytes(b'{"schema":"task-state.v9"}')
    with pytest.raises(NewerSchemaError):
        store.summarize(make_manifest(), digest)
    assert path.read_bytes() == b'{"schema":"task-state.v9"}'


def test_a_file_size_limit_of_the_system_keeps_the_old_manifest_whole(
    store: FileRunStore,
) -> None:
    folder = store.create(TASK, RUN)
    store.save(make_manifest())
    before = os.listdir(folder)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(ServiceError, match="disk full"):
            store.save(make_manifest(attempt=2))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert store.load(RUN) == make_manifest()
    assert os.listdir(folder) == before


def test_finishing_a_run_sweeps_what_a_killed_writer_left(store: FileRunStore) -> None:
    folder = store.create(TASK, RUN)
    (folder / f".manifest.json.tmp.{2**22 + 1}").write_bytes(b"half")
    store.save(make_manifest(state=RunState.FINISHED))
    assert os.listdir(folder) == ["manifest.json"]
