"""Refs of the user's repository that changed while a command ran, and how they are taken back.

Only where no layer keeps a command from the git folder. A person may work in the checkout at the
same time; that leaves traces beside the refs, in the index and the logs of the checkout. What
changed together with such traces is left as it is, and named.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from codex_orchestrator.model.confinement import GitPlaces
from codex_orchestrator.system.safe_git import SafeGit
from codex_orchestrator.workspace.tree import REFS

_RECORD = "refs-changed.jsonl"
_TRACES = ("index", "logs/HEAD", "FETCH_HEAD")
_SYMBOLIC = "ref: "


class RefChange(NamedTuple):
    """A ref before and after; its value is an object name, `ref: TARGET`, or "" for no ref.

    `is_doubtful` says that somebody worked in the checkout at the same time.
    """

    name: str
    before: str
    after: str
    is_doubtful: bool


@contextmanager
def watched_refs(places: GitPlaces, *, environ: Mapping[str, str], log_dir: Path) -> Iterator[None]:
    """Record in a log folder which refs change while a command runs."""
    git = _git_of(Path(places.common_dir), environ)
    # A work tree that is not there yet is nobody's who worked before.
    others = Path(places.common_dir, "worktrees").glob("*")
    folders = [Path(places.common_dir), *(o for o in others if str(o) != places.git_dir)]
    refs, traces = _read_refs(git), _traces(folders)
    yield
    now, is_doubtful = _read_refs(git), _traces(folders) != traces
    lines = [
        json.dumps(RefChange(name, refs.get(name, ""), now.get(name, ""), is_doubtful)) + "\n"
        for name in sorted(refs.keys() | now.keys())
        if refs.get(name) != now.get(name)
    ]
    if lines:
        with (log_dir / _RECORD).open("a", encoding="ascii") as stream:
            stream.writelines(lines)


def take_back_refs(
    common_dir: Path, *, environ: Mapping[str, str], logs: Path, ours: str
) -> tuple[tuple[RefChange, bool], ...]:
    """Bring recorded refs back to what they were, unless another may have changed them.

    Args:
        common_dir: the repository's git folder.
        environ: our environment.
        logs: the folder below which changes were recorded.
        ours: how the names of branches of runs begin; those are left out.

    Returns:
        The changes, each with whether the ref is now as it was before.
    """
    changes = [
        change
        for change in _recorded(logs)
        if not change.name.startswith(f"refs/heads/{ours}") and change.before != change.after
    ]
    if not changes:
        return ()
    git = _git_of(common_dir, environ)
    now = _read_refs(git)
    return tuple((change, _take_back(git, change, now.get(change.name, ""))) for change in changes)


def _take_back(git: SafeGit, change: RefChange, now: str) -> bool:
    name, before, after, is_doubtful = change
    if now == before:
        return True
    if is_doubtful or now != after:
        return False
    # Git compares the old value, so that a change which is made right now is not lost.
    old = () if after.startswith(_SYMBOLIC) else (after or "0" * len(before),)
    if before.startswith(_SYMBOLIC):
        words: tuple[str, ...] = ("symbolic-ref", name, before.removeprefix(_SYMBOLIC))
    elif before:
        words = ("update-ref", "--no-deref", name, before, *old)
    else:
        words = ("update-ref", "--no-deref", "-d", name, *old)
    status, _, _ = git.attempt(*words)
    return not status


def _recorded(logs: Path) -> Iterable[RefChange]:
    """Return what was recorded, once for each ref, from its first value to its last."""
    found: dict[str, RefChange] = {}
    files = sorted(logs.rglob(_RECORD), key=lambda path: path.stat().st_mtime_ns)
    for line in (line for file in files for line in file.read_text("ascii").splitlines()):
        new = RefChange(*json.loads(line))
        old = found.get(new.name, new._replace(after=new.before))
        is_doubtful = old.is_doubtful or new.is_doubtful or old.after != new.before
        found[new.name] = RefChange(new.name, old.before, new.after, is_doubtful)
    return found.values()


def _git_of(common_dir: Path, environ: Mapping[str, str]) -> SafeGit:
    return SafeGit(common_dir, environ=environ, places={"GIT_DIR": str(common_dir)})


def _read_refs(git: SafeGit) -> dict[str, str]:
    """Return every ref with its value, and HEAD; refs of our own runs are left out."""
    listed = git.text("for-each-ref", "--format=%(refname)%00%(symref)%00%(objectname)")
    rows = (line.split("\0") for line in listed.split("\n") if line)
    refs = {
        name: f"{_SYMBOLIC}{target}" if target else value
        for name, target, value in rows
        if not name.startswith(f"{REFS}/")
    }
    head = git.folder / "HEAD"
    text = head.read_text("utf-8", "surrogateescape").strip() if head.is_file() else ""
    return refs | {"HEAD": text}


def _traces(folders: Iterable[Path]) -> dict[str, tuple[int, int]]:
    """Return the state of the files that git writes where somebody works in a work tree."""
    found = {}
    for path in (folder / name for folder in folders for name in _TRACES):
        if path.is_file():
            facts = os.stat(path)
            found[str(path)] = (facts.st_mtime_ns, facts.st_size)
    return found
