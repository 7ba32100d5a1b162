"""What a check writes for git, our next git call does not run, and does not believe."""

import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from codex_orchestrator.compose.servers import open_tools
from codex_orchestrator.model.errors import NotCheckedError, OrchestratorError
from codex_orchestrator.model.policy import Policy
from codex_orchestrator.system.listing import list_files
from codex_orchestrator.workspace.tree import GitWorkTree
from codex_orchestrator.workspace.worktree import GitWorkspace
from support.workspace import git, git_environ, write_files


class Scene:
    """A work tree of a run, its git folders, and a file that is there once a program ran."""

    def __init__(self, repo: Path, tree: GitWorkTree, tmp_path: Path) -> None:
        self.tree, self.root, self.common = tree, tree.root, repo / ".git"
        self.own = Path((tree.root / ".git").read_text().removeprefix("gitdir: ").strip())
        self.home = tmp_path / "home"
        self.ran = tmp_path / "ran"
        self.hook = tmp_path / "hook"
        self.hook.write_text(f"#!/bin/sh\ntouch '{self.ran}'\ncat\n")
        self.hook.chmod(0o755)

    def settings(self) -> str:
        """Return settings that run the program by every command that looks at files."""
        return (
            f"[core]\n\tfsmonitor = {self.hook}\n\thooksPath = {self.common / 'hooks'}\n"
            f"[filter \"evil\"]\n\tclean = {self.hook}\n\tsmudge = {self.hook}\n"
            f"[diff]\n\texternal = {self.hook}\n[diff \"evil\"]\n\ttextconv = {self.hook}\n"
            f"\tcommand = {self.hook}\n[gpg]\n\tprogram = {self.hook}\n"
            f"[log]\n\tshowSignature = true\n"
            f"[core]\n\teditor = {self.hook}\n\tpager = {self.hook}\n\tsshCommand = {self.hook}\n"
            f"\taskPass = {self.hook}\n\talternateRefsCommand = {self.hook}\n"
            f"[credential]\n\thelper = {self.hook}\n[alias]\n\tadd = !{self.hook}\n"
            f"[hook \"evil\"]\n\tevent = post-index-change\n\tcommand = {self.hook}\n"
        )  # fmt: skip

    def folder(self, place: Path) -> Path:
        """Make a whole git folder with these settings and this commit."""
        shutil.copytree(self.common, place, ignore=shutil.ignore_patterns("worktrees"))
        with (place / "config").open("a") as config:
            config.write(self.settings())
        return place


def git_folder_in_place_of_the_file(scene: Scene) -> None:
    (scene.root / ".git").unlink()
    scene.folder(scene.root / ".git")


def git_file_that_leads_elsewhere(scene: Scene) -> None:
    (scene.root / ".git").write_text(f"gitdir: {scene.folder(scene.home / 'other')}\n")


def another_common_folder(scene: Scene) -> None:
    (scene.own / "commondir").write_text(f"{scene.folder(scene.home / 'other')}\n")


def settings_of_the_work_tree(scene: Scene) -> None:
    with (scene.common / "config").open("a") as config:
        config.write(
            "[core]\n\trepositoryformatversion = 1\n[extensions]\n\tworktreeConfig = true\n"
        )
    (scene.own / "config.worktree").write_text(scene.settings())


def settings_that_are_included(scene: Scene) -> None:
    write_files(scene.home, {"more": scene.settings()})
    with (scene.common / "config").open("a") as config:
        config.write(f"[include]\n\tpath = {scene.home / 'more'}\n")


def settings_of_the_user(scene: Scene) -> None:
    write_files(scene.home, {".gitconfig": scene.settings()})


def another_work_tree(scene: Scene) -> None:
    with (scene.common / "config").open("a") as config:
        config.write(f"{scene.settings()}[core]\n\tworktree = {scene.home}\n")


def attributes_of_the_git_folder(scene: Scene) -> None:
    settings_that_are_included(scene)
    write_files(scene.common, {"info/attributes": "* filter=evil diff=evil merge=evil\n"})


def objects_that_lie_elsewhere(scene: Scene) -> None:
    settings_that_are_included(scene)
    write_files(scene.common, {"objects/info/alternates": f"{scene.home}\n"})


def hooks_of_git(scene: Scene) -> None:
    for name in ("post-index-change", "reference-transaction", "post-checkout", "fsmonitor"):
        (scene.common / "hooks").mkdir(exist_ok=True)
        shutil.copy(scene.hook, scene.common / "hooks" / name)


def a_repository_in_the_tree(scene: Scene) -> None:
    inner = scene.root / "inner"
    inner.mkdir()
    git(inner, "init", "-q")
    write_files(inner, {"file.py": "1\n", ".gitattributes": "* filter=evil\n"})
    git(inner, "add", "-A")
    git(inner, "commit", "-qm", "Inner")
    with suppress(OrchestratorError):
        scene.tree.snapshot()
    with (inner / ".git" / "config").open("a") as config:
        config.write(scene.settings())
    (inner / "file.py").write_text("2\n")


def an_object_that_is_to_be_fetched(scene: Scene) -> None:
    with (scene.common / "config").open("a") as config:
        config.write(
            "[core]\n\trepositoryformatversion = 1\n[extensions]\n\tpartialClone = origin\n"
            f'[remote "origin"]\n\turl = {scene.common}\n\tpromisor = true\n'
            f"\tuploadpack = {scene.hook} < /dev/null\n\tpartialclonefilter = blob:none\n"
        )
    blob = git(scene.root, "rev-parse", "HEAD:src/app.py")
    (scene.common / "objects" / blob[:2] / blob[2:]).unlink()


