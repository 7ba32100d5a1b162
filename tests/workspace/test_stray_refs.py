"""What a command does to the refs of the user's repository where nothing keeps it from them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from codex_orchestrator.model.check import CheckCommand
from codex_orchestrator.system.sandbox.probe import Probe
from codex_orchestrator.workspace.worktree import GitWorkspace
from support.workspace import clock, git, git_environ, make_repository

NAMED = "-c user.name=c -c user.email=c@example.org"
ON_MAIN = "git update-ref refs/heads/main $(git commit-tree HEAD^{tree} -p HEAD -m x)"
Runs = Callable[..., dict[str, tuple[str, bool]]]


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    make_repository(folder)
    git(folder, "branch", "old")
    git(folder, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    git(folder, "update-ref", "refs/remotes/origin/main", "HEAD")
    return folder


@pytest.fixture
def runs(repo: Path, tmp_path: Path) -> Runs:
    """Run a shell command in a work tree of a run; return the refs it changed, after a take-back.

    By name: the value that the ref had before, and whether it has it again.
    """
    environ = git_environ(tmp_path / "home")
    workspace = GitWorkspace(
        repo, clock=clock, environ=environ, scratch=tmp_path / "scratch", layers=Probe
    )

    def run(script: str, *, then: tuple[str, ...] = ()) -> dict[str, tuple[str, bool]]:
        logs = tmp_path / "logs"
        env = tuple((name, value) for name, value in environ.items() if name.startswith("GIT_"))
        command = CheckCommand(
            name="c", argv=("sh", "-ec", script), env=(*env, ("CHECKOUT", str(repo)))
        )
        with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
            result = workspace.run_check(tree.root, command, log_dir=logs, deadline_s=60)
            assert result.exit_code == 0, result.output_tail
            if then:
                git(repo, *then)
            found = workspace.take_back_refs(logs, ours="codex-orchestrator/")
            assert workspace.take_back_refs(logs, ours="codex-orchestrator/") == found
        return {change.name: (change.before, is_back) for change, is_back in found}

    return run


def all_refs(repo: Path) -> str:
    listed = git(repo, "for-each-ref", "--format=%(refname) %(symref) %(objectname)")
    return f"{git(repo, 'symbolic-ref', 'HEAD')}\n{listed}"


@pytest.mark.parametrize(
    ("script", "ref"),
    [
        ("git branch stray", "refs/heads/stray"),
        (f"git switch -q -c new && git {NAMED} commit -q --allow-empty -m x", "refs/heads/new"),
        ("git tag v1", "refs/tags/v1"),
        (f"git {NAMED} tag -a v2 -m two", "refs/tags/v2"),
        (f"echo x >> README.md && git {NAMED} stash -q", "refs/stash"),
        (f"git {NAMED} notes add -m note", "refs/notes/commits"),
        ("git update-ref refs/remotes/origin/new HEAD", "refs/remotes/origin/new"),
        ("git fetch -q . HEAD:refs/remotes/origin/more", "refs/remotes/origin/more"),
        ("git symbolic-ref refs/heads/alias refs/heads/main", "refs/heads/alias"),
        ("git symbolic-ref refs/remotes/origin/HEAD refs/heads/old", "refs/remotes/origin/HEAD"),
        ("git pack-refs --all && git branch -q -D old", "refs/heads/old"),
        (ON_MAIN, "refs/heads/main"),
        ('git worktree add -q -b wtb "$(mktemp -d)/w"', "refs/heads/wtb"),
    ],
)
def test_a_ref_that_a_command_changes_is_taken_back_and_named(
    repo: Path, runs: Runs, script: str, ref: str
) -> None:
    before = all_refs(repo)
    assert runs(script)[ref][1]
    assert all_refs(repo) == before


def test_a_commit_in_the_work_tree_itself_changes_no_ref(repo: Path, runs: Runs) -> None:
    assert runs(f"git {NAMED} commit -q --allow-empty -m x") == {}


@pytest.mark.parametrize(
    ("work", "ref"),
    [
        ("commit -q --allow-empty -m mine", "refs/heads/main"),
        ("switch -q -c mine", "refs/heads/mine"),
        ("symbolic-ref HEAD refs/heads/old", "HEAD"),
        ("stash -q", "refs/stash"),
        ("fetch -q . main:refs/remotes/origin/theirs", "refs/remotes/origin/theirs"),
    ],
)
def test_what_is_done_in_the_checkout_at_the_same_time_is_left_and_named(
    repo: Path, runs: Runs, work: str, ref: str
) -> None:
    (repo / "README.md").write_text("changed\n")
    # The command stands for a person who works in the checkout while another one runs.
    found = runs(f'git -C "$CHECKOUT" {NAMED} {work}')
    assert found[ref][1] is False
    assert git(repo, "rev-parse", "--verify", ref)


def test_what_is_done_between_commands_is_not_looked_at(repo: Path, runs: Runs) -> None:
    runs("true")
    git(repo, "tag", "mine")
    assert runs("git tag stray") == {"refs/tags/stray": ("", True)}
    assert git(repo, "tag") == "mine"


def test_a_branch_that_somebody_moved_afterwards_is_left(repo: Path, runs: Runs) -> None:
    theirs = git(repo, "commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "theirs")
    found = runs("git branch stray", then=("branch", "-f", "stray", theirs))
    assert found == {"refs/heads/stray": ("", False)}
    assert git(repo, "rev-parse", "stray") == theirs
