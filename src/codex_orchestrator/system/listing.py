"""The files of a work tree, without what git ignores and what tools generate."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from codex_orchestrator.system.safe_git import SafeGit

SKIPPED_FOLDERS = frozenset(
    [".git", ".hg", ".svn", ".venv", "venv", "node_modules", "__pycache__", ".tox", ".nox", ".runs"]
)


def work_tree_of(folder: Path) -> Path:
    """Return the git work tree that a folder is in; the folder itself where it is in none."""
    return next((place for place in (folder, *folder.parents) if (place / ".git").exists()), folder)


_listed: ContextVar[dict[Path, list[str]] | None] = ContextVar("listed", default=None)


@contextmanager
def listed_once() -> Iterator[None]:
    """List the files of a folder once until the end, as nothing changes them meanwhile."""
    token = _listed.set({}) if _listed.get() is None else None
    try:
        yield
    finally:
        if token is not None:
            _listed.reset(token)


def list_files(root: Path) -> list[str]:
    """List the files below a folder: relative, forward slashes, sorted.

    In a git work tree these are the tracked and the new files, without what git ignores.

    Raises:
        NotCheckedError: git cannot list them.
    """
    known = _listed.get()
    if known is not None and root in known:
        return list(known[root])
    if (work_tree_of(root) / ".git").exists():
        # A check may have written to the tree, and to its `.git`, before.
        git = SafeGit(root, environ=os.environ)
        found = {os.fsdecode(name) for name in listed_names(git.run)}
    else:
        found = set(_walk(root))
    paths = sorted(path for path in found if SKIPPED_FOLDERS.isdisjoint(path.split("/")[:-1]))
    if known is not None:
        known[root] = list(paths)
    return paths


def other_trees(root: Path) -> tuple[str, ...]:
    """Return a repository's work trees other than a folder's own, and its checkout: real paths.

    Raises:
        NotCheckedError: git cannot list them.
    """
    root = work_tree_of(root)
    if not (root / ".git").exists():
        return ()
    git = SafeGit(root, environ=os.environ)
    lines = git.run("worktree", "list", "--porcelain", "-z").split(b"\0")
    found = (os.path.realpath(line[9:]) for line in lines if line.startswith(b"worktree "))
    own = os.path.realpath(root)
    return tuple(os.fsdecode(place) for place in found if os.fsdecode(place) != own)


def main_checkout(root: Path) -> Path | None:
    """Return the top folder of the checkout that a work tree was added to.

    That is the work tree itself when it was not made by `git worktree add`. None when there is no
    such checkout: the repository is bare, or its git folder lies elsewhere.

    Raises:
        NotCheckedError: git cannot read the repository.
    """
    git = SafeGit(root, environ=os.environ)
    asked = ("--path-format=absolute", "--git-common-dir", "--absolute-git-dir")
    common, own = (Path(line) for line in git.text("rev-parse", *asked).split("\n"))
    if common == own:
        return root
    is_bare = git.at(common).text("rev-parse", "--is-bare-repository") == "true"
    return None if is_bare or common.name != ".git" else common.parent


def listed_names(run: Callable[..., bytes]) -> set[bytes]:
    """Return the names of tracked and new files and links as git lists them, deleted ones too.

    Args:
        run: runs git in the work tree and returns what it writes.
    """
    listed = run("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    # git lists a repository inside the tree as a folder, with a slash at the end.
    return {name for name in listed.split(b"\0") if name and not name.endswith(b"/")}


def _walk(root: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(root, followlinks=False):
        folders[:] = sorted(name for name in folders if name not in SKIPPED_FOLDERS)
        base = os.path.relpath(folder, root).replace(os.sep, "/")
        for name in names:
            yield name if base == "." else f"{base}/{name}"
