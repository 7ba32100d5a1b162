"""A child that may write the tree must not get our next git to run something, or to be blind."""

import os
import subprocess

import pytest

from codex_orchestrator.system.sandbox import orders
from codex_orchestrator.system.sandbox.git_folders import find_git_folders, harmless_settings
from support.sandbox_scene import git

WITHOUT_NAMESPACES = [orders.LANDLOCK, orders.SECCOMP, orders.KEYRING]

# Three ways to give git settings that run a command; each tries, whatever comes of it.
TRAPS = """
run="touch $PWD/../trapped"
own=$(sed 's/gitdir: //' .git)
mkdir -p evil/objects evil/refs && echo 'ref: refs/heads/x' > evil/HEAD
printf '[core]\\n\\tfsmonitor = "%s"\\n\\trepositoryformatversion = 0\\n' "$run" > evil/config
echo "$PWD/evil" > "$own/commondir"
printf '[core]\\n\\tfsmonitor = "%s"\\n' "$run" > "$own/config.worktree"
printf '[core]\\n\\tfsmonitor = "%s"\\n' "$run" >> "$own/../../config"
printf '#!/bin/sh\\n%s\\n' "$run" > "$own/../../hooks/post-index-change"
mv .git was-git && cp -r evil .git
true
"""


def plain_status(scene):
    """Run git as somebody would who trusts the tree."""
    return subprocess.run(
        ["git", "-c", "safe.directory=*", "status", "--short"],
        cwd=scene.tree,
        env={"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_no_trap_for_our_next_git_can_be_set(scene):
    scene.run("sh", "-c", TRAPS)
    assert (scene.tree / ".git").is_file()
    done = plain_status(scene)
    assert done.returncode == 0
    assert "?? evil/" in done.stdout
    assert not (scene.base / "trees" / "trapped").exists()


def test_without_namespaces_only_the_pointer_can_be_replaced_and_named_folders_are_not_fooled(
    scene,
):
    real = (scene.tree / ".git").read_text()
    own = real.removeprefix("gitdir: ").strip()
    try:
        scene.run("sh", "-c", TRAPS, layers=WITHOUT_NAMESPACES)
        assert (scene.main / ".git/worktrees/one/commondir").read_text() == "../..\n"
        assert not (scene.main / ".git/worktrees/one/config.worktree").exists()
        assert (scene.tree / ".git").is_dir(), "the record says what remains, and so does this"
        done = subprocess.run(
            ["git", "-c", "safe.directory=*", "status", "--short"],
            cwd=scene.tree,
            env={
                "PATH": os.environ["PATH"],
                "GIT_DIR": own,
                "GIT_COMMON_DIR": str(scene.main / ".git"),
                "GIT_WORK_TREE": str(scene.tree),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert not (scene.base / "trees" / "trapped").exists()
    finally:
        subprocess.run(["rm", "-rf", scene.tree / ".git", scene.tree / "was-git"], check=True)
        (scene.tree / ".git").write_text(real)
        os.chown(scene.tree / ".git", scene.uid, scene.uid)


def test_a_change_cannot_be_hidden_from_our_status(scene):
    script = "git update-index --assume-unchanged README && echo changed > README && git status -s"
    outcome = scene.run("sh", "-c", script)
    assert outcome.exit == 0
    assert "README" not in outcome.output
    assert " M README" in git(scene.tree, "status", "--short")
    git(scene.tree, "checkout", "-q", "README")
    # The scene is shared, and git made the file anew for whoever runs the tests.
    scene.give_away()


def test_credentials_in_the_settings_are_not_seen_inside(scene):
    settings = scene.main / ".git" / "config"
    kept = settings.read_text()
    settings.write_text(
        kept
        + '[http "https://example.org/"]\n\textraheader = AUTHORIZATION: canary\n'
        + '[remote "origin"]\n\turl = https://user:canary@example.org/x.git\n'
    )
    try:
        outcome = scene.run("sh", "-c", "git config --list; git remote -v; git status")
        assert "canary" not in outcome.output
        assert "core.repositoryformatversion" in outcome.output
    finally:
        settings.write_text(kept)


def test_a_checkout_with_a_git_folder_of_its_own_keeps_it(scene):
    own = scene.base / "plain"
    if not own.exists():
        git(scene.base, "init", "-q", str(own))
        for place, folders, files in os.walk(own):
            for name in (".", *folders, *files):
                os.chown(os.path.join(place, name), scene.uid, scene.uid)
    script = "echo > f; git add f; git -c user.name=a -c user.email=a@b.c commit -qm x; "
    script += "echo evil >> .git/config; echo . > .git/commondir; mv .git x; git log --oneline"
    outcome = scene.run("sh", "-c", script, bounds={"write": [str(own)]})
    assert "fatal" not in outcome.output or "x" in outcome.output
    assert not (own / ".git" / "commondir").exists()
    assert "evil" not in (own / ".git" / "config").read_text()
    assert git(own, "for-each-ref") == ""


@pytest.fixture
def tree(tmp_path):
    """A linked work tree, and beside it a folder with something to hide."""
    git(tmp_path, "init", "-q", "-b", "main", "main")
    git(tmp_path / "main", "commit", "-q", "--allow-empty", "-m", "first")
    git(tmp_path / "main", "worktree", "add", "-q", "--detach", str(tmp_path / "tree"))
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "config").write_text("KEY")
    return tmp_path / "tree"


def test_a_linked_tree_has_its_own_folder_and_parts_of_the_shared_one(tree):
    found = find_git_folders(str(tree))
    shared = tree.parent / "main" / ".git"
    assert str(shared / "worktrees" / "tree") in found.copy
    assert str(shared / "objects") in found.copy
    assert str(shared / "HEAD") in found.read
    assert found.lock == (str(tree / ".git"),)
    assert not [path for path in (*found.copy, *found.read) if path == str(shared)]


@pytest.mark.parametrize("target", ["../secret", "fake"])
def test_a_pointer_that_a_child_wrote_opens_no_other_folder(tree, target):
    fake = tree / "fake"
    fake.mkdir()
    (fake / "commondir").write_text("../../secret\n")
    (fake / "gitdir").write_text(f"{tree}/.git\n")
    (tree / ".git").write_text(f"gitdir: {target}\n")
    found = find_git_folders(str(tree))
    assert (found.copy, found.read, found.files) == ((), (), ())
    assert found.lock == (str(tree / ".git"),)


def test_a_folder_that_is_no_work_tree_has_nothing_of_git(tmp_path):
    assert find_git_folders(str(tmp_path)) == ((), (), (), ())


def test_a_pointer_that_is_a_link_or_a_pipe_is_not_followed(tree):
    (tree / ".git").unlink()
    (tree / ".git").symlink_to(tree.parent / "secret")
    assert find_git_folders(str(tree)) == ((), (), (), ())
    (tree / ".git").unlink()
    os.mkfifo(tree / ".git")
    assert find_git_folders(str(tree)).copy == ()


def test_objects_that_lie_elsewhere_may_be_read(tree):
    shared = tree.parent / "main" / ".git"
    (shared / "objects" / "info").mkdir(exist_ok=True)
    elsewhere = tree.parent / "elsewhere"
    elsewhere.mkdir()
    (shared / "objects" / "info" / "alternates").write_text(f"{elsewhere}\n")
    assert str(elsewhere) in find_git_folders(str(tree)).read


def test_settings_keep_how_to_read_a_repository_and_lose_the_rest():
    text = (
        "[core]\n\tbare = false\n[http]\n\tproxy = http://user:pass@proxy\n"
        '[extensions]\n\tobjectformat = sha256\n[url "https://x:tok@h/"]\n\tinsteadOf = h:\n'
        '[CORE]\n\tfilemode = true\n[core "x"]\n\ty = 1\n[include]\n\tpath = /x\n'
        "[user]\n\tname = A\n"
    )
    assert harmless_settings(text) == (
        "[core]\n\tbare = false\n[extensions]\n\tobjectformat = sha256\n"
        "[CORE]\n\tfilemode = true\n[user]\n\tname = A\n"
    )
