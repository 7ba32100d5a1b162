"""A child that may write the tree must not get our next git to run something, or to be blind."""

import os
import subprocess

import pytest

from codex_orchestrator.model.confinement import Confinement, GitPlaces
from codex_orchestrator.system.sandbox import orders
from codex_orchestrator.system.sandbox.git_folders import (
    find_git_folders,
    harmless_settings,
    holds_no_credentials,
)
from codex_orchestrator.system.sandbox.orders import Orders
from codex_orchestrator.system.sandbox.plan import make_orders
from codex_orchestrator.system.sandbox.probe import Probe
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


def test_without_a_root_of_its_own_a_check_reads_no_settings_of_the_checkout(scene):
    settings, own = scene.main / ".git" / "config", scene.own / "config.worktree"
    kept = settings.read_text()
    secret = '[http "https://example.org/"]\n\textraheader = AUTHORIZATION: canary\n'
    settings.write_text(kept + secret)
    own.write_text(secret)
    try:
        script = 'cat "$0" "$1"; echo read $?; cat "$2"; git config --list; git status'
        outcome = scene.run(
            *("sh", "-c", script, str(settings), str(own), str(scene.own / "HEAD")),
            layers=WITHOUT_NAMESPACES,
        )
        assert "canary" not in outcome.output
        assert "read 1" in outcome.output
        assert "ref: refs/heads/one" in outcome.output
    finally:
        settings.write_text(kept)
        own.unlink()


def test_a_checkout_with_a_git_folder_of_its_own_keeps_it(scene):
    own = scene.base / "plain"
    if not own.exists():
        git(scene.base, "init", "-q", str(own))
        for place, folders, files in os.walk(own):
            for name in (".", *folders, *files):
                os.chown(os.path.join(place, name), scene.uid, scene.uid)
    script = "echo > f; git add f; git -c user.name=a -c user.email=a@b.c commit -qm x; "
    script += "echo evil >> .git/config; echo . > .git/commondir; mv .git x; git log --oneline"
    outcome = scene.run(
        *("sh", "-c", script),
        bounds={"write": [str(own)], "git": [str(own), str(own / ".git"), str(own / ".git")]},
    )
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


def places_of(tree):
    shared = tree.parent / "main" / ".git"
    return GitPlaces(str(tree), str(shared / "worktrees" / "tree"), str(shared))


def found_for(tree, *, hides_settings=True):
    return find_git_folders(places_of(tree), hides_settings=hides_settings)


def test_a_linked_tree_has_its_own_folder_and_parts_of_the_shared_one(tree):
    found = found_for(tree)
    shared = tree.parent / "main" / ".git"
    assert str(shared / "worktrees" / "tree") in found.copy
    assert str(shared / "objects") in found.copy
    assert str(shared / "HEAD") in found.read
    assert found.lock == (str(tree / ".git"),)
    assert not [path for path in (*found.copy, *found.read) if path == str(shared)]


def test_where_no_other_text_can_be_shown_settings_with_credentials_are_not_read(tree):
    own = tree.parent / "main/.git/worktrees/tree"
    (own / "config.worktree").write_text("[http]\n\textraheader = canary\n")
    shared = tree.parent / "main/.git/config"
    assert str(shared) in found_for(tree, hides_settings=False).read
    with shared.open("a") as stream:
        stream.write('[remote "origin"]\n\turl = https://user:canary@example.org/x\n')
    found = found_for(tree, hides_settings=False)
    assert found.files == ()
    assert str(own / "HEAD") in found.copy
    opened = found.copy + found.read
    assert not [path for path in opened if os.path.basename(path).startswith("config")]
    assert not {str(own), str(own.parent.parent)} & set(opened)


def linked_by_a_child(tree):
    """A linked work tree whose every part a child wrote, with links that lead to a secret."""
    fake = tree / "fake" / ".git" / "worktrees" / "x"
    fake.mkdir(parents=True)
    (fake / "commondir").write_text("../..\n")
    (fake / "gitdir").write_text(f"{tree}/.git\n")
    for name in ("info", "objects", "HEAD"):
        (fake.parent.parent / name).symlink_to(tree.parent / "secret")
    (tree / ".git").write_text(f"gitdir: {fake}\n")


def repository_by_a_child(tree):
    (tree / ".git" / "objects" / "info").mkdir(parents=True)
    (tree / ".git" / "objects" / "info" / "alternates").write_text(f"{tree.parent}/secret\n")


