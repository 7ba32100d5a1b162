import os
from pathlib import Path

import pytest

from codex_orchestrator.model.errors import InputError, NotCheckedError
from codex_orchestrator.system.safe_git import SafeGit
from codex_orchestrator.workspace.repository import find_repository
from codex_orchestrator.workspace.scratch import make_scratch_folder, scratch_folder
from codex_orchestrator.workspace.worktree import GitWorkspace
from support.workspace import clock, git, git_environ, write_files


def workspace_on(folder: Path, tmp_path: Path) -> GitWorkspace:
    environ = git_environ(tmp_path / "home") | {"GIT_CEILING_DIRECTORIES": str(tmp_path)}
    return GitWorkspace(folder, clock=clock, environ=environ, scratch=tmp_path / "scratch")


def test_a_folder_without_git_is_an_input_error_with_a_fix(tmp_path):
    plain = tmp_path / "plain"
    plain.mkdir()
    with pytest.raises(InputError, match="not a git repository") as caught:
        workspace_on(plain, tmp_path).head_sha()
    assert "git init" in caught.value.fix


def test_a_repository_without_commits_is_an_input_error_with_a_fix(tmp_path):
    (tmp_path / "fresh").mkdir()
    git(tmp_path / "fresh", "init", "-q")
    with pytest.raises(InputError, match="no commits") as caught:
        workspace_on(tmp_path / "fresh", tmp_path).head_sha()
    assert "git commit" in caught.value.fix


def test_a_bare_repository_is_an_input_error_with_a_fix(repo, tmp_path):
    git(tmp_path, "clone", "-q", "--bare", str(repo), "bare.git")
    with pytest.raises(InputError, match="bare repository") as caught:
        workspace_on(tmp_path / "bare.git", tmp_path).head_sha()
    assert "clone it" in caught.value.fix


def test_a_detached_head_is_as_good_as_a_branch(repo, tmp_path):
    git(repo, "checkout", "-q", "--detach")
    workspace = workspace_on(repo, tmp_path)
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        assert tree.base_sha == git(repo, "rev-parse", "HEAD")


def test_a_subfolder_works_on_the_whole_repository(repo, tmp_path):
    workspace = workspace_on(repo / "src", tmp_path)
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        assert (tree.root / "README.md").exists()


def test_a_run_starts_from_inside_another_work_tree(repo, tmp_path):
    git(repo, "worktree", "add", "-q", str(tmp_path / "second"), "-b", "second")
    workspace = workspace_on(tmp_path / "second", tmp_path)
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        assert tree.change().paths == ()


def test_a_commit_that_a_shallow_clone_lacks_was_not_checked(repo, tmp_path):
    old = git(repo, "rev-parse", "HEAD")
    git(repo, "commit", "-q", "--allow-empty", "-m", "Later")
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{repo}", "shallow")
    workspace = workspace_on(tmp_path / "shallow", tmp_path)
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        assert tree.change().paths == ()
    with (
        pytest.raises(NotCheckedError, match="shallow clone") as caught,
        workspace.open("r2", base_sha=old),
    ):
        pass
    assert "--unshallow" in caught.value.fix


@pytest.mark.parametrize("base", ["0" * 40, "main", "--help", ""])
def test_a_base_that_is_no_commit_here_is_an_input_error(base, workspace):
    with pytest.raises(InputError, match="commit"), workspace.open("r1", base_sha=base):
        pass


def test_a_missing_git_is_named_with_its_fix(repo, tmp_path):
    workspace = GitWorkspace(
        repo, clock=clock, environ={"PATH": str(tmp_path)}, scratch=tmp_path / "s"
    )
    with pytest.raises(NotCheckedError, match="git is not installed"):
        workspace.head_sha()


def test_a_git_that_is_too_old_is_not_trusted(repo, tmp_path):
    old = tmp_path / "bin/git"
    write_files(tmp_path, {"bin/git": "#!/bin/sh\necho git version 2.25.1\n"})
    old.chmod(0o755)
    with pytest.raises(NotCheckedError, match="too old"):
        find_repository(repo, environ={"PATH": f"{old.parent}:/usr/bin:/bin"})


