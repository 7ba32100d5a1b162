"""`runs gc` also removes work trees that no run will come back to."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from codex_orchestrator.model.manifest import Manifest
from codex_orchestrator.model.run import RunState
from codex_orchestrator.runs.lock import lock_task
from codex_orchestrator.runs.store import FileRunStore
from codex_orchestrator.verbs.remove_runs import choose_work_trees
from codex_orchestrator.workspace.worktree import GitWorkspace
from support.manifests import make_manifest
from support.project import CommandLine, git, make_project

RUN = "20261122t191500z-4f3a2b"
NOW = "2026-11-24T00:00:00.000Z"


def clock() -> str:
    return NOW


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = make_project(tmp_path / "repo")
    monkeypatch.chdir(made)
    return made


def leave_tree(repo: Path, name: str) -> Path:
    """Leave a work tree as a process does that is killed."""
    workspace = GitWorkspace(repo, clock=clock, environ=os.environ)
    opened = workspace.open(name, base_sha=workspace.head_sha())
    tree = opened.__enter__()
    tree.snapshot()
    return tree.root


def made(run_id: str, state: RunState) -> Manifest:
    manifest = make_manifest()
    run = manifest.run.model_copy(update={"id": run_id, "state": state})
    return manifest.model_copy(update={"run": run})


def store_run(repo: Path, run_id: str, state: RunState) -> None:
    store = FileRunStore(repo)
    manifest = made(run_id, state)
    store.create(manifest.task.id, run_id)
    store.summarize(manifest, store.save(manifest))


def test_a_tree_of_a_finished_run_goes_with_its_parts_and_recorded_states(
    repo: Path, call: CommandLine
) -> None:
    store_run(repo, RUN, RunState.FINISHED)
    trees = [leave_tree(repo, RUN), leave_tree(repo, f"{RUN}.1")]
    shown = json.loads(call("runs", "gc", "--keep", "9", "--format", "json").out)
    assert shown["work_trees"] == [RUN, f"{RUN}.1"]
    assert all(tree.is_dir() for tree in trees), "a dry run removes nothing"
    assert call("runs", "gc", "--keep", "9", "--delete").code == 0
    assert not any(tree.exists() for tree in trees)
    assert git(repo, "for-each-ref", "refs/codex-orchestrator") == ""
    assert len(git(repo, "worktree", "list").splitlines()) == 1


def test_a_tree_of_a_run_that_can_be_resumed_stays(repo: Path, call: CommandLine) -> None:
    store_run(repo, RUN, RunState.WAITING)
    tree = leave_tree(repo, RUN)
    assert call("runs", "gc", "--keep", "0", "--delete").code == 0
    assert tree.is_dir()


def test_unfinished_runs_go_with_their_trees_when_asked_for(repo: Path, call: CommandLine) -> None:
    store_run(repo, RUN, RunState.WAITING)
    tree = leave_tree(repo, RUN)
    done = call("runs", "gc", "--keep", "0", "--unfinished", "--delete")
    assert done.code == 0, done.err
    assert not tree.exists()
    assert json.loads(call("runs", "list", "--format", "json").out)["runs"] == []


def test_a_run_at_work_is_never_taken_away(repo: Path) -> None:
    store_run(repo, RUN, RunState.RUNNING)
    tree = leave_tree(repo, RUN)
    task_id = make_manifest().task.id
    with lock_task(repo, task_id, holder=RUN, operation="run", clock=clock):
        gc = ["runs", "gc", "--keep", "0", "--unfinished", "--delete"]
        done = subprocess.run([sys.executable, "-m", "codex_orchestrator", *gc], check=False)
    assert done.returncode == 5
    assert tree.is_dir()


@pytest.mark.parametrize(
    ("name", "goes"),
    [
        ("20261122t191500z-4f3a2b", True),
        ("20261123t191500z-4f3a2b", False),
        ("20261122t191500z-4f3a2b.2", True),
        ("somebody-elses", False),
    ],
)
def test_a_tree_without_a_run_folder_goes_when_it_is_older_than_a_day(
    name: str, *, goes: bool
) -> None:
    chosen = choose_work_trees([name], runs=(), going=frozenset(), now=NOW)
    assert bool(chosen) is goes
