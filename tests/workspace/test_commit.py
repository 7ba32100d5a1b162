import pytest

from codex_orchestrator.model.errors import InputError, NotCheckedError
from codex_orchestrator.workspace.worktree import GitWorkspace
from support.workspace import clock, git, git_environ, write_files

BRANCH = "codex-orchestrator/task/r1"


def test_the_change_becomes_one_commit_on_a_new_branch(workspace, repo):
    base = workspace.head_sha()
    with workspace.open("r1", base_sha=base) as tree:
        write_files(tree.root, {"src/app.py": "x = 1\n"})
        sha = tree.commit("Use x\n\nBecause.", branch=BRANCH)
    assert git(repo, "rev-parse", BRANCH) == sha
    assert git(repo, "log", "-1", "--format=%P|%an|%ae|%aI|%B", BRANCH).split("|") == [
        base,
        "Codex Orchestrator",
        "codex-orchestrator@localhost",
        "2026-11-22T10:00:00+00:00",
        "Use x\n\nBecause.",
    ]
    assert git(repo, "show", f"{BRANCH}:src/app.py") == "x = 1"


def test_the_same_work_at_the_same_moment_has_the_same_name(workspace, repo):
    base = workspace.head_sha()
    names = set()
    for run in ("r1", "r2"):
        with workspace.open(run, base_sha=base) as tree:
            write_files(tree.root, {"src/app.py": "x = 1\n"})
            names.add(tree.commit("Use x", branch=f"codex-orchestrator/task/{run}"))
    assert len(names) == 1


def test_the_author_can_be_chosen(repo, scratch, tmp_path):
    workspace = GitWorkspace(
        repo,
        clock=clock,
        environ=git_environ(tmp_path / "home"),
        scratch=scratch,
        author="Zoë Bot <bot@example.org>",
    )
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        write_files(tree.root, {"a.txt": "a"})
        tree.commit("A", branch=BRANCH)
    assert git(repo, "log", "-1", "--format=%an <%ae>", BRANCH) == "Zoë Bot <bot@example.org>"


@pytest.mark.parametrize("author", ["", "Nobody", "A <b", "A\n <a@b>", "A <a b@c>"])
def test_an_author_of_another_form_is_refused(author, repo, tmp_path):
    with pytest.raises(InputError, match="is not an author"):
        GitWorkspace(repo, clock=clock, environ={}, author=author)


def test_no_change_is_no_commit(workspace):
    with (
        pytest.raises(NotCheckedError, match="no change"),
        workspace.open("r1", base_sha=workspace.head_sha()) as tree,
    ):
        tree.commit("Nothing", branch=BRANCH)


def test_a_branch_with_other_content_is_never_moved(workspace, repo):
    base = git(repo, "rev-parse", "HEAD")
    git(repo, "branch", BRANCH)
    with workspace.open("r1", base_sha=base) as tree:
        write_files(tree.root, {"a.txt": "a"})
        with pytest.raises(InputError, match="exists with other content"):
            tree.commit("A", branch=BRANCH)
    assert git(repo, "rev-parse", BRANCH) == base


def test_a_commit_made_before_a_crash_is_found_again(repo, scratch, tmp_path):
    moments = iter(["2026-11-22T10:00:00.000Z", "2026-11-22T11:00:00.000Z"])
    workspace = GitWorkspace(
        repo, clock=lambda: next(moments), environ=git_environ(tmp_path / "home"), scratch=scratch
    )
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        write_files(tree.root, {"a.txt": "a"})
        first = tree.commit("A", branch=BRANCH)
        assert tree.commit("A", branch=BRANCH) == first


@pytest.mark.parametrize("branch", ["a..b", "-x", "a b", "x.lock", "", "a/\x07"])
def test_a_name_that_no_branch_may_have_is_refused(branch, workspace):
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        write_files(tree.root, {"a.txt": "a"})
        with pytest.raises(InputError, match="is not a branch name"):
            tree.commit("A", branch=branch)


def test_a_message_of_any_text_is_taken_as_text(workspace, repo):
    message = "--amend\n# no comment\n$(touch x) `id` %s \udc80"
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        write_files(tree.root, {"a.txt": "a"})
        tree.commit(message, branch=BRANCH)
    assert git(repo, "log", "-1", "--format=%B", BRANCH).startswith("--amend\n# no comment\n$(tou")


def test_a_branch_that_can_be_made_is_not_made_by_looking(workspace, repo):
    before = git(repo, "for-each-ref")
    workspace.require_new_branch(BRANCH)
    assert git(repo, "for-each-ref") == before
    git(repo, "branch", "codex-orchestrator")


@pytest.mark.parametrize("other", ["codex-orchestrator", "codex-orchestrator/task", f"{BRANCH}/x"])
@pytest.mark.parametrize("is_packed", [False, True])
def test_a_branch_in_the_way_is_named_with_the_command_that_moves_it(
    workspace, repo, other, is_packed
):
    git(repo, "branch", other)
    if is_packed:
        git(repo, "pack-refs", "--all")
    with pytest.raises(InputError, match=f"branch '{other}' is in its way") as caught:
        workspace.require_new_branch(BRANCH)
    assert f"git branch -m {other} {other}-old" in caught.value.fix


@pytest.mark.parametrize("branch", ["a..b/r1", "a b/r1", "x.lock/r1", "-x/r1", "a\nabort\n/r1"])
def test_a_prefix_that_makes_no_branch_name_is_refused_before_work(workspace, branch):
    with pytest.raises(InputError, match="is not a branch name") as caught:
        workspace.require_new_branch(branch)
    assert "branch_prefix" in caught.value.fix


def test_a_lock_that_a_crash_left_on_a_branch_is_named_before_work(workspace, repo):
    write_files(repo, {f".git/refs/heads/{BRANCH}.lock": ""})
    with pytest.raises(NotCheckedError, match=r"r1\.lock"):
        workspace.require_new_branch(BRANCH)


def test_a_file_among_the_branches_that_is_no_branch_is_named_before_work(workspace, repo):
    # On a file system that folds case, git finds `Codex-Orchestrator` like this.
    write_files(repo, {".git/refs/heads/codex-orchestrator": "no object name\n"})
    with pytest.raises((InputError, NotCheckedError), match="codex-orchestrator"):
        workspace.require_new_branch(BRANCH)
