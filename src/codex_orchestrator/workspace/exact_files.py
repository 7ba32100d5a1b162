"""Make the files of a work tree those that a checkout has, also where git takes them for equal."""

import os
import shutil
from pathlib import Path

from codex_orchestrator.system.safe_git import SafeGit

INDEX = "index"
_CHECKED_OUT = "checked-out"


def begin_index(git_dir: Path, place: Path) -> None:
    """Give a new work tree its own index, and remember how its files were checked out.

    Args:
        git_dir: the git folder of the work tree, fresh from git.
        place: the folder that the work tree lies in.
    """
    for name in (INDEX, _CHECKED_OUT):
        shutil.copy2(git_dir / "index", place / name)


def check_out(git: SafeGit, tree_id: str, *, place: Path) -> None:
    """Bring the files of a work tree to a recorded state, and write again all that was touched.

    Git leaves a file as it is whose content is that of the state once its line ends are those of
    the repository, and knows no permissions but one. The index that only a checkout writes tells
    which files somebody else has touched.

    Args:
        git: of the work tree, with its own index.
        tree_id: the state, as the name of a git tree.
        place: the folder that the work tree lies in.
    """
    git.run("read-tree", "--reset", "-u", tree_id)
    checked_out = place / _CHECKED_OUT
    if not checked_out.exists():  # a run of an older version
        git.run("read-tree", tree_id, env={"GIT_INDEX_FILE": str(checked_out)})
    (place / f"{_CHECKED_OUT}.lock").unlink(missing_ok=True)
    git.run("read-tree", "--reset", "-u", tree_id, env={"GIT_INDEX_FILE": str(checked_out)})
    copied = place / f"{INDEX}.new"
    shutil.copy2(checked_out, copied)
    os.replace(copied, place / INDEX)
