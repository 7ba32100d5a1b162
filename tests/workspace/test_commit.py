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
