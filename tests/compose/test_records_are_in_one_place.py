"""All work trees of a repository have the same records of runs: those of its main checkout."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from codex_orchestrator.compose.records_home import records_home
from support.project import CommandLine, git, make_project, task_with
from support.runs_build import RUN, finish_run

PROTECTED = {
    "tests/conftest.py": "def is_none(x):\n    if x == None:\n        return 1\n",
    "tasks/logging.md": task_with(steps='[{pattern: py-none-comparison, paths: ["tests/*.py"]}]'),
}

HOLDER = """
import sys
from pathlib import Path
from codex_orchestrator.compose.archive import open_archive
with open_archive(Path(sys.argv[1]), operation="run").lock("0007-logging"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def main(tmp_path: Path) -> Path:
    folder = tmp_path / "main"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    git(folder, "commit", "-q", "--allow-empty", "-m", "start")
    return folder


def linked(repo: Path, name: str = "linked tree") -> Path:
    folder = repo.parent / name
    git(repo, "worktree", "add", "-q", "--detach", str(folder))
    return folder


def listed(call: CommandLine, repo: Path) -> list[str]:
    done = call("runs", "list", "--repo", str(repo), "--format", "json")
    return [run["run_id"] for run in json.loads(done.out)["runs"]]


def test_a_run_of_a_linked_work_tree_is_known_and_goes_on_in_the_main_checkout(
    tmp_path: Path, call: CommandLine
) -> None:
    repo = make_project(tmp_path / "repo", **PROTECTED)
    tree = linked(repo)
    waiting = call("run", "logging", "--repo", str(tree))
    assert waiting.code == 6, waiting.err
    assert str(repo) in waiting.err, "it says where the record is"
    assert not (tree / ".runs").exists()
    assert not (tree / "out").exists()
    (run_id,) = listed(call, repo)
    grant = ("--approve", "edit:tests/conftest.py")
    done = call("run", "--resume", run_id, *grant, "--repo", str(repo))
    assert done.code == 0, done.err
    for place in (repo, tree):
        assert call("runs", "verify", run_id, "--repo", str(place)).code == 0
    # The tree is one of several: a third sees the same.
    assert listed(call, linked(repo, "third")) == [run_id]


def test_a_subfolder_of_a_linked_work_tree_has_the_records_of_the_main_checkout(
    main: Path, call: CommandLine
) -> None:
    finish_run(main)
    folder = linked(main) / "deep" / "er"
    folder.mkdir(parents=True)
    assert listed(call, folder) == [RUN]


def test_a_lock_taken_in_one_work_tree_holds_in_all(main: Path, call: CommandLine) -> None:
    finish_run(main)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(main)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        done = call("runs", "rebuild", "0007-logging", "--repo", str(linked(main)))
        process.kill()
    assert done.code == 5
    assert f"pid {process.pid}" in done.err


def test_runs_of_a_linked_work_tree_are_sent_to_the_catalog_of_the_main_checkout(
    main: Path, call: CommandLine
) -> None:
    finish_run(main)
    tree = linked(main)
    assert call("sync", "--repo", str(tree)).code == 0
    assert (main / "out/catalog").is_dir()
    assert not (tree / "out").exists()


def test_a_work_tree_of_a_bare_repository_keeps_its_records_and_says_so(
    main: Path, call: CommandLine
) -> None:
    bare = main.parent / "bare.git"
    git(main, "clone", "-q", "--bare", ".", str(bare))
    tree = linked(bare)
    finish_run(tree)
    done = call("runs", "list", "--repo", str(tree), "--format", "json")
    assert [run["run_id"] for run in json.loads(done.out)["runs"]] == [RUN]
    assert "has no main checkout" in done.err


def test_a_bare_repository_named_dot_git_is_no_checkout(main: Path) -> None:
    holder = main.parent / "holder"
    git(main, "clone", "-q", "--bare", ".", str(holder / ".git"))
    tree = linked(holder)
    assert records_home(tree).folder == tree


def test_a_submodule_and_a_repository_with_its_git_folder_elsewhere_keep_their_records(
    main: Path,
) -> None:
    apart = main.parent / "apart"
    git(main.parent, "init", "-q", "--separate-git-dir", str(main.parent / "a.git"), str(apart))
    git(apart, "commit", "-q", "--allow-empty", "-m", "start")
    outer = main.parent / "outer"
    git(main.parent, "init", "-q", str(outer))
    allowed = ("-c", "protocol.file.allow=always")
    git(outer, *allowed, "submodule", "--quiet", "add", str(main), "sub")
    for place in (apart, outer / "sub"):
        assert records_home(place) == (place, "")
    tree = linked(apart, "of apart")
    assert records_home(tree).folder == tree
    assert "no main checkout" in records_home(tree).note


@pytest.mark.parametrize("has_records", [False, True])
def test_the_command_that_is_shown_for_records_of_a_linked_work_tree_saves_them(
    main: Path, call: CommandLine, has_records: bool
) -> None:
    tree = linked(main)
    # An earlier version wrote them there.
    finish_run(tree)
    if has_records:
        finish_run(main, "20261122t191600z-ffff")
    note = records_home(tree).note
    assert f"1 earlier runs in {tree / '.runs'}" in note
    command = note.partition("to have them again: ")[2]
    subprocess.run(["sh", "-euc", command], cwd=main.parent, check=True, capture_output=True)
    place = main.parent / "OTHER" if has_records else main
    assert call("runs", "verify", RUN, "--repo", str(place)).code == 0
    assert "earlier runs" not in records_home(tree).note


def test_a_run_folder_that_the_main_checkout_tracks_is_not_resumed_from_another_work_tree(
    main: Path, call: CommandLine
) -> None:
    tree = linked(main)
    finish_run(main)
    folder = next(main.glob(f".runs/*/{RUN}"))
    (folder / "task.md").write_text(task_with())
    git(main, "add", "--force", ".runs")
    done = call("run", "--resume", RUN, "--repo", str(tree))
    assert done.code == 2
    assert "part of the checked-out commit" in done.err