REPLACED = {
    "pointer": lambda tree: (tree / ".git").write_text("gitdir: ../secret\n"),
    "linked tree": linked_by_a_child,
    "repository": repository_by_a_child,
    "NUL byte": lambda tree: (tree / ".git").write_text("gitdir: a\0b"),
    "link": lambda tree: (tree / ".git").symlink_to(tree.parent / "secret"),
    "pipe": lambda tree: os.mkfifo(tree / ".git"),
}


@pytest.mark.parametrize("replaced", REPLACED)
@pytest.mark.parametrize("hides_settings", [True, False])
def test_what_a_child_put_in_place_of_git_opens_no_other_folder(tree, replaced, hides_settings):
    before = found_for(tree, hides_settings=hides_settings)
    (tree / ".git").unlink()
    REPLACED[replaced](tree)
    found = found_for(tree, hides_settings=hides_settings)
    assert (found.copy, found.read) == (before.copy, before.read)
    assert found.files == before.files
    assert all(os.path.isfile(path) and not os.path.islink(path) for path in found.lock)


@pytest.mark.parametrize("replaced", ["linked tree", "repository", "NUL byte"])
def test_what_looks_like_git_in_a_folder_for_logs_opens_nothing(tree, tmp_path, replaced):
    log = tmp_path / "log"
    log.mkdir()
    REPLACED[replaced](log)
    made = make_orders(
        Confinement((str(tree), str(log)), git=places_of(tree)),
        Probe(frozenset(orders.PROBED), {}, 7),
        ["true"],
        cwd=str(tree),
        scratch=str(tmp_path),
    )
    assert not [path for path in (*made.read, *made.copy, *made.lock) if "secret" in path]
    assert not [path for path in (*made.copy, *made.lock) if path.startswith(str(log))]


def test_other_objects_that_a_repository_in_the_tree_names_are_not_read(tmp_path):
    git(tmp_path, "init", "-q", "own")
    own = str(tmp_path / "own" / ".git")
    (tmp_path / "own/.git/objects/info/alternates").write_text(f"{tmp_path}\n")
    found = find_git_folders(GitPlaces(str(tmp_path / "own"), own, own), hides_settings=True)
    assert (found.copy, found.read) == ((own,), ())


def test_a_repository_in_the_tree_that_became_a_link_opens_nothing(tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "secret").mkdir()
    (tmp_path / "own" / ".git").symlink_to(tmp_path / "secret")
    own = str(tmp_path / "own" / ".git")
    found = find_git_folders(GitPlaces(str(tmp_path / "own"), own, own), hides_settings=True)
    assert found == Orders(frozenset())


def test_objects_that_lie_elsewhere_may_be_read(tree):
    shared = tree.parent / "main" / ".git"
    (shared / "objects" / "info").mkdir(exist_ok=True)
    elsewhere = tree.parent / "elsewhere"
    elsewhere.mkdir()
    (shared / "objects" / "info" / "alternates").write_text(f"a\0b\n{elsewhere}\n")
    assert str(elsewhere) in found_for(tree).read


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


PLAIN = (
    '[core]\n\tbare = false\n[remote "origin"]\n\turl = git@example.org:a/b.git\n'
    "\tfetch = +refs/heads/*:refs/remotes/origin/*\n"
    '[branch "main"]\n\tremote = origin\n\tmerge = refs/heads/main\n\n'
    '[remote "two"]\n\turl = https://example.org/x@y.git\n'
)


def test_settings_of_a_plain_clone_hold_no_credentials():
    assert holds_no_credentials(PLAIN)


@pytest.mark.parametrize(
    "more",
    [
        '[http "https://example.org/"]\n\textraheader = AUTHORIZATION: basic x\n',
        '[http "https://example.org/"] extraheader = AUTHORIZATION: basic x\n',
        '[remote "o"]\n\turl = https://user:token@example.org/x\n',
        '[remote "o"]\n\turl = "https://token@example.org/x"\n',
        '[remote "o"]\n\turl = https://\\\n\ttoken@example.org/x\n',
        '[remote "o"]\n\turl = https://example.org/x?private_token=t\n',
        '[remote "o"]\n\tpushurl = https://token@example.org/x\n',
        '[branch "b"]\n\tremote = https://token@example.org/x\n',
        '[url "https://token@example.org/"]\n\tinsteadOf = h:\n',
        "[credential]\n\thelper = !echo token\n",
        "[include]\n\tpath = /x\n",
        '[remote "o"]\n# token\n',
    ],
)
def test_all_other_settings_may_hold_credentials(more):
    assert not holds_no_credentials(PLAIN + more)


def test_settings_that_could_not_be_read_may_hold_credentials():
    assert not holds_no_credentials("")
