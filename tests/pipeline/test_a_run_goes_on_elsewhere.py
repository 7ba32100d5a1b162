"""A run that stopped goes on in another clone, with as much trust as its folder has earned."""

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from codex_orchestrator.model.canonical import canonical_bytes, sha256_hex
from support.odd_files import ODD, put_in_place_of
from support.project import CommandLine, Outcome, commit_all, git, make_project, task_with, write

TASK = "tasks/logging.md"
PRINT = '{pattern: py-print-to-logging, paths: ["src/**/*.py"]}'
OURS = '{pattern: py-none-comparison, paths: ["src/conftest.py"]}'
THEIRS = '{pattern: py-none-comparison, paths: ["tests/conftest.py"]}'
CONFTEST = "def is_none(x):\n    if x == None:\n        return 1\n"
GRANT = ("--approve", "edit:tests/conftest.py")


class Stopped(NamedTuple):
    """A run that waits: the repository that it stopped in, its id and its manifest's hash."""

    repo: Path
    run_id: str
    sha256: str

    @property
    def folder(self) -> Path:
        return self.repo / ".runs" / "logging" / self.run_id

    @property
    def manifest(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self.folder / "manifest.json").read_bytes())
        return document

    @property
    def pack(self) -> Path:
        (path,) = self.folder.glob("work-*.pack")
        return path