def test_a_git_that_hangs_is_ended(repo, tmp_path):
    write_files(tmp_path, {"bin/git": "#!/bin/sh\nexec sleep 60\n"})
    (tmp_path / "bin/git").chmod(0o755)
    git_runner = SafeGit(repo, environ={"PATH": f"{tmp_path}/bin:/usr/bin:/bin"}, timeout_s=0.2)
    with pytest.raises(NotCheckedError, match="did not end"):
        git_runner.run("status")


def test_a_patch_goes_into_a_clean_checkout_and_leaves_the_index(workspace, repo):
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        write_files(tree.root, {"src/app.py": "x = 1\n", "new.bin": b"\0\1"})
        (tree.root / "run.sh").unlink()
        patch = tree.change().patch
    write_files(repo, {"notes.txt": "mine, not tracked"})
    index = (repo / ".git/index").read_bytes()
    workspace.apply_to_checkout(patch)
    assert (repo / "src/app.py").read_text() == "x = 1\n"
    assert (repo / "new.bin").read_bytes() == b"\0\1"
    assert not (repo / "run.sh").exists()
    assert (repo / ".git/index").read_bytes() == index


@pytest.mark.parametrize("staged", [False, True])
def test_a_checkout_with_changes_gets_no_patch(staged, workspace, repo):
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        write_files(tree.root, {"src/app.py": "x = 1\n"})
        patch = tree.change().patch
    write_files(repo, {"README.md": "mine\n"})
    if staged:
        git(repo, "add", "README.md")
    with pytest.raises(InputError, match=r"has changes \('README.md'\)") as caught:
        workspace.apply_to_checkout(patch)
    assert "stash" in caught.value.fix
    assert (repo / "src/app.py").read_text() == "print('one')\nprint('two')\n"


def test_a_patch_that_does_not_fit_changes_nothing(workspace, repo):
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        write_files(tree.root, {"src/app.py": "x = 1\n", "README.md": "# Other\n"})
        patch = tree.change().patch
    write_files(repo, {"src/app.py": "print('moved on')\n"})
    git(repo, "commit", "-qam", "Move on")
    with pytest.raises(InputError, match="does not fit the checkout"):
        workspace.apply_to_checkout(patch)
    assert (repo / "README.md").read_text() == "# Example\n"


def test_a_patch_does_not_overwrite_an_untracked_file(workspace, repo):
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        write_files(tree.root, {"new.txt": "theirs\n"})
        patch = tree.change().patch
    write_files(repo, {"new.txt": "mine\n"})
    with pytest.raises(InputError, match="does not fit"):
        workspace.apply_to_checkout(patch)
    assert (repo / "new.txt").read_text() == "mine\n"


def test_whitespace_settings_of_the_user_do_not_change_a_patch(workspace, repo):
    git(repo, "config", "apply.whitespace", "fix")
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        write_files(tree.root, {"src/app.py": "trailing   \n"})
        patch = tree.change().patch
    workspace.apply_to_checkout(patch)
    assert (repo / "src/app.py").read_text() == "trailing   \n"


def test_work_trees_lie_in_the_cache_of_the_user(tmp_path):
    place = scratch_folder(tmp_path / "r", tmp_path / "r/.git", environ={"HOME": str(tmp_path)})
    assert place.is_relative_to(tmp_path / ".cache/codex-orchestrator/worktrees")


def test_work_trees_never_lie_inside_the_checkout(tmp_path):
    environ = {"HOME": str(tmp_path), "TMPDIR": "/var/tmp"}
    place = scratch_folder(tmp_path, tmp_path / ".git", environ=environ)
    assert place.is_relative_to("/var/tmp")


def test_two_repositories_have_different_folders(tmp_path):
    environ = {"HOME": str(tmp_path)}
    one, two = (
        scratch_folder(tmp_path / n, tmp_path / n / ".git", environ=environ) for n in ("a", "b")
    )
    assert one != two


def test_a_folder_that_others_can_write_to_is_not_used(tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    with pytest.raises(NotCheckedError, match="only you can write"):
        make_scratch_folder(shared)


def test_a_folder_of_somebody_else_is_not_used(tmp_path):
    foreign = tmp_path / "foreign"
    foreign.mkdir(mode=0o700)
    try:
        os.chown(foreign, 12345, 12345)
    except PermissionError:
        pytest.skip("only root can give a folder away")
    with pytest.raises(NotCheckedError, match="only you can write"):
        make_scratch_folder(foreign)
