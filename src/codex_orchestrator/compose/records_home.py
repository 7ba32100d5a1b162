"""Where the records of a repository's runs are: in one place for all of its work trees."""

from pathlib import Path
from shlex import quote
from typing import NamedTuple

from codex_orchestrator.runs.store import FileRunStore


class RecordsHome(NamedTuple):
    """The folder that holds `.runs` and `out`, and what to tell about it, "" for nothing."""

    folder: Path
    note: str = ""


def records_home(repo: Path) -> RecordsHome:
    """Return where the records of a repository's runs are: in its main checkout.

    So they are the same in all its work trees. They stay in a work tree of a bare repository.

    Args:
        repo: the top folder of a work tree.

    Raises:
        NotCheckedError: git cannot read the repository.
    """
    # Only what `git worktree add` made, a submodule, and a git folder elsewhere have a file there.
    if not (repo / ".git").is_file():
        return RecordsHome(repo)
    from codex_orchestrator.system.listing import main_checkout

    home = main_checkout(repo)
    if home is None:
        text = f"this repository has no main checkout, so its runs are recorded in {repo}"
        return RecordsHome(repo, f"{text}; other work trees do not see them")
    if home == repo:
        return RecordsHome(repo)
    note = f"the records of this work tree are kept in its main checkout, {home}"
    left = FileRunStore(repo).names()
    return RecordsHome(home, f"{note}; {_left_behind(repo, home, len(left))}" if left else note)


def _left_behind(repo: Path, home: Path, runs: int) -> str:
    """Say what to do with runs that an earlier version recorded in a linked work tree."""
    files = f"{quote(str(repo / '.runs'))} {quote(str(repo / 'out'))}"
    move = f"mv {files} {quote(str(home))}/"
    if any((home / name).exists() for name in (".runs", "out")):
        # Two audit logs cannot be joined: each line has the hash of the line before it.
        move = f"git clone {quote(str(home))} OTHER && mv {files} OTHER/"
    return (
        f"{runs} earlier runs in {repo / '.runs'} are not looked at any more; to have them again: "
        f"{move}"
    )
