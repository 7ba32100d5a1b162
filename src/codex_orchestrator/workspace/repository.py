"""The user's repository: what it is, its commits, and applying a patch to it.

A check runs as the user who started the run, and every work tree shares one git folder. A test
that writes `core.fsmonitor` or a hook there makes git run a program later, long after the run. So
the settings and hooks that make git run programs are compared before and after.
"""

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from codex_orchestrator.model.errors import InputError, NotCheckedError
from codex_orchestrator.system.git_output import complaint
from codex_orchestrator.system.safe_git import SafeGit
from codex_orchestrator.text.names import is_object_name

_AUTHOR = re.compile(r"([^<>\n\0]+) <([^<>\s\0]+)>")
_SETTINGS_FILES = ("config", "config.worktree", "info/attributes")


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


def head_commit(repository: Repository) -> str:
    """Return the commit that is checked out; on a branch or with a detached HEAD.

    Raises:
        InputError: the repository has no commit yet.
    """
    status, out, _ = repository.git.attempt(
        "rev-parse", "--verify", "--quiet", "--end-of-options", "HEAD^{commit}"
    )
    if status:
        raise InputError(
            "the repository has no commits, so there is no base to work from",
            path=str(repository.top),
            fix="make a first commit (git add -A && git commit)",
        )
    return out.decode("ascii").strip()


def head_branch(repository: Repository) -> str:
    """Return the name of the branch that is checked out; "" when HEAD is detached."""
    status, out, _ = repository.git.attempt("symbolic-ref", "--quiet", "--short", "HEAD")
    return "" if status else out.decode("utf-8", "surrogateescape").strip()


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


def require_clean_checkout(repository: Repository) -> None:
    """Check that no tracked file of the user's checkout is changed.

    Raises:
        InputError: names the first changed file.
    """
    git = repository.git.at(repository.top, filters=repository.filters)
    # Git would look into a changed submodule, and run what its settings name.
    options = ("--no-renames", "--untracked-files=no", "--ignore-submodules=dirty")
    changed = git.run("status", "--porcelain=v1", "-z", *options)
    if changed:
        first = os.fsdecode(changed.split(b"\0", 1)[0][3:])
        count = changed.count(b"\0")
        raise InputError(
            f"the working tree has changes ({first!r}"
            + (f" and {count - 1} more)" if count > 1 else ")"),
            path=str(repository.top),
            fix="commit or stash them first, or leave out --apply and merge the run's branch",
        )


def apply_to_checkout(repository: Repository, patch: bytes) -> None:
    """Put a patch into the user's files, all of it or none; the index stays as it is.

    Untracked files may be there, unless the patch creates the same file.

    Raises:
        InputError: tracked files are changed, or the patch does not fit the checkout.
    """
    require_clean_checkout(repository)
    git = repository.git.at(repository.top, filters=repository.filters)
    options = ("apply", "--whitespace=nowarn", "--no-ignore-whitespace")
    status, _, err = git.attempt(*options, "--check", "-", stdin=patch)
    if status:
        raise InputError(
            f"the patch does not fit the checkout: {complaint(err)}",
            path=str(repository.top),
            fix="check out the commit that the run started from, or merge the run's branch",
        )
    git.run(*options, "-", stdin=patch)


def read_git_settings(common_dir: Path) -> dict[str, str]:
    """Return the SHA-256 of each settings file and hook by its name in the git folder."""
    paths = [common_dir / name for name in _SETTINGS_FILES]
    return {
        path.relative_to(common_dir).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (*paths, *(common_dir / "hooks").glob("*"))
        if path.is_file()
    }


def parse_author(text: str) -> Author:
    """Parse `Name <address>`.

    Raises:
        InputError: the text has another form.
    """
    found = _AUTHOR.fullmatch(text.strip())
    if not found:
        raise InputError(f"{text!r} is not an author", fix="write it as: Name <name@example.org>")
    return Author(found[1].strip(), found[2])
