"""The user's repository: where it is, and which commits it has."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from codex_orchestrator.model.errors import InputError, NotCheckedError
from codex_orchestrator.system.safe_git import SafeGit
from codex_orchestrator.text.names import is_object_name

_AUTHOR = re.compile(r"([^<>\n\0]+) <([^<>\s\0]+)>")


class Repository(NamedTuple):
    """A repository with a work tree. `git` runs in its top folder.

    It is found once, before foreign code runs: what that writes to `.git` later leads nowhere.
    `filters` are the settings of filters at that time.
    """

    git: SafeGit
    top: Path
    common_dir: Path
    is_shallow: bool
    filters: Mapping[str, str]


class Author(NamedTuple):
    """The author of a commit."""

    name: str
    email: str


def find_repository(folder: Path, *, environ: Mapping[str, str]) -> Repository:
    """Return the repository that holds a folder.

    Raises:
        InputError: it is not a repository, or a bare one.
        NotCheckedError: git is missing, too old, or refuses the repository.
    """
    git = SafeGit(folder, environ=environ)
    status, out, err = git.attempt(
        "rev-parse",
        "--is-bare-repository",
        "--is-shallow-repository",
        "--path-format=absolute",
        "--git-common-dir",
        "--absolute-git-dir",
    )
    if status and "not a git repository" in err:
        raise InputError(
            "not a git repository",
            path=str(folder),
            fix="run it in a repository, or name one with --repo DIR (`git init` makes one)",
        )
    if status:
        git.run("rev-parse", "--git-dir")
        raise NotCheckedError(f"{folder}: git cannot read this repository")
    is_bare, is_shallow, common, git_dir = os.fsdecode(out).rstrip("\n").split("\n")
    if is_bare == "true":
        raise InputError(
            "a bare repository has no files to work on",
            path=str(folder),
            fix="clone it and run the command in the clone",
        )
    top = Path(git.text("rev-parse", "--path-format=absolute", "--show-toplevel"))
    places = {"GIT_DIR": git_dir, "GIT_COMMON_DIR": common, "GIT_WORK_TREE": str(top)}
    pinned = git.at(top, places=places)
    return Repository(pinned, top, Path(common), is_shallow == "true", pinned.filters())


def has_commit(repository: Repository, sha: str) -> bool:
    """Say whether the repository has a commit, given by its full object name."""
    if not is_object_name(sha):
        return False
    status, _, _ = repository.git.attempt("cat-file", "-e", f"{sha}^{{commit}}")
    return not status


def require_commit(repository: Repository, sha: str) -> None:
    """Make sure that the repository has a commit.

    Raises:
        InputError: sha is not a full object name, or names no commit here.
        NotCheckedError: the repository is shallow and the commit was not fetched.
    """
    if not is_object_name(sha):
        raise InputError(f"{sha!r} is not a full commit id", fix="give all 40 hexadecimal digits")
    if has_commit(repository, sha):
        return
    if repository.is_shallow:
        raise NotCheckedError(
            f"commit {sha} is not in this shallow clone",
            fix="git fetch --unshallow (in GitHub Actions: fetch-depth: 0 at actions/checkout)",
        )
    raise InputError(f"the repository has no commit {sha}", path=str(repository.top))


def parse_author(text: str) -> Author:
    """Parse `Name <address>`.

    Raises:
        InputError: the text has another form.
    """
    found = _AUTHOR.fullmatch(text.strip())
    if not found:
        raise InputError(f"{text!r} is not an author", fix="write it as: Name <name@example.org>")
    return Author(found[1].strip(), found[2])
