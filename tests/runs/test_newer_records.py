"""What a newer version wrote is refused by name, by every reader, and stays byte for byte."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from codex_orchestrator.model.canonical import canonical_bytes, sha256_hex
from support.old_records import bytes_of, restore_records, run_of
from support.project import CommandLine, git

FIX = "update codex-orchestrator-toolkit"
CATALOG = "file://out/catalog"
URL = ("--url", "https://github.example/18")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    repo = restore_records("v1-offline", tmp_path / "repo")
    (repo / ".runs/killed.lock.json").unlink()
    return repo


def renumber(path: Path, number: int) -> None:
    """Give a JSON document the schema of another version, and a field that nobody knows here."""
    fields = json.loads(path.read_bytes())
    name = fields.get("schema", "audit-head.v1").rpartition(".v")[0]
    path.write_bytes(canonical_bytes({**fields, "schema": f"{name}.v{number}", "more": [1]}))


def append_newer_line(repo: Path) -> None:
    line = canonical_bytes({"schema": "audit-record.v3", "seq": 28})
    with (repo / "out/audit.log").open("ab") as stream:
        stream.write(line + b"\n")


def manifest_of(repo: Path, task: str) -> Path:
    return repo / ".runs" / task / run_of(repo, task) / "manifest.json"


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (("runs", "show", "RUN"), 2),
        (("runs", "verify", "RUN"), 3),
        (("runs", "rebuild", "waiting"), 2),
        (("review", "publish", "RUN"), 2),
        (("run", "--resume", "RUN", "--approve", "edit:tests/conftest.py"), 2),
        (("sync", "RUN"), 3),
    ],
)
def test_every_reader_refuses_a_newer_manifest(
    repo: Path, call: CommandLine, argv: tuple[str, ...], code: int
) -> None:
    renumber(manifest_of(repo, "waiting"), 3)
    before = bytes_of(repo)
    words = [run_of(repo, "waiting") if word == "RUN" else word for word in argv]
    done = call(*words, "--repo", str(repo))
    said = done.out + done.err
    assert done.code == code, said
    assert "waiting" in said
    assert "manifest.json" in said
    assert "run-manifest.v3" in said
    assert "run-manifest.v2" in said
    assert FIX in said
    assert bytes_of(repo) == before


def test_one_newer_run_does_not_hide_the_others(repo: Path, call: CommandLine) -> None:
    renumber(manifest_of(repo, "waiting"), 3)
    at = ("--repo", str(repo), "--format", "json")
    listed = {run["task_id"]: run for run in json.loads(call("runs", "list", *at).out)["runs"]}
    assert {task for task, run in listed.items() if run["summary"] is None} == {"waiting"}
    assert "run-manifest.v3" in listed["waiting"]["problem"]
    assert listed["waiting"]["is_newer"]
    text = call("runs", "list", "--repo", str(repo)).out
    assert "cannot be read: " in text
    assert "damaged" not in text
    verified = json.loads(call("runs", "verify", *at).out)
    outcomes = {run["task_id"]: run["outcome"] for run in verified["runs"]}
    assert outcomes["waiting"] == "not-checked"
    assert [task for task, found in outcomes.items() if found == "passed"] == [
        "approved",
        "failed",
        "resumed",
    ]


def test_a_newer_run_that_has_finished_is_not_missing_for_the_log(
    repo: Path, call: CommandLine
) -> None:
    renumber(manifest_of(repo, "failed"), 3)
    done = call("runs", "verify", "--repo", str(repo))
    assert done.code == 3
    assert "run-gone" not in done.out


def test_a_newer_run_is_never_removed(repo: Path, call: CommandLine) -> None:
    renumber(manifest_of(repo, "failed"), 3)
    words = ("--keep", "0", "--unsynced", "--unfinished", "--delete")
    done = call("runs", "gc", *words, "--repo", str(repo))
    assert done.code == 0, done.err
    assert manifest_of(repo, "failed").is_file()
    assert "run-manifest.v3" in done.err
    assert not (repo / ".runs/approved").is_dir() or not list((repo / ".runs/approved").iterdir())


def test_sync_sends_the_others_and_says_that_one_is_newer(repo: Path, call: CommandLine) -> None:
    renumber(manifest_of(repo, "failed"), 3)
    done = call("sync", "--repo", str(repo), "--format", "json")
    report = json.loads(done.out)
    assert done.code == 3
    assert [run["task_id"] for run in report["synced"]] == ["resumed"]
    assert [(run["task_id"], run["kind"]) for run in report["failed"]] == [("failed", "schema")]


def newer_state(repo: Path) -> Path:
    path = repo / "out/approved/state.json"
    renumber(path, 2)
    return path


def newer_state_of_a_waiting_run(repo: Path) -> Path:
    path = repo / "out/waiting/state.json"
    renumber(path, 2)
    return path


def newer_receipt(repo: Path) -> Path:
    (path,) = (repo / "out/approved/artifacts").iterdir()
    renumber(path, 2)
    return path


def newer_head(repo: Path) -> Path:
    path = repo / "out/audit.head.json"
    renumber(path, 3)
    return path


def newer_line(repo: Path) -> Path:
    append_newer_line(repo)
    return repo / "out/audit.log"


def newer_line_alone(repo: Path) -> Path:
    (repo / "out/audit.head.json").unlink()
    return newer_line(repo)


def newer_holder(repo: Path) -> Path:
    path = repo / ".runs/approved.lock.json"
    path.write_bytes(b'{"schema":"lock-holder.v2"}')
    renumber(path, 3)
    return path


@pytest.mark.parametrize(
    ("make", "argv"),
    [
        (newer_state, ("run", "approved")),
        (newer_state_of_a_waiting_run, ("run", "--resume", "WAITING")),
        (newer_state, ("runs", "rebuild")),
        (newer_state, ("runs", "gc", "--keep", "0", "--unsynced", "--delete")),
        (
            newer_receipt,
            (*("sync", "record-artifact", "RUN", "--id", "18", "--digest", "b" * 64), *URL),
        ),
        (newer_head, ("run", "approved")),
        (newer_head, ("audit", "verify")),
        (newer_line, ("run", "approved")),
        (newer_line, ("audit", "verify")),
        (newer_line, ("audit", "show")),
        (newer_line, ("runs", "verify")),
        (newer_line, ("sync",)),
        (newer_line, ("runs", "gc", "--keep", "0", "--unsynced", "--delete")),
        (newer_line_alone, ("run", "approved")),
        (newer_holder, ("run", "approved")),
        (newer_holder, ("runs", "rebuild", "approved")),
    ],
    ids=lambda value: getattr(value, "__name__", None) or " ".join(value[:3]),
)
def test_a_newer_document_is_refused_and_left_untouched(
    repo: Path, call: CommandLine, make: Callable[[Path], Path], argv: tuple[str, ...]
) -> None:
    path = make(repo)
    before = bytes_of(repo)
    named = {"RUN": run_of(repo, "approved"), "WAITING": run_of(repo, "waiting")}
    done = call(*(named.get(word, word) for word in argv), "--repo", str(repo))
    assert done.code == 2, done.out + done.err
    assert path.name in done.err
    assert FIX in done.err
    assert "reads up to" in done.err
    assert bytes_of(repo) == before


def test_a_run_is_not_verified_against_a_newer_state(repo: Path, call: CommandLine) -> None:
    newer_state(repo)
    done = call("runs", "verify", run_of(repo, "approved"), "--repo", str(repo))
    assert done.code == 3
    assert "task-state.v2" in done.out


def test_a_newer_asset_in_the_catalog_is_refused_by_name(repo: Path, call: CommandLine) -> None:
    (path,) = (repo / "out/catalog/learning").glob("*/*.json")
    renumber(path, 2)
    done = call("catalog", "search", "--catalog", CATALOG, "--repo", str(repo))
    assert done.code == 2, done.err
    assert path.name in done.err
    assert "learning-asset.v2" in done.err


@pytest.mark.parametrize("folder", ["runs", "learning"])
def test_what_a_newer_version_put_into_the_catalog_stays(
    repo: Path, call: CommandLine, folder: str
) -> None:
    (path,) = (repo / "out/catalog" / folder).rglob("*.json")
    renumber(path, 2)
    (receipt,) = (repo / "out/approved/receipts").iterdir()
    receipt.unlink()
    before = path.read_bytes()
    done = call("sync", run_of(repo, "approved"), "--repo", str(repo), "--format", "json")
    (failure,) = json.loads(done.out)["failed"]
    assert (done.code, failure["kind"]) == (3, "schema")
    assert path.name in failure["reason"]
    assert FIX in failure["fix"]
    assert path.read_bytes() == before


def test_work_that_a_newer_version_packed_is_refused_by_name(
    tmp_path: Path, repo: Path, call: CommandLine
) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "--no-local", "--single-branch", str(repo), str(clone))
    shutil.copytree(repo / ".runs/interrupted", clone / ".runs/interrupted")
    path = manifest_of(clone, "interrupted")
    path.write_bytes(path.read_bytes().replace(b'"kind":"work"', b'"kind":"work-pack.v2"'))
    before, digest = bytes_of(clone), sha256_hex(path.read_bytes())
    run_id = run_of(clone, "interrupted")
    done = call("run", "--resume", run_id, "--manifest-sha256", digest, "--repo", str(clone))
    assert done.code == 2, done.err
    assert "work-pack.v2" in done.err
    assert FIX in done.err
    assert bytes_of(clone).items() >= before.items()
