"""History: refs to commits, and the merge base, or the plain answer that it cannot be known."""

import os

from codex_orchestrator.model.errors import InputError, NotCheckedError
from codex_orchestrator.system.git import Git


def is_full_id(text: str) -> bool:
    """Say whether text has the form of a whole object id, SHA-1 or SHA-256."""
    return len(text) in (40, 64) and not text.strip("0123456789abcdef")


def resolve(git: Git, ref: str, *, is_from_user: bool) -> str:
    """Return the full id of a commit.

    Raises:
        InputError: a person gave a ref that names no commit of a complete clone.
        NotCheckedError: the commit is not in this clone.
    """
    if not ref.startswith("-") and "\0" not in ref and ref.isprintable():
        found = git.answer(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"
        )
        if found and is_full_id(found):
            return found
    if is_from_user and not is_shallow(git):
        raise InputError(
            f"{ref!r} is no commit of this repository",
            field="ref",
            fix="give a branch, tag or commit that `git rev-parse` knows; fetch it first if needed",
        )
    raise NotCheckedError(
        f"commit {ref!r} is not in this clone, so the change cannot be seen", fix=_fetch_hint(ref)
    )


def merge_base(git: Git, base: str, head: str) -> str:
    """Return the commit where head left base.

    Raises:
        NotCheckedError: the clone is too shallow to know it, or there is none.
    """
    found = git.answer("merge-base", base, head)
    if found == base:
        return found  # an ancestor is the merge base, however much history is missing
    if is_shallow(git) and (not found or _meets_the_edge(git, base, head)):
        raise NotCheckedError(
            "this clone is shallow: where the change began is not known", fix=_fetch_hint(base)
        )
    if not found:
        raise NotCheckedError(
            f"{base[:12]} and {head[:12]} have no common history",
            fix="rebase the branch onto the branch that it is meant for",
        )
    return found


def is_shallow(git: Git) -> bool:
    """Say whether the clone lacks history."""
    return git.answer("rev-parse", "--is-shallow-repository") == "true"


def _meets_the_edge(git: Git, base: str, head: str) -> bool:
    """Say whether a commit between the two has parents that this clone has cut off."""
    place = git.answer("rev-parse", "--git-path", "shallow") or ""
    try:
        with open(os.path.join(git.root, place), encoding="ascii") as stream:
            cut = set(stream.read().split())
    except OSError:
        return True
    between = git.run("rev-list", f"{base}...{head}").decode().split()
    return not cut.isdisjoint(between)


def _fetch_hint(ref: str) -> str:
    if is_full_id(ref):
        wanted = f"git fetch --no-tags origin {ref}"
    else:
        wanted = "git fetch --no-tags origin"
    return (
        f"run `git fetch --unshallow` (or `{wanted}` when history is complete); "
        "with actions/checkout set `fetch-depth: 0`"
    )
