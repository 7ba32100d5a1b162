"""Views: which two snapshots a check compares, resolved to commits that are really there."""

from typing import NamedTuple

from codex_orchestrator.guard.history import merge_base, resolve
from codex_orchestrator.system.git import Git
from codex_orchestrator.system.git_output import RAW_DIFF

INDEX = ""
NOTHING = "nothing"


class Wanted(NamedTuple):
    """What somebody asked to be checked, before git was asked.

    Kind is staged, range, all or nothing. An empty base in a range means: nothing was there
    before. `source` says who asked; `is_from_user` whether a person typed the refs.
    """

    kind: str
    base: str = ""
    head: str = ""
    source: str = ""
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
        """What git puts before the name of a file of the head."""
        return f"{self.head}:"

    @property
    def is_audit(self) -> bool:
        """Say whether the whole repository is looked at and not a change."""
        return self.kind == "all"

    @property
    def has_base(self) -> bool:
        """Say whether a commit before the change is named; a staged change may still have none."""
        return self.base != "" and not self.is_audit

    def diff_args(self) -> tuple[str, ...]:
        """Return the git call that lists the changes."""
        if self.head == INDEX:
            return ("diff", "--cached", "--no-ext-diff", *RAW_DIFF)
        return ("diff-tree", "-r", *RAW_DIFF, self.fork, self.head)

    def listing_args(self, folders: tuple[str, ...]) -> tuple[str, ...]:
        """Return the git call that lists the head's files below folders."""
        below = tuple(folder for folder in folders if folder)
        if self.head == INDEX:
            return ("ls-files", "-s", "-z", "--", *below)
        return ("ls-tree", "-r", "-z", "--full-tree", self.head, *(("--", *below) if below else ()))


STAGED = View("staged", "HEAD", INDEX, "HEAD")


def resolve_view(git: Git, wanted: Wanted) -> View:
    """Return the snapshots of what was asked for.

    Raises:
        InputError: a ref that a person gave is no commit.
        NotCheckedError: history that the answer needs is not in this clone.
    """
    if wanted.kind == "staged":
        return STAGED
    head = resolve(git, wanted.head, is_from_user=wanted.is_from_user) if wanted.head else INDEX
    if wanted.kind == "all":
        return View("all", head, head, head)
    head = head or resolve(git, "HEAD", is_from_user=False)
    if not wanted.base:
        empty = git.run("hash-object", "-t", "tree", "--stdin").decode().strip()
        return View("range", "", head, empty)
    base = resolve(git, wanted.base, is_from_user=wanted.is_from_user)
    return View("range", base, head, merge_base(git, base, head))