def stop(repo: Path, *more: str, steps: str = f"[{PRINT}, {THEIRS}]") -> Stopped:
    """Start a run that changes a file, then asks for a protected one and waits."""
    files = {"tests/conftest.py": CONFTEST, "src/conftest.py": CONFTEST}
    make_project(repo, **files, **{TASK: task_with(steps=steps)})
    program = [sys.executable, "-m", "codex_orchestrator", "run", str(repo / TASK)]
    done = subprocess.run(
        [*program, *more, "--repo", str(repo)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 6, done.stderr
    return found(repo)


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Stopped:
    """A run that waits. Tests clone it and leave it as it is."""
    return stop(tmp_path_factory.mktemp("waiting") / "here")


@pytest.fixture
def there(waiting: Stopped, tmp_path: Path) -> Stopped:
    """The same run, brought to a clone."""
    return elsewhere(waiting, tmp_path / "there")


@pytest.fixture(scope="module")
def with_approval(tmp_path_factory: pytest.TempPathFactory) -> Stopped:
    """A run that waits for one approval and has used another. Tests clone it."""
    granted = ("--approve", "edit:src/conftest.py")
    repo = tmp_path_factory.mktemp("with-approval") / "here"
    return stop(repo, *granted, steps=f"[{OURS}, {THEIRS}]")


def found(repo: Path) -> Stopped:
    (manifest,) = repo.glob(".runs/logging/*/manifest.json")
    return Stopped(repo, manifest.parent.name, sha256_hex(manifest.read_bytes()))


def elsewhere(stopped: Stopped, folder: Path, *more: str) -> Stopped:
    """Clone the repository and copy the run's folder, and nothing else, into the clone."""
    git(stopped.repo, "clone", "-q", *more, stopped.repo.as_uri(), str(folder))
    copied = folder / ".runs" / "logging" / stopped.run_id
    for place in (folder / ".runs", folder / ".runs" / "logging"):
        place.mkdir(mode=0o700)
    shutil.copytree(stopped.folder, copied)
    return stopped._replace(repo=folder)


def resume(call: CommandLine, run: Stopped, *more: str) -> Outcome:
    words = ("--resume", run.run_id, *more, "--repo", str(run.repo), "--format", "json")
    return call("run", *words)


def vouched(run: Stopped) -> tuple[str, ...]:
    return ("--manifest-sha256", run.sha256)


def forge(stopped: Stopped, **changes: Any) -> None:
    """Write another manifest, as somebody would who may write artifacts and nothing else."""
    document = stopped.manifest
    for name, value in changes.items():
        document[name] = document[name] | value if isinstance(value, dict) else value
    (stopped.folder / "manifest.json").write_bytes(canonical_bytes(document))


def tree_of(run: Stopped, report: dict[str, Any]) -> str:
    return git(run.repo, "rev-parse", f"{report['branch']}^{{tree}}").strip()


def objects(repo: Path) -> set[str]:
    return {path.name for path in (repo / ".git" / "objects").rglob("*") if path.is_file()}


def test_a_waiting_run_ends_in_another_clone_as_it_ends_where_it_was(
    tmp_path: Path, call: CommandLine
) -> None:
    here = stop(tmp_path / "here")
    there = elsewhere(here, tmp_path / "there")
    reports = {}
    for run, words in ((here, ()), (there, vouched(there))):
        done = resume(call, run, *GRANT, *words)
        assert done.code == 0, done.err
        reports[run] = json.loads(done.out)
        assert call("runs", "verify", run.run_id, "--repo", str(run.repo)).code == 0
        assert not list(run.folder.glob("*.pack")), "a finished run has its patch"
    assert tree_of(here, reports[here]) == tree_of(there, reports[there])
    patches = {(run.folder / "diff.patch").read_bytes() for run in (here, there)}
    assert len(patches) == 1
    first, second = there.manifest["items"]
    assert (first["attempt"], second["attempt"]) == (1, 2), "what was done is not done again"


def test_the_work_is_listed_with_its_hash_while_the_run_waits(waiting: Stopped) -> None:
    (listed,) = [one for one in waiting.manifest["artifacts"] if one["kind"] == "work-pack.v1"]
    assert listed["path"] == waiting.pack.name
    assert listed["sha256"] == sha256_hex(waiting.pack.read_bytes())
    assert stat.S_IMODE(waiting.pack.stat().st_mode) == 0o600


def test_a_run_that_waits_prints_what_a_script_needs_to_go_on(
    there: Stopped, call: CommandLine
) -> None:
    done = resume(call, there, *vouched(there))
    assert done.code == 6
    report = json.loads(done.out)
    place = f".runs/logging/{there.run_id}"
    assert report["schema"] == "run-report.v1"
    assert (report["run_id"], report["verdict"]) == (there.run_id, None)
    assert (report["state"], report["exit_code"]) == ("waiting", 6)
    assert report["wanted"] == ["edit:tests/conftest.py"]
    assert "tests/conftest.py" in report["reason"]
    assert report["manifest_sha256"] == found(there.repo).sha256
    assert report["work_path"] == f"{place}/{there.pack.name}"
    said = call("run", "--resume", there.run_id, "--repo", str(there.repo)).out.splitlines()
    assert said == [
        f"run_id: {there.run_id}",
        "state: waiting",
        f"manifest_path: {place}/manifest.json",
        f"manifest_sha256: {found(there.repo).sha256}",
        "wanted: edit:tests/conftest.py",
    ]


def test_asking_again_leaves_one_file_of_the_work_and_the_manifest_names_it(
    there: Stopped, call: CommandLine
) -> None:
    assert resume(call, there, *vouched(there)).code == 6
    listed = [one["path"] for one in there.manifest["artifacts"] if one["kind"] == "work-pack.v1"]
    assert listed == [there.pack.name]


def test_without_the_manifests_hash_approvals_do_not_travel(
    tmp_path: Path, with_approval: Stopped, call: CommandLine
) -> None:
    assert [one["value"] for one in with_approval.manifest["approvals"]] == ["src/conftest.py"]
    there = elsewhere(with_approval, tmp_path / "there")
    task = str(there.repo / TASK)
    done = resume(call, there, *GRANT, task)
    assert done.code == 6
    assert "src/conftest.py" in done.err
    assert [one["value"] for one in there.manifest["approvals"]] == ["tests/conftest.py"]
    ours = ("--approve", "edit:src/conftest.py")
    assert resume(call, there, *ours, task).code == 0, "granted here, it counts here"
    known = elsewhere(with_approval, tmp_path / "known")
    assert resume(call, known, *GRANT, *vouched(known)).code == 0


def test_work_from_elsewhere_may_not_hold_an_edit_that_nobody_granted(
    tmp_path: Path, with_approval: Stopped, call: CommandLine
) -> None:
    there = elsewhere(with_approval, tmp_path / "there")
    first, second = there.manifest["items"]
    forge(there, items=[first, second | {"state": "done", "tree": first["tree"]}])
    done = resume(call, there, str(there.repo / TASK))
    assert done.code == 6
    assert "the change touches protected paths: src/conftest.py" in done.err


def test_a_verdict_from_elsewhere_is_worth_nothing(there: Stopped, call: CommandLine) -> None:
    first, second = there.manifest["items"]
    # Both items done, but the second changed nothing; the folder says that it was approved.
    done_items = [first, second | {"state": "done", "tree": first["tree"]}]
    forged = {
        "state": "interrupted",
        **dict.fromkeys(("tested", "reviewed", "tree"), first["tree"]),
    }
    write(there.repo, "tests/test_more.py", "import unittest\n")
    forge(there, items=done_items, verdict="approved", run=forged)
    done = resume(call, there, str(there.repo / TASK))
    assert done.code == 0, done.err
    assert there.manifest["validations"], "judged without a test"
    assert there.manifest["review"] is not None
    said = [one["detail"] for one in there.manifest["guardrails"] if one["name"] == "foreign-run"]
    assert "tests and review are done again" in said[0]


def test_a_strange_folder_does_not_choose_the_model_that_reviews_it(
    there: Stopped, call: CommandLine
) -> None:
    forge(there, engine={"model": "theirs/model"})
    assert resume(call, there, "--no-input", str(there.repo / TASK)).code == 6
    assert there.manifest["engine"]["model"] == "offline"


def test_the_task_of_a_strange_run_is_not_taken_from_its_folder(
    there: Stopped, call: CommandLine
) -> None:
    before = there.manifest
    done = resume(call, there, *GRANT)
    assert done.code == 3
    assert "name the task" in done.err
    assert there.manifest == before


def test_a_strange_run_goes_on_only_at_the_commit_that_is_checked_out(
    there: Stopped, call: CommandLine
) -> None:
    git(there.repo, "commit", "-q", "--allow-empty", "-m", "moved on")
    done = resume(call, there, *GRANT, str(there.repo / TASK))
    assert done.code == 3
    assert there.manifest["run"]["base_sha"] in done.err
    assert resume(call, there, *GRANT, *vouched(there)).code == 0


def test_another_manifest_than_the_stated_one_is_not_gone_on_with(
    there: Stopped, call: CommandLine
) -> None:
    forge(there, run={"host": "another"})
    done = resume(call, there, *GRANT, *vouched(there))
    assert done.code == 3
    assert there.sha256 in done.err


def test_a_clone_that_remembers_a_run_does_not_believe_its_folder_out_of_an_artifact(
    with_approval: Stopped, tmp_path: Path, call: CommandLine
) -> None:
    there = elsewhere(with_approval, tmp_path / "there")
    assert resume(call, there, *vouched(there)).code == 6, "now it is known here"
    task = str(there.repo / TASK)
    assert resume(call, there, "--from-artifact", *GRANT, task).code == 6
    assert [one["value"] for one in there.manifest["approvals"]] == ["tests/conftest.py"]


@pytest.mark.parametrize("is_known", [True, False])
def test_work_that_was_changed_on_the_way_is_refused(
    there: Stopped, call: CommandLine, is_known: bool
) -> None:
    data = bytearray(there.pack.read_bytes())
    data[len(data) // 2] ^= 1
    there.pack.write_bytes(data)
    before = there.manifest
    done = resume(call, there, *GRANT, *(vouched(there) if is_known else [str(there.repo / TASK)]))
    assert done.code == 3
    assert there.pack.name in done.err
    assert "fix:" in done.err
    assert there.manifest == before


def test_other_work_under_the_name_of_the_recorded_state_is_refused_and_not_kept(
    there: Stopped, call: CommandLine
) -> None:
    write(there.repo, "evil.py", "import os\n")
    git(there.repo, "add", "evil.py")
    tree = git(there.repo, "write-tree").strip()
    git(there.repo, "rm", "-q", "--cached", "evil.py")
    packed = subprocess.run(
        ["git", "-C", there.repo, "pack-objects", "--stdout", "-q"],
        input=git(there.repo, "rev-list", "--objects", tree).encode(),
        capture_output=True, check=True,
    ).stdout  # fmt: skip
    there.pack.write_bytes(packed)
    (work,) = [one for one in there.manifest["artifacts"] if one["kind"] == "work-pack.v1"]
    artifacts = [
        one | ({"sha256": sha256_hex(packed), "bytes": len(packed)} if one == work else {})
        for one in there.manifest["artifacts"]
    ]
    forge(there, artifacts=artifacts)
    before = objects(there.repo)
    done = resume(call, there, *GRANT, str(there.repo / TASK))
    assert done.code == 3
    assert "is not in it" in done.err
    assert objects(there.repo) == before


def test_a_link_in_a_strange_folder_does_not_get_files_outside_removed(
    tmp_path: Path, there: Stopped, call: CommandLine
) -> None:
    precious = write(tmp_path / "home", "precious.txt", "mine")
    (there.folder / "link").symlink_to(precious.parent)
    (work,) = [one for one in there.manifest["artifacts"] if one["kind"] == "work-pack.v1"]
    more = work | {"path": "link/precious.txt"}
    forge(there, artifacts=[*there.manifest["artifacts"], more], items=[], plan=None)
    done = resume(call, there, *GRANT, str(there.repo / TASK))
    assert precious.exists()
    assert (done.code, "no links" in done.err) == (3, True), done.err


@pytest.mark.parametrize("is_known", [True, False])
def test_a_link_in_place_of_a_file_of_the_run_is_not_written_through(
    tmp_path: Path, there: Stopped, call: CommandLine, is_known: bool
) -> None:
    precious = write(tmp_path / "home", ".profile", "mine")
    (there.folder / "events.jsonl").unlink()
    (there.folder / "events.jsonl").symlink_to(precious)
    done = resume(call, there, *GRANT, *(vouched(there) if is_known else [str(there.repo / TASK)]))
    assert precious.read_text() == "mine"
    assert (done.code, "events.jsonl" in done.err) == (3, True), done.err


def test_work_that_did_not_travel_is_named_with_the_way_out(
    there: Stopped, call: CommandLine
) -> None:
    there.pack.unlink()
    done = resume(call, there, *GRANT, *vouched(there))
    assert done.code == 3
    assert "is missing" in done.err
    assert "copy the whole run folder" in done.err


@pytest.mark.parametrize("kind", ODD)
def test_work_that_is_no_file_is_not_taken(
    kind: str, tmp_path: Path, there: Stopped, call: CommandLine
) -> None:
    put_in_place_of(there.pack, kind, aside=tmp_path)
    done = resume(call, there, *GRANT, *vouched(there))
    assert done.code == 3, done.err
    assert there.pack.name in done.err


def test_a_clone_without_the_base_commit_says_how_to_fetch_it(
    tmp_path: Path, call: CommandLine
) -> None:
    here = stop(tmp_path / "here")
    commit_all(here.repo, "moved on")
    there = elsewhere(here, tmp_path / "there", "--depth", "1")
    done = resume(call, there, *GRANT, *vouched(there))
    assert done.code == 3
    assert "fetch-depth: 0" in done.err


def test_work_that_holds_a_secret_stays_where_it_is_and_the_run_says_so(
    tmp_path: Path, call: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = "sk-canary-77aa01f3e5"
    monkeypatch.setenv("OPENAI_API_KEY", canary)
    half = len(canary) // 2
    tool = f"open('src/greeter/k.py','w').write('K = \"' + '{canary[:half]}' + '{canary[half:]}\"')"
    repo = tmp_path / "here"
    write(repo, "tools/leak.py", tool)
    here = stop(repo, steps=f"[{{command: [python3, tools/leak.py]}}, {THEIRS}]")
    assert not list(here.folder.glob("*.pack"))
    said = [one for one in here.manifest["guardrails"] if one["name"] == "portable-work"]
    assert "only this clone can go on: it holds a secret" in said[0]["detail"]
    there = elsewhere(here, tmp_path / "there")
    assert resume(call, there, *GRANT, *vouched(there)).code == 3
    assert resume(call, here, *GRANT).code == 1, "here it goes on; a secret is no good change"


def git_that_kills_its_caller(folder: Path, *, at: str, after: bool) -> Path:
    """Make a git that does its work, and kills who called it before or after one command."""
    real = shutil.which("git")
    kill = f'if [ "$1" = {at} ]; then kill -9 $PPID; exit 1; fi'
    body = f'"{real}" "$@"; code=$?\n{kill}\nexit $code' if after else f'{kill}\nexec "{real}" "$@"'
    write(folder, "git", f"#!/bin/sh\n{body}\n").chmod(0o755)
    return folder


def in_a_process(run: Stopped, git_folder: Path, *more: str) -> int:
    path = f"{git_folder}{os.pathsep}{os.environ['PATH']}"
    program = [sys.executable, "-m", "codex_orchestrator", "run", "--repo", str(run.repo)]
    return subprocess.run(
        [*program, "--resume", run.run_id, *more],
        env=os.environ | {"PATH": path}, capture_output=True, check=False,
    ).returncode  # fmt: skip


@pytest.mark.parametrize(
    ("at", "after"), [("rev-list", False), ("pack-objects", False), ("pack-objects", True)]
)
def test_a_kill_while_the_work_is_packed_leaves_a_run_that_goes_on(
    tmp_path: Path, there: Stopped, call: CommandLine, at: str, after: bool
) -> None:
    # Made known here first, so that nothing has to be unpacked.
    assert resume(call, there, *vouched(there)).code == 6
    killer = git_that_kills_its_caller(tmp_path / "bin", at=at, after=after)
    assert in_a_process(there, killer) == -9
    assert resume(call, there, *GRANT).code == 0
    assert call("runs", "verify", there.run_id, "--repo", str(there.repo)).code == 0


@pytest.mark.parametrize("at", ["index-pack", "update-ref"])
def test_a_kill_while_the_work_is_unpacked_leaves_a_run_that_goes_on(
    tmp_path: Path, there: Stopped, call: CommandLine, at: str
) -> None:
    killer = git_that_kills_its_caller(tmp_path / "bin", at=at, after=True)
    assert in_a_process(there, killer, *GRANT, *vouched(there)) == -9
    assert found(there.repo).sha256 == there.sha256, "nothing was written before the work was here"
    assert resume(call, there, *GRANT, *vouched(there)).code == 0


def test_a_pack_that_a_kill_left_unnamed_is_gone_at_the_end(
    there: Stopped, call: CommandLine
) -> None:
    (there.folder / "work-0123456789abcdef.pack").write_bytes(b"left")
    assert resume(call, there, *GRANT, *vouched(there)).code == 0
    assert not list(there.folder.glob("*.pack"))
    assert call("runs", "verify", there.run_id, "--repo", str(there.repo)).code == 0


def test_a_finished_run_from_elsewhere_is_no_verdict_until_somebody_vouches_for_it(
    there: Stopped, call: CommandLine
) -> None:
    forge(there, run={"state": "finished"}, verdict="approved", notes={"summary": "believe me"})
    for more in ((), ("--from-artifact",)):
        done = resume(call, there, str(there.repo / TASK), *more)
        assert (done.code, json.loads(done.out)["verdict"]) == (3, None)
        assert "its verdict does not count" in done.err
    assert not (there.repo / "out").exists(), "no audit record was made of it"
    assert resume(call, found(there.repo), *vouched(found(there.repo))).code == 0


def test_a_finished_run_is_shown_again_only_as_it_ended_here(
    there: Stopped, call: CommandLine
) -> None:
    assert resume(call, there, *GRANT, *vouched(there)).code == 0
    assert resume(call, there).code == 0
    assert resume(call, there, "--from-artifact", str(there.repo / TASK)).code == 3
    forge(there, notes={"summary": "believe me"})
    assert resume(call, there).code == 3


def test_a_folder_that_names_another_task_than_its_text_is_not_gone_on_with(
    there: Stopped, call: CommandLine
) -> None:
    forge(there, task={"id": "other"})
    (there.repo / ".runs" / "logging").rename(there.repo / ".runs" / "other")
    done = resume(call, there, *GRANT, str(there.repo / TASK))
    assert done.code == 2
    assert "not the one that run" in done.err


@pytest.mark.parametrize("more", [("--from-artifact",), ("--manifest-sha256", "")])
def test_a_run_from_elsewhere_does_not_choose_who_is_paid(
    there: Stopped, call: CommandLine, more: tuple[str, ...]
) -> None:
    forge(there, engine={"model": "the-dearest", "builder": "codex"})
    done = resume(call, there, *GRANT, str(there.repo / TASK), *more)
    assert done.code == 0, done.err
    assert found(there.repo).manifest["engine"]["model"] == "offline"


@pytest.mark.parametrize("option", [("--from-artifact",), ("--manifest-sha256", "0" * 64)])
def test_what_a_run_to_resume_is_worth_is_not_said_of_a_new_one(
    project: Path, call: CommandLine, option: tuple[str, ...]
) -> None:
    done = call("run", str(project / TASK), *option, "--repo", str(project))
    assert done.code == 2
    assert f"{option[0]}: is about a run to resume" in done.err
