import os
import shutil
from pathlib import Path

import pytest

from codex_orchestrator.model.errors import LimitReachedError
from codex_orchestrator.workspace.worktree import GitWorkspace
from support.workspace import clock, git, git_environ, make_repository, write_files


def state_of(repo: Path) -> tuple[str, str, bytes, str]:
    """What a user can see of a checkout: status, position, index bytes, branches."""
    return (
        git(repo, "status", "--porcelain", "--ignored"),
        git(repo, "symbolic-ref", "-q", "HEAD"),
        (repo / ".git/index").read_bytes(),
        git(repo, "for-each-ref", "refs/heads"),
    )


def test_the_work_tree_holds_the_base_and_the_checkout_stays_as_it_is(workspace, repo):
    before = state_of(repo)
    write = repo / "README.md"
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        assert (tree.root / "src/app.py").read_text() == "print('one')\nprint('two')\n"
        write_files(tree.root, {"README.md": "changed", "new.txt": "new\n"})
        tree.change()
        tree.snapshot()
        assert write.read_text() == "# Example\n"
    assert state_of(repo) == before


def test_the_folder_of_the_work_tree_is_named_like_the_repository(workspace, repo):
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        assert tree.root.name == repo.name


def test_nothing_of_a_run_is_left_at_its_normal_end(workspace, repo, scratch):
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        tree.snapshot()
    assert list(scratch.iterdir()) == []
    assert git(repo, "worktree", "list", "--porcelain").count("worktree ") == 1
    assert git(repo, "for-each-ref", "refs/codex-orchestrator") == ""
    assert not list((repo / ".git").glob("worktrees/*"))


def test_a_change_names_edited_new_deleted_and_renamed_files(workspace):
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        write_files(tree.root, {"src/app.py": "print('one')\n", "docs/über.md": "a\nb\n"})
        os.rename(tree.root / "README.md", tree.root / "READ ME.md")
        change = tree.change()
    assert change.paths == ("READ ME.md", "README.md", "docs/über.md", "src/app.py")
    assert (change.added_lines, change.removed_lines) == (3, 2)
    assert b"rename from" not in change.patch


def test_an_untouched_tree_has_no_change(workspace):
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        change = tree.change()
    assert change.paths == ()
    assert change.patch == b""


def test_the_patch_carries_binary_files_modes_and_links(workspace, repo, tmp_path):
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        write_files(tree.root, {"picture.bin": bytes(range(256)) * 9})
        (tree.root / "run.sh").chmod(0o755)
        (tree.root / "link").symlink_to("src/app.py")
        change = tree.change()
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(repo), str(clone))
    git(clone, "apply", "-", stdin=change.patch)
    assert (clone / "picture.bin").read_bytes() == bytes(range(256)) * 9
    assert (clone / "run.sh").stat().st_mode & 0o111
    assert os.readlink(clone / "link") == "src/app.py"


def test_ignored_files_and_what_tools_leave_are_no_change(workspace):
    left = {"debug.log": "x", "src/__pycache__/app.cpython-311.pyc": b"\0", ".coverage": "x"}
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        write_files(tree.root, left)
        assert tree.change().paths == ()


def test_an_edit_of_the_same_size_right_after_the_start_is_seen(workspace):
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        write_files(tree.root, {"src/app.py": "print('ONE')\nprint('two')\n"})
        assert tree.change().paths == ("src/app.py",)


def test_flags_in_the_usual_index_hide_no_edit(workspace):
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        git(tree.root, "update-index", "--assume-unchanged", "src/app.py")
        write_files(tree.root, {"src/app.py": "print('hidden')\n"})
        assert tree.change().paths == ("src/app.py",)


def test_commits_made_inside_the_tree_are_still_part_of_the_change(workspace):
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        write_files(tree.root, {"src/app.py": "print('sneaked')\n"})
        git(tree.root, "commit", "-qam", "by an agent")
        assert tree.change().paths == ("src/app.py",)


def test_a_repository_inside_the_tree_is_refused_by_name(workspace):
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        make_repository(tree.root / "vendor/lib")
        with pytest.raises(LimitReachedError, match="vendor/lib: a repository inside"):
            tree.change()


@pytest.mark.parametrize("has_commit", [True, False])
def test_a_repository_inside_the_tree_goes_when_a_state_is_restored(workspace, has_commit):
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        write_files(tree.root, {"new.txt": "kept"})
        state = tree.snapshot()
        write_files(tree.root, {"kept.log": "ignored", "new.txt": "changed"})
        if has_commit:
            make_repository(tree.root / "vendor/lib")
        else:
            (tree.root / "vendor/lib").mkdir(parents=True)
            git(tree.root / "vendor/lib", "init", "-q")
        with pytest.raises(LimitReachedError, match="vendor/lib"):
            tree.change()
        tree.restore(state)
        assert not (tree.root / "vendor").exists()
        assert (tree.root / "kept.log").exists()
        assert tree.change().paths == ("new.txt",)


