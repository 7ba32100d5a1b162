"""Make one commit on a new branch: plumbing only, no hook runs and nothing is checked out."""

import re
import shlex
from collections.abc import Mapping
from datetime import datetime

from codex_orchestrator.model.errors import InputError, NotCheckedError
from codex_orchestrator.system.git_output import complaint
from codex_orchestrator.system.safe_git import SafeGit
from codex_orchestrator.workspace.repository import Author

_IN_THE_WAY = re.compile(r"'refs/heads/([^']+)' exists; cannot create")


def require_new_branch(git: SafeGit, branch: str, *, commit: str) -> None:
    """Check that a branch could be made now; git prepares it and gives it up again.

    Args:
        git: the repository's.
        branch: the name of a branch that does not exist.
        commit: any commit of the repository, by its object name.

    Raises:
        InputError: the name is not valid, or another branch is in its way.
        NotCheckedError: git cannot make it for another reason, such as a lock that a crash left.
    """
    _require_name(git, branch)
    order = f"start\ncreate refs/heads/{branch} {commit}\nprepare\nabort\n"
    status, _, err = git.attempt("update-ref", "--stdin", stdin=order.encode())
    if not status:
        return
    if found := _IN_THE_WAY.search(err):
        other = shlex.quote(found[1])
        raise InputError(
            f"branch {branch!r} cannot be made: branch {found[1]!r} is in its way",
            fix=f"git branch -m {other} {other}-old, or set another `branch_prefix`",
        )
    raise NotCheckedError(
        f"branch {branch!r} cannot be made: {complaint(err)}",
        fix="mend what git names, or set another `branch_prefix`",
    )


def commit_tree(
    git: SafeGit,
    tree_id: str,
    *,
    base: str,
    message: str,
    branch: str,
    signature: Mapping[str, str],
) -> str:
    """Record a tree as one commit on a new branch and return its object name.

    When the branch is already at a commit of the same tree on the same base, that is returned.

    Raises:
        InputError: the branch name is not valid, or the branch holds something else.
        NotCheckedError: the tree is that of the base.
    """
    _require_name(git, branch)
    if tree_id == git.text("rev-parse", "--verify", f"{base}^{{tree}}"):
        raise NotCheckedError("the work tree holds no change, so there is nothing to commit")
    text = message.replace("\0", "").encode("utf-8", "replace")
    options = ("--no-gpg-sign", "-p", base, "-F", "-", tree_id)
    sha = git.run("commit-tree", *options, stdin=text, env=signature).decode("ascii").strip()
    absent = "0" * len(sha)
    status, _, err = git.attempt("update-ref", f"refs/heads/{branch}", sha, absent)
    if not status:
        return sha
    existing = _same_work(git, branch, tree_id, base)
    if not existing:
        raise InputError(
            f"branch {branch!r} cannot be made: it exists with other content "
            f"or another's name is in its way ({err.strip()[:300]})",
            fix="rename the branch that git names, or change `branch_prefix`; then resume",
        )
    return existing


def _require_name(git: SafeGit, branch: str) -> None:
    status, _, _ = git.attempt("check-ref-format", f"refs/heads/{branch}")
    if status or branch.startswith("-"):
        raise InputError(f"{branch!r} is not a branch name", fix="change `branch_prefix`")


def _same_work(git: SafeGit, branch: str, tree_id: str, base: str) -> str:
    status, out, _ = git.attempt(
        "show", "-s", "--format=%H %T %P", "--end-of-options", f"refs/heads/{branch}"
    )
    sha, _, rest = out.decode("ascii", "replace").strip().partition(" ")
    return sha if not status and rest == f"{tree_id} {base}" else ""


def signature_of(author: Author, moment: str) -> Mapping[str, str]:
    """Return the variables by which git learns author and time; `moment` is in ISO 8601."""
    date = f"@{int(datetime.fromisoformat(moment).timestamp())} +0000"
    values = {"NAME": author.name, "EMAIL": author.email, "DATE": date}
    roles = ("AUTHOR", "COMMITTER")
    return {f"GIT_{role}_{name}": value for role in roles for name, value in values.items()}
