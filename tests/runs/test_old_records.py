"""What older versions wrote is read as it stands: its bytes and hashes do not change."""

import functools
import json
import shutil
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_orchestrator.model.canonical import canonical_bytes, sha256_hex
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.schemas import schema_documents
from codex_orchestrator.model.versions import MIGRATIONS
from codex_orchestrator.runs.documents import manifest_bytes, parse_manifest
from support.old_records import OLD_RECORDS, RECORDS, bytes_of, restore_records, run_of
from support.project import CommandLine, git


@pytest.fixture
def offline(tmp_path: Path) -> Path:
    return restore_records("v1-offline", tmp_path / "repo")


@pytest.mark.parametrize("name", OLD_RECORDS)
def test_reading_old_records_changes_no_byte(tmp_path: Path, call: CommandLine, name: str) -> None:
    repo = restore_records(name, tmp_path / "repo")
    before, at = bytes_of(repo), ("--repo", str(repo))
    assert call("runs", "list", *at).code == 0
    for folder in repo.glob(".runs/*/2*"):
        assert call("runs", "show", folder.name, *at).code == 0
    assert call("audit", "verify", *at).code == 0
    verified = json.loads(call("runs", "verify", *at, "--format", "json").out)
    assert {run["outcome"] for run in verified["runs"]} <= {"passed", "not-checked"}
    assert bytes_of(repo) == before


def test_the_cloud_tasks_of_an_old_run_are_those_that_its_items_were_sent_as(
    tmp_path: Path,
) -> None:
    repo = restore_records("v1-cloud", tmp_path / "repo")
    path = repo / ".runs" / "logging" / run_of(repo, "logging") / "manifest.json"
    (task,) = parse_manifest(path.read_bytes(), source=path).cloud
    assert (task.item, task.number) == ("one", 1)
    assert task.task_id == "task_e_00000000000000000000000000000001"


@pytest.mark.parametrize("items", [[], [{"id": "one"}], [{"id": "one", "submissions": []}]])
def test_an_old_run_that_sent_nothing_has_no_cloud_task(items: list[dict[str, object]]) -> None:
    assert MIGRATIONS["run-manifest.v1"]({"items": items})["cloud"] == []


def test_show_says_that_an_old_run_recorded_no_sandbox(offline: Path, call: CommandLine) -> None:
    done = call("runs", "show", run_of(offline, "approved"), "--repo", str(offline))
    assert "check     passed  python -m pytest" in done.out
    assert "(exit code only; sandbox not recorded)" in done.out


@pytest.mark.parametrize("task", ["waiting", "interrupted", "killed"])
def test_an_old_run_is_resumed(offline: Path, call: CommandLine, task: str) -> None:
    # The killed run's record names a process on another machine.
    (offline / ".runs" / "killed.lock.json").unlink()
    grant = ("--approve", "edit:tests/conftest.py") if task == "waiting" else ()
    run_id, at = run_of(offline, task), ("--repo", str(offline))
    done = call("run", "--resume", run_id, *grant, *at)
    assert done.code == 0, done.err
    assert call("runs", "verify", run_id, *at).code == 0


def test_the_work_of_an_old_run_is_taken_out_of_its_folder_elsewhere(
    tmp_path: Path, offline: Path, call: CommandLine
) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "--no-local", "--single-branch", str(offline), str(clone))
    shutil.copytree(offline / ".runs/interrupted", clone / ".runs/interrupted")
    run_id = run_of(clone, "interrupted")
    data = (clone / ".runs/interrupted" / run_id / "manifest.json").read_bytes()
    vouched = ("--manifest-sha256", sha256_hex(data), "--repo", str(clone))
    done = call("run", "--resume", run_id, *vouched)
    assert done.code == 0, done.err
    assert "took the work of run" in done.err


def test_an_old_run_becomes_one_of_this_version_when_it_goes_on(
    offline: Path, call: CommandLine
) -> None:
    run_id = run_of(offline, "waiting")
    path = offline / ".runs/waiting" / run_id / "manifest.json"
    done = call("run", "--resume", run_id, "--repo", str(offline))
    assert done.code == 6, done.err
    after = json.loads(path.read_bytes())
    assert (after["schema"], after["run"]["attempt"]) == ("run-manifest.v2", 2)
    assert [one["kind"] for one in after["artifacts"]].count("work-pack.v1") == 1


def test_an_old_run_that_has_finished_keeps_its_bytes_when_it_is_resumed(
    offline: Path, call: CommandLine
) -> None:
    before = bytes_of(offline)
    run_id = run_of(offline, "approved")
    done = call("run", "--resume", run_id, "--repo", str(offline), "--format", "json")
    assert done.code == 0, done.err
    path = f".runs/approved/{run_id}/manifest.json"
    assert json.loads(done.out)["manifest_sha256"] == sha256_hex(before[path])
    after = bytes_of(offline)
    assert {name for name in before if before[name] != after[name]} <= {"out/approved/state.json"}