def test_a_submodule_of_the_base_stays_as_it_is(workspace, repo, tmp_path):
    make_repository(tmp_path / "library")
    git(repo, "-c", "protocol.file.allow=always", "submodule", "add", "-q", "../library", "lib")
    git(repo, "commit", "-qm", "Add a submodule")
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        write_files(tree.root, {"src/app.py": ""})
        assert tree.change().paths == ("src/app.py",)


def test_a_changed_name_that_is_not_utf8_cannot_be_recorded(workspace):
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        write_files(tree.root, {os.fsdecode(b"caf\xe9.txt"): "x"})
        with pytest.raises(LimitReachedError, match="is not UTF-8"):
            tree.change()


def test_content_that_is_not_utf8_is_carried_byte_for_byte(workspace):
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        write_files(tree.root, {"latin.txt": b"caf\xe9\n"})
        assert b"+caf\xe9\n" in tree.change().patch


def test_a_change_that_is_too_large_is_refused_before_the_patch_is_made(workspace):
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        with open(tree.root / "huge.bin", "wb") as stream:
            stream.truncate(65 * 1024 * 1024)
        with pytest.raises(LimitReachedError, match="the limit is"):
            tree.change()


def test_filters_that_a_repository_configures_are_not_run(workspace, repo, tmp_path):
    ran = tmp_path / "ran"
    git(repo, "config", "filter.evil.clean", f"touch {ran}; cat")
    git(repo, "config", "filter.evil.smudge", f"touch {ran}; cat")
    git(repo, "config", "filter.evil.required", "true")
    write_files(repo, {".gitattributes": "*.py filter=evil\n"})
    git(repo, "add", ".gitattributes")
    git(repo, "commit", "-qm", "Attributes")
    ran.unlink(missing_ok=True)
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        write_files(tree.root, {"src/app.py": "x = 1\n"})
        assert b"+x = 1" in tree.change().patch
    assert not ran.exists()


def test_hooks_are_not_run(workspace, repo, tmp_path):
    ran = tmp_path / "ran"
    for name in ("post-checkout", "pre-commit", "reference-transaction", "post-index-change"):
        hook = repo / ".git/hooks" / name
        hook.write_text(f"#!/bin/sh\ntouch {ran}\n")
        hook.chmod(0o755)
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        write_files(tree.root, {"src/app.py": ""})
        tree.commit("Empty it", branch="codex-orchestrator/t/r1")
        tree.snapshot()
    assert not ran.exists()


def test_variables_of_a_calling_hook_do_not_lead_astray(repo, scratch, tmp_path):
    environ = git_environ(tmp_path / "home") | {
        "GIT_DIR": str(tmp_path / "elsewhere"),
        "GIT_INDEX_FILE": str(tmp_path / "other-index"),
    }
    workspace = GitWorkspace(repo, clock=clock, environ=environ, scratch=scratch)
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        assert tree.change().paths == ()


def test_two_runs_have_trees_of_their_own(workspace):
    base = workspace.head_sha()
    with workspace.open("r1", base_sha=base) as one, workspace.open("r2", base_sha=base) as two:
        write_files(one.root, {"one.txt": "1"})
        write_files(two.root, {"two.txt": "2"})
        assert (one.change().paths, two.change().paths) == (("one.txt",), ("two.txt",))


def test_a_read_only_folder_left_by_a_test_is_removed_too(workspace, scratch):
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        write_files(tree.root, {"a/b/c.txt": "x"})
        (tree.root / "a/b").chmod(0o500)
        (tree.root / "a").chmod(0o500)
    assert list(scratch.iterdir()) == []


def test_a_tree_that_vanished_is_reported_and_not_taken_for_unchanged(workspace):
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        tree.root.rename(tree.root.with_name("moved"))
        with pytest.raises(LimitReachedError, match="removed the run's work tree"):
            tree.change()


def test_a_tree_that_vanished_is_made_again_when_a_state_is_restored(workspace):
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        (tree.root / "new.txt").write_text("kept")
        state = tree.snapshot()
        shutil.rmtree(tree.root)
        tree.restore(state)
        assert (tree.root / "new.txt").read_text() == "kept"
        assert tree.change().paths == ("new.txt",)


@pytest.mark.parametrize("umask", [0o000, 0o077], ids=oct)
def test_the_folders_above_a_tree_and_its_record_are_private(workspace, scratch, umask):
    before = os.umask(umask)
    try:
        with workspace.open("r1", base_sha=workspace.head_sha()):
            found = [scratch, scratch / "r1", scratch / "r1" / "record.json"]
            found.append(scratch / "r1" / "ignored")
            assert [path for path in found if path.stat().st_mode & 0o077] == []
    finally:
        os.umask(before)
