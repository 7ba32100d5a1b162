import subprocess
import sys

import pytest

from codex_orchestrator.model.errors import InputError, InterruptedRunError, NotCheckedError
from codex_orchestrator.model.versions import NewerSchemaError
from support.workspace import git, git_environ, write_files


def crash(workspace, run_id, base, files):
    """Begin a run that breaks off after its work, and return the state that it recorded."""
    states = []

    def work() -> None:
        with workspace.open(run_id, base_sha=base) as tree:
            write_files(tree.root, files)
            states.append(tree.snapshot())
            raise InterruptedRunError("broken off")

    with pytest.raises(InterruptedRunError):
        work()
    return states[0]


def test_a_run_that_broke_off_finds_its_files_again(workspace):
    base = workspace.head_sha()
    crash(workspace, "r1", base, {"half.txt": "done"})
    assert workspace.leftovers() == ("r1",)
    with workspace.open("r1", base_sha=base) as tree:
        assert tree.change().paths == ("half.txt",)
    assert workspace.leftovers() == ()


def test_a_recorded_state_comes_back_with_all_that_came_later_gone(workspace):
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        write_files(tree.root, {"src/app.py": "one = 1\n", "keep.txt": "k"})
        (tree.root / "run.sh").chmod(0o755)
        state = tree.snapshot()
        before = tree.change()
        write_files(tree.root, {"src/app.py": "two = 2\n", "later/deep.txt": "x", "a.log": "i"})
        (tree.root / "keep.txt").unlink()
        (tree.root / "run.sh").chmod(0o644)
        tree.restore(state)
        assert tree.change() == before
        assert not (tree.root / "later").exists()
        assert (tree.root / "a.log").read_text() == "i"


def test_a_recorded_state_outlives_the_work_tree(workspace, scratch, repo):
    base = workspace.head_sha()
    state = crash(workspace, "r1", base, {"half.txt": "done"})
    subprocess.run(["rm", "-rf", str(scratch)], check=True)
    git(repo, "gc", "--prune=now", "-q")
    with workspace.open("r1", base_sha=base) as tree:
        assert tree.change().paths == ()
        tree.restore(state)
        assert tree.change().paths == ("half.txt",)


def test_a_folder_takes_the_place_of_a_file_and_back(workspace):
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        state = tree.snapshot()
        (tree.root / "README.md").unlink()
        write_files(tree.root, {"README.md/inside.txt": "x"})
        tree.restore(state)
        assert (tree.root / "README.md").read_text() == "# Example\n"


@pytest.mark.parametrize("state", ["", "HEAD", "--all", "0" * 40])
def test_a_state_that_was_never_recorded_is_refused(state, workspace):
    with (
        pytest.raises(InputError, match="recorded state"),
        workspace.open("r1", base_sha=workspace.head_sha()) as tree,
    ):
        tree.restore(state)


def test_a_run_is_not_resumed_from_another_base(workspace, repo):
    base = workspace.head_sha()
    crash(workspace, "r1", base, {"half.txt": "done"})
    git(repo, "commit", "-q", "--allow-empty", "-m", "Later")
    with (
        pytest.raises(InputError, match=f"began from commit {base}"),
        workspace.open("r1", base_sha=workspace.head_sha()),
    ):
        pass


def test_a_start_that_broke_off_half_way_is_made_anew(workspace, scratch):
    base = workspace.head_sha()
    crash(workspace, "r1", base, {"half.txt": "done"})
    (scratch / "r1/record.json").unlink()
    with workspace.open("r1", base_sha=base) as tree:
        assert tree.change().paths == ()


def test_a_work_tree_of_a_newer_version_is_refused_by_name_and_stays(workspace, scratch):
    base = workspace.head_sha()
    crash(workspace, "r1", base, {"half.txt": "done"})
    record = scratch / "r1/record.json"
    newer = record.read_text().replace("work-tree.v2", "work-tree.v3")
    record.write_text(newer)
    with (
        pytest.raises(NewerSchemaError, match=r"record\.json: has the schema work-tree\.v3"),
        workspace.open("r1", base_sha=base),
    ):
        pass
    assert record.read_text() == newer
    assert workspace.leftovers() == ("r1",)


@pytest.mark.parametrize(
    "data",
    [
        b"[1, 2]",
        b"7",
        b'"text"',
        b"null",
        b"NaN",
        b"[" * 100_000,
        b"\xff",
        b"",
        b'{"schema": "work-tree.v2", "base": ["x"], "root": "/x", "git_dir": "/x"}',
        b'{"schema": "work-tree.v2", "base": "x"}',
        b"{" + b" " * 100_000 + b"}",
    ],
    ids=lambda data: data[:24].decode("ascii", "replace"),
)
def test_a_damaged_record_of_a_work_tree_is_named_with_what_to_do(workspace, scratch, data):
    base = workspace.head_sha()
    crash(workspace, "r1", base, {"half.txt": "done"})
    (scratch / "r1/record.json").write_bytes(data)
    with (
        pytest.raises(NotCheckedError, match=r"record\.json") as refused,
        workspace.open("r1", base_sha=base),
    ):
        pass
    assert refused.value.fix == f"remove {scratch / 'r1'}"


def test_a_lock_left_by_a_killed_git_is_no_obstacle(workspace, scratch):
    base = workspace.head_sha()
    crash(workspace, "r1", base, {"half.txt": "done"})
    (scratch / "r1/index.lock").touch()
    with workspace.open("r1", base_sha=base) as tree:
        assert tree.change().paths == ("half.txt",)


def test_an_interrupt_keeps_the_tree(workspace):
    with (
        pytest.raises(InterruptedRunError),
        workspace.open("r1", base_sha=workspace.head_sha()),
    ):
        raise InterruptedRunError("stop")
    assert workspace.leftovers() == ("r1",)


def test_forgetting_a_run_that_never_was_does_nothing(workspace):
    workspace.forget("r9")
    assert workspace.leftovers() == ()


def test_a_killed_process_leaves_a_tree_that_the_next_one_finds(workspace, repo, scratch, tmp_path):
    script = """
import os, signal, sys
from pathlib import Path
from codex_orchestrator.workspace.worktree import GitWorkspace
repo, scratch = map(Path, sys.argv[1:])
workspace = GitWorkspace(repo, clock=str, environ=os.environ, scratch=scratch)
with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
    (tree.root / "half.txt").write_text("done")
    print(tree.snapshot(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(repo), str(scratch)],
        env=git_environ(tmp_path / "home"),
        capture_output=True,
        check=False,
    )
    assert done.returncode == -9
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        assert tree.snapshot() == done.stdout.decode().strip()


def test_run_ids_that_are_no_ids_are_refused(workspace):
    for run_id in ("", "..", "a/b", "A", "-x"):
        with (
            pytest.raises(InputError, match="is not a run id"),
            workspace.open(run_id, base_sha=workspace.head_sha()),
        ):
            pass


def test_the_folder_of_a_tree_is_private(workspace, scratch):
    with workspace.open("r1", base_sha=workspace.head_sha()):
        for folder in (scratch, scratch / "r1"):
            assert folder.stat().st_mode & 0o077 == 0