ATTACKS: tuple[Callable[[Scene], None], ...] = (
    git_folder_in_place_of_the_file,
    git_file_that_leads_elsewhere,
    another_common_folder,
    settings_of_the_work_tree,
    settings_that_are_included,
    settings_of_the_user,
    another_work_tree,
    attributes_of_the_git_folder,
    objects_that_lie_elsewhere,
    hooks_of_git,
    a_repository_in_the_tree,
    an_object_that_is_to_be_fetched,
)
EDIT = {"src/app.py": "print('three')\n", ".gitattributes": "*.py filter=evil diff=evil\n"}
# Here the repository itself is damaged, or holds what no patch can carry.
UNUSABLE = (a_repository_in_the_tree, an_object_that_is_to_be_fetched)


@pytest.fixture
def scene(workspace: GitWorkspace, repo: Path, tmp_path: Path):
    with suppress(OrchestratorError), workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        yield Scene(repo, tree, tmp_path)


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_program_that_a_check_names_is_run(attack, scene, workspace, tmp_path):
    attack(scene)
    write_files(scene.root, EDIT)
    tree = scene.tree
    steps: tuple[Callable[[], object], ...] = (
        tree.change,
        lambda: tree.diff_text([]),
        tree.snapshot,
        lambda: tree.restore(tree.base_sha),
        lambda: write_files(scene.root, EDIT),
        lambda: tree.commit("Change", branch="b"),
        lambda: tree.commit("Change", branch="b"),
        lambda: open_tools(
            scene.root, policy=Policy(), checks=(), environ=git_environ(scene.home),
            private=tmp_path, log_dir=tmp_path, library_root=scene.root, decisions=None, uses=None,
        ).git_diff([]),
        lambda: list_files(scene.root),
        lambda: workspace.forget_items("r1"),
        lambda: workspace.is_tracked("src"),
        workspace.require_clean_checkout,
        lambda: workspace.apply_to_checkout(tree.change().patch),
        lambda: workspace.forget("r1"),
    )  # fmt: skip
    for step in steps:
        with suppress(OrchestratorError):
            step()
        assert not scene.ran.exists(), step


@pytest.mark.parametrize("attack", [attack for attack in ATTACKS if attack not in UNUSABLE])
def test_the_change_is_told_as_it_is(attack, scene):
    attack(scene)
    write_files(scene.root, EDIT)
    change = scene.tree.change()
    assert change.paths == tuple(sorted(EDIT))
    assert b"+print('three')" in change.patch


@pytest.mark.parametrize(
    "attack", [attack for attack in ATTACKS if attack is not another_work_tree]
)
def test_plain_git_would_run_the_program(attack, scene):
    attack(scene)
    write_files(scene.root, EDIT)
    for words in (["cat-file", "-p", "HEAD:src/app.py"], ["status"], ["add", "-A"], ["diff"]):
        subprocess.run(
            ["git", *words], cwd=scene.root, env=git_environ(scene.home), stdin=subprocess.DEVNULL,
            capture_output=True, timeout=60, check=False,
        )  # fmt: skip
    assert scene.ran.exists()


def test_objects_that_a_check_replaced_do_not_stand_for_the_base(scene):
    base = git(scene.root, "rev-parse", "HEAD^{tree}")
    write_files(scene.root, EDIT)
    git(scene.root, "add", "-A")
    git(scene.root, "replace", base, git(scene.root, "write-tree"))
    assert scene.tree.change().paths == tuple(sorted(EDIT))


def test_the_filters_that_a_user_has_still_run_on_the_checkout(repo, workspace, tmp_path):
    passed = tmp_path / "passed"
    git(repo, "config", "filter.mine.clean", f"touch '{passed}'; cat")
    write_files(repo, {".gitattributes": "*.py filter=mine\n"})
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "Attributes")
    passed.unlink()
    assert workspace.head_sha()
    git(repo, "config", "filter.mine.clean", f"touch '{tmp_path / 'other'}'; cat")
    git(repo, "config", "filter.new.clean", f"touch '{tmp_path / 'other'}'; cat")
    write_files(repo, {"src/app.py": "print('one')\nprint('two')\n"})
    workspace.require_clean_checkout()
    assert passed.exists()
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("attack", [git_folder_in_place_of_the_file, git_file_that_leads_elsewhere])
def test_the_tools_use_the_git_folder_that_they_are_given(attack, scene, tmp_path):
    attack(scene)
    write_files(scene.root, {"src/app.py": "print('three')\n"})
    tools = open_tools(
        scene.root, git_dir=scene.tree.git_dir, policy=Policy(), checks=(),
        environ=git_environ(scene.home), private=tmp_path, log_dir=tmp_path,
        library_root=scene.root, decisions=None, uses=None,
    )  # fmt: skip
    assert tools.git_diff([]).paths == scene.tree.change().paths


def test_an_index_that_is_a_link_is_not_followed(scene, tmp_path):
    index = scene.tree.git_dir / "index"
    index.unlink()
    (tmp_path / "other").write_text("x")
    index.symlink_to(tmp_path / "other")
    with pytest.raises(NotCheckedError, match="its git index is a link"):
        open_tools(
            scene.root, policy=Policy(), checks=(), environ=git_environ(scene.home),
            private=tmp_path, log_dir=tmp_path, library_root=scene.root, decisions=None, uses=None,
        )  # fmt: skip