def test_an_old_run_is_sent_with_the_bytes_that_it_has(offline: Path, call: CommandLine) -> None:
    before, at = bytes_of(offline), ("--repo", str(offline))
    run_id = run_of(offline, "resumed")
    done = call("sync", *at, "--format", "json")
    assert done.code == 0, done.err
    sent = {one["run_id"]: one for one in json.loads(done.out)["synced"]}
    there = (offline / "out/catalog" / sent[run_id]["key"]).read_bytes()
    assert there == before[f".runs/resumed/{run_id}/manifest.json"]
    assert sent[run_id]["manifest_sha256"] == sha256_hex(there)
    assert json.loads(call("sync", *at, "--format", "json").out)["synced"] == []
    assert call("runs", "verify", run_id, *at).code == 0


def test_the_review_of_an_old_run_names_the_hash_of_its_file(
    offline: Path, call: CommandLine
) -> None:
    run_id = run_of(offline, "approved")
    digest = sha256_hex((offline / f".runs/approved/{run_id}/manifest.json").read_bytes())
    done = call("review", "publish", run_id, "--staged-only", "--repo", str(offline))
    assert done.code == 0, done.err
    assert digest in done.out


def test_records_of_two_versions_make_one_chain(offline: Path, call: CommandLine) -> None:
    at = ("--repo", str(offline))
    assert call("sync", *at).code == 0
    schemas = [
        json.loads(line).get("schema") for line in bytes_of(offline)["out/audit.log"].splitlines()
    ]
    assert schemas[0] is None
    assert schemas[-1] == "audit-record.v2"
    assert call("audit", "verify", *at).code == 0


MANIFESTS = sorted(RECORDS.glob("*/runs/*/*/manifest.json"))
SCHEMAS = Path(__file__).parents[2] / "schemas"


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.parts[-3])
def test_an_old_manifest_is_migrated_to_bytes_that_stay(path: Path) -> None:
    data = path.read_bytes()
    jsonschema.validate(
        json.loads(data), json.loads((SCHEMAS / "run-manifest.v1.json").read_bytes())
    )
    kept = json.loads(migrated(path))
    manifest_schema().validate(kept)
    again = parse_manifest(migrated(path), source=path)
    assert manifest_bytes(again) == migrated(path)
    for name, value in json.loads(data).items():
        if name not in ("schema", "usage", "artifacts", "validations"):
            assert kept[name] == value, name
    assert kept["baseline"] is kept["setup"] is None, "nobody recorded them"


@functools.cache
def manifest_schema() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(schema_documents()["run-manifest.v2"])


@functools.cache
def migrated(path: Path) -> bytes:
    return manifest_bytes(parse_manifest(path.read_bytes(), source=path))


def places(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return where the objects of a document are."""
    if isinstance(value, dict):
        inner = [place for name, one in value.items() for place in places(one, (*path, name))]
        return [path, *inner]
    if isinstance(value, list):
        return [place for n, one in enumerate(value) for place in places(one, (*path, n))]
    return []


@settings(max_examples=50)
@given(st.data())
def test_a_field_that_nobody_knows_is_refused_wherever_it_stands(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(MANIFESTS))
    document = json.loads(migrated(path))
    place = data.draw(st.sampled_from(places(document)))
    target = document
    for name in place:
        target = target[name]
    target["nobody-knows"] = data.draw(st.sampled_from([0, None, "", []]))
    with pytest.raises(InputError, match="nobody-knows"):
        parse_manifest(canonical_bytes(document), source=path)
    assert not manifest_schema().is_valid(document)


@pytest.mark.parametrize("name", ["cost_micro_usd", "cached_tokens"])
@pytest.mark.parametrize("value", [0.5, -1, "1", True])
def test_what_is_counted_is_a_whole_number_or_not_known(name: str, value: object) -> None:
    path = MANIFESTS[0]
    document = json.loads(migrated(path))
    assert document["usage"][name] is None
    document["usage"][name] = value
    with pytest.raises(InputError, match=name):
        parse_manifest(canonical_bytes(document), source=path)


@pytest.mark.parametrize(
    "damage",
    [{"artifacts": {"a": 1}}, {"artifacts": None}, {"baseline": None}, {"delivery": []}],
)
def test_an_old_manifest_that_is_damaged_is_refused_and_not_filled_up(
    damage: dict[str, object],
) -> None:
    path = next(RECORDS.glob("v1-offline/runs/approved/*/manifest.json"))
    data = canonical_bytes(json.loads(path.read_bytes()) | damage)
    with pytest.raises(InputError, match=next(iter(damage))):
        parse_manifest(data, source="manifest.json")
