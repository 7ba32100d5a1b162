"""Views: which two snapshots a check compares, resolved to commits that are really there.

Where history is missing the answer is that it cannot be known, never a guess.
"""

import os

from codex_orchestrator.model.errors import InputError, NotCheckedError
from codex_orchestrator.system.git import Git
from codex_orchestrator.system.git_output import RAW_DIFF
from codex_orchestrator.text.lean_typing import NamedTuple

INDEX = ""
NOTHING = "nothing"


class RequestedView(NamedTuple):
    """What is to be checked, before git was asked where its commits are.

    Kind is staged, range, all or nothing. An empty base in a range means: nothing was there
    before. `is_from_user` says whether a person typed the refs.
    """

    kind: str
    base: str = ""
    head: str = ""
    is_from_user: bool = False


class View(NamedTuple):
    """Two snapshots. Commits are full object ids; `INDEX` as head stands for the index.

    `base` is where the configuration comes from, `fork` is what the head is compared with: the
    merge base, "" when nothing was there before.
    """

    kind: str
    base: str
    head: str
    fork: str

    @property
    def snapshot(self) -> str:
        """The prefix by which git names a file of the head."""
        return f"{self.head}:"

    @property
    def is_audit(self) -> bool:
        """Say whether the whole repository is looked at and not a change."""
        return self.kind == "all"

    @property
    def has_base(self) -> bool:
        """Return whether there is a commit before the change; a staged change may have none."""
        return self.base != "" and not self.is_audit

    def diff_args(self) -> tuple[str, ...]:
        """Return the arguments for git to list the changes."""
        if self.head == INDEX:
            return ("diff", "--cached", "--no-ext-diff", *RAW_DIFF)
        return ("diff-tree", "-r", *RAW_DIFF, self.fork, self.head)

    def listing_args(self, folders: tuple[str, ...]) -> tuple[str, ...]:
        """Return the arguments for git to list the head's files below folders."""
        below = tuple(folder for folder in folders if folder)
        if self.head == INDEX:
            return ("ls-files", "-s", "-z", "--", *below)
        return ("ls-tree", "-r", "-z", "--full-tree", self.head, *(("--", *below) if below else ()))


STAGED = View("staged", "HEAD", INDEX, "HEAD")


def resolve_view(git: Git, requested: RequestedView) -> View:
    """Return the two snapshots of a requested view.

    Raises:
        InputError: a ref that a person gave is not a commit.
        NotCheckedError: history that the answer needs is not in this clone.
    """
    if requested.kind == "staged":
        return STAGED
    kind, base, head, is_from_user = requested
    head = _resolve(git, head, is_from_user=is_from_user) if head else INDEX
    if kind == "all":
        return View("all", head, head, head)
    head = head or _resolve(git, "HEAD", is_from_user=False)
    if not base:
        empty = git.run("hash-object", "-t", "tree", "--stdin").decode().strip()
        return View("range", "", head, empty)
    base = _resolve(git, base, is_from_user=is_from_user)
    return View("range", base, head, _merge_base(git, base, head))


def _is_full_id(text: str) -> bool:
    """Return whether text has the form of a full object id, SHA-1 or SHA-256."""
    return len(text) in (40, 64) and not text.strip("0123456789abcdef")


def _resolve(git: Git, ref: str, *, is_from_user: bool) -> str:
    """Return the full id of a commit.

    Raises:
        InputError: a ref from a person is not a commit of a complete clone.
        NotCheckedError: the commit is not in this clone.
    """
    if not ref.startswith("-") and "\0" not in ref and ref.isprintable():
        found = git.answer(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"
        )
        if found and _is_full_id(found):
            return found
    if is_from_user and not _is_shallow(git):
        raise InputError(
            f"{ref!r} is not a commit of this repository",
            field="ref",
            fix="give a branch, tag or commit that `git rev-parse` knows; fetch it first if needed",
        )
    raise NotCheckedError(
        f"commit {ref!r} is not in this clone, so the change cannot be seen", fix=_fetch_hint(ref)
    )


def _merge_base(git: Git, base: str, head: str) -> str:
    """Return the merge base of base and head.

    Raises:
        NotCheckedError: the clone is too shallow to find it, or there is none.
    """
    found = git.answer("merge-base", base, head)
    if found == base:
        return found  # an ancestor is the merge base, even if history is missing
    if _is_shallow(git) and (not found or _meets_the_edge(git, base, head)):
        raise NotCheckedError(
            "this clone is shallow, so the start of the change is not known", fix=_fetch_hint(base)
        )
    if not found:
        raise NotCheckedError(
            f"{base[:12]} and {head[:12]} have no common history",
            fix="rebase the branch onto its target branch",
        )
    return found


def _is_shallow(git: Git) -> bool:
    """Return whether the clone is shallow."""
    return git.answer("rev-parse", "--is-shallow-repository") == "true"


def _meets_the_edge(git: Git, base: str, head: str) -> bool:
    """Return whether a commit between the two has parents that are missing in this clone."""
    place = git.answer("rev-parse", "--git-path", "shallow") or ""
    try:
        with open(os.path.join(git.root, place), encoding="ascii") as stream:
            cut = set(stream.read().split())
    except OSError:
        return True
    between = git.run("rev-list", f"{base}...{head}").decode().split()
    return not cut.isdisjoint(between)


def _fetch_hint(ref: str) -> str:
    wanted = "git fetch --no-tags origin" + (f" {ref}" if _is_full_id(ref) else "")
    return (
        f"run `git fetch --unshallow` (or `{wanted}` when history is complete); "
        "with actions/checkout set `fetch-depth: 0`"
    )
