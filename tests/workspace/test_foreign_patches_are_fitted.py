"""Patches of strangers are worked out on recorded states; no file is touched for that."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from codex_orchestrator.model.errors import InputError
from codex_orchestrator.workspace.tree import GitWorkTree
from codex_orchestrator.workspace.worktree import GitWorkspace
from support.workspace import git

RUN = "20261122t100000z-abcdef"
NEW_FILE = (
    b"diff --git a/{path} b/{path}\nnew file mode {mode}\n--- /dev/null\n+++ b/{path}\n"
    b"@@ -0,0 +1 @@\n+{line}\n"
)


def new_file(path: str, *, mode: str = "100644", line: str = "x") -> bytes:
    text = NEW_FILE.decode()
    return text.format(path=path, mode=mode, line=line).encode()


@pytest.fixture
def tree(workspace: GitWorkspace) -> Iterator[GitWorkTree]:
    with workspace.open(RUN, base_sha=workspace.head_sha()) as opened:
        yield opened


def test_a_patch_that_fits_makes_a_state_and_touches_no_file(tree: GitWorkTree) -> None:
    base = tree.snapshot()
    fitted = tree.fit(new_file("src/new.py"), onto=base)
    assert (fitted.paths, fitted.problem) == (("src/new.py",), "")
    assert not (tree.root / "src/new.py").exists()
    assert tree.snapshot() == base
    tree.restore(fitted.tree)
    assert (tree.root / "src/new.py").read_text() == "x\n"


def test_a_patch_is_fitted_to_the_named_state_and_not_to_the_files(tree: GitWorkTree) -> None:
    base = tree.snapshot()
    (tree.root / "src/app.py").write_text("print('other')\n")
    patch = (
        b"--- a/src/app.py\n+++ b/src/app.py\n@@ -1,2 +1,2 @@\n"
        b"-print('one')\n+print('ONE')\n print('two')\n"
    )
    assert tree.fit(patch, onto=base).problem == ""
    assert "src/app.py" in tree.fit(patch, onto=tree.snapshot()).problem


def test_both_paths_of_a_renamed_file_are_told(tree: GitWorkTree) -> None:
    patch = (
        b"diff --git a/README.md b/.github/x.md\nsimilarity index 100%\n"
        b"rename from README.md\nrename to .github/x.md\n"
    )
    assert tree.fit(patch, onto=tree.snapshot()).paths == (".github/x.md", "README.md")


@pytest.mark.parametrize(
    "patch",
    [
        b"",
        b"no patch at all\n",
        new_file("src/link", mode="120000", line="/etc/passwd"),
        new_file("sub", mode="160000", line="Subproject commit " + "1" * 40),
        new_file("../outside"),
        new_file("/etc/outside"),
        new_file(".git/hooks/pre-commit"),
        new_file("README.md"),
    ],
)
def test_a_patch_that_may_not_be_does_not_fit(tree: GitWorkTree, patch: bytes) -> None:
    base = tree.snapshot()
    fitted = tree.fit(patch, onto=base)
    assert fitted.problem
    assert fitted.tree == ""
    assert tree.snapshot() == base


def test_the_work_trees_of_a_run_s_items_go_with_the_run(
    workspace: GitWorkspace, repo: Path
) -> None:
    base = workspace.head_sha()
    with workspace.open(RUN, base_sha=base):
        item = workspace.open(f"{RUN}.1-1", base_sha=base)
        item.__enter__()
        assert set(workspace.leftovers()) == {RUN, f"{RUN}.1-1"}
    assert workspace.leftovers() == ()
    assert git(repo, "for-each-ref", "refs/codex-orchestrator") == ""


def test_the_branch_is_named_and_a_detached_head_has_none(
    workspace: GitWorkspace, repo: Path
) -> None:
    assert workspace.head_branch() == git(repo, "branch", "--show-current") != ""
    git(repo, "checkout", "-q", "--detach")
    assert workspace.head_branch() == ""


def test_a_patch_between_states_makes_one_of_the_other_and_nothing_when_they_are_equal(
    tree: GitWorkTree,
) -> None:
    base = tree.snapshot()
    (tree.root / "link").symlink_to("src/app.py")
    (tree.root / "README.md").unlink()
    changed = tree.snapshot()
    patch = tree.patch_between(base, changed)
    assert tree.fit(patch, onto=base, is_ours=True).tree == changed
    assert "a link" in tree.fit(patch, onto=base).problem
    assert tree.patch_between(base, base) == b""


@pytest.mark.parametrize("name", ["--output=made.txt", "HEAD", "", "0" * 40])
def test_what_is_no_recorded_state_reaches_no_command(tree: GitWorkTree, name: str) -> None:
    with pytest.raises(InputError, match="recorded state"):
        tree.patch_between(tree.snapshot(), name)
    assert not (tree.root / "made.txt").exists()
