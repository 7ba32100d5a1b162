"""Recorded states leave a repository as one pack, and come out of it exactly or not at all."""

import os

import pytest

from codex_orchestrator.model.errors import NotCheckedError
from codex_orchestrator.workspace.worktree import GitWorkspace
from support.workspace import clock, git, git_environ, write_files

RUN = "r1"


@pytest.fixture
def other(repo, tmp_path) -> GitWorkspace:
    """The workspace of a clone with nothing but the branch."""
    git(tmp_path, "clone", "-q", repo.as_uri(), "other")
    environ = git_environ(tmp_path / "home")
    scratch = tmp_path / "other-scratch"
    return GitWorkspace(tmp_path / "other", clock=clock, environ=environ, scratch=scratch)


def recorded(workspace: GitWorkspace, *states: dict[str, str | bytes]) -> list[str]:
    """Record states one after the other, and leave the run unfinished."""
    work = workspace.open(RUN, base_sha=workspace.head_sha())
    tree = work.__enter__()
    found = []
    for files in states:
        write_files(tree.root, files)
        found.append(tree.snapshot())
    return found


def test_states_come_out_of_a_pack_as_they_went_in(workspace, other):
    base = workspace.head_sha()
    with workspace.open("r0", base_sha=base) as tree:
        write_files(tree.root, {"src/app.py": "print('three')\n", 'o"dd\tname ü': "x", "empty": ""})
        (tree.root / "binary").write_bytes(bytes(range(256)) * 40)
        (tree.root / "run.sh").chmod(0o755)
        os.symlink("src", tree.root / "link")
        (tree.root / "README.md").unlink()
        states = [tree.snapshot()]
        write_files(tree.root, {"src/app.py": "print('four')\n"})
        states.append(tree.snapshot())
        change = tree.change()
        pack = workspace.pack_states(states, base_sha=base)
    assert pack.problem == ""
    assert other.missing_states(states) == tuple(states)
    other.unpack_states(pack.data, run_id=RUN, trees=states, base_sha=base)
    assert other.missing_states(states) == ()
    with other.open(RUN, base_sha=base) as tree:
        tree.restore(states[1])
        assert tree.change() == change
        assert tree.snapshot() == states[1]


def test_a_state_that_changes_nothing_needs_no_pack(workspace):
    (state,) = recorded(workspace, {})
    assert workspace.pack_states([state], base_sha=workspace.head_sha()) == (b"", "")


def test_more_work_than_a_pack_may_hold_is_not_packed_and_its_size_is_named(workspace):
    (state,) = recorded(workspace, {"noise.bin": os.urandom(51 * 1024 * 1024)})
    pack = workspace.pack_states([state], base_sha=workspace.head_sha())
    assert pack.data == b""
    assert "50 MiB" in pack.problem


def test_a_secret_in_the_name_of_a_file_is_found_before_it_is_packed(repo, tmp_path):
    workspace = GitWorkspace(
        repo,
        clock=clock,
        environ=git_environ(tmp_path / "home"),
        scratch=tmp_path / "scratch",
        redact=lambda data: data.replace(b"deep/sk-canary", b"***"),
    )
    (state,) = recorded(workspace, {"deep/sk-canary": "x"})
    pack = workspace.pack_states([state], base_sha=workspace.head_sha())
    assert pack == (b"", "it holds a secret")


@pytest.mark.parametrize("cut", [0, 11, 40, -1])
def test_a_pack_that_was_cut_is_refused_and_leaves_nothing(workspace, other, cut):
    (state,) = recorded(workspace, {"new.txt": "new\n" * 50})
    base = workspace.head_sha()
    data = workspace.pack_states([state], base_sha=base).data
    with pytest.raises(NotCheckedError, match="cannot be used"):
        other.unpack_states(data[:cut], run_id=RUN, trees=[state], base_sha=base)
    assert other.missing_states([state]) == (state,)


def test_a_run_is_known_where_it_began_and_only_there(workspace, other):
    workspace.begin(RUN, base_sha=workspace.head_sha())
    assert workspace.has_begun(RUN)
    assert not workspace.has_begun("r2")
    assert not other.has_begun(RUN)
