"""Reading many specs from the work tree: only files that are what the index holds."""

import os
from collections.abc import Sequence

from codex_orchestrator.guard.changes import Entry
from codex_orchestrator.guard.facts import RawFacts
from codex_orchestrator.guard.frontmatter import HEAD_BYTES, quick_facts
from codex_orchestrator.guard.git import Git

_READING = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_REWRITING = (b"filter", b"working-tree-encoding", b"ident")


def facts_from_work_tree(git: Git, wanted: Sequence[Entry]) -> dict[str, RawFacts]:
    """Return facts by blob id for the wanted specs whose files settle them; the rest is left out.

    Git is asked after the reading which files differ, so one that changed meanwhile is not
    believed. Files that git takes on trust, or rewrites on checkout, are left out.
    """
    folders = sorted({entry.path.rpartition("/")[0] for entry in wanted})
    if _rewrites_files(git.root, folders):
        return {}
    top = folders[:1] if len(folders) == 1 else [os.path.commonpath(folders)]
    places = [place for place in top if place]
    found = _read_all(git.root, [entry.path for entry in wanted])
    asked = ("ls-files", "--cached", "--modified", "-s", "-v", "-z", "--", *places)
    rows = [
        row.split("\t", 1)
        for row in git.run(*asked).decode("utf-8", "surrogateescape").split("\0")[:-1]
    ]
    # `H` is a plain tracked file, `C` says once more that a file differs from it; other letters
    # mean that git does not look at the file.
    dirty = {path for meta, path in rows if meta[0] == "C"}
    return {
        meta.split(" ")[2]: found[path]
        for meta, path in rows
        if meta[0] == "H" and path in found and path not in dirty
    }


def _read_all(root: str, paths: Sequence[str]) -> dict[str, RawFacts]:
    found: dict[str, RawFacts] = {}
    folder, handle = None, -1
    try:
        for path in paths:
            above, _, name = path.rpartition("/")
            if above != folder:
                if handle >= 0:
                    os.close(handle)
                folder, handle = above, _open(f"{root}/{above}", os.O_DIRECTORY)
            head = _read_head(name, handle) if handle >= 0 else b""
            facts = quick_facts(head)
            if facts is not None:
                found[path] = facts
    finally:
        if handle >= 0:
            os.close(handle)
    return found


def _open(path: str, flags: int) -> int:
    try:
        return os.open(path, flags | os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return -1


def _read_head(name: str, folder: int) -> bytes:
    """Return the first bytes of a file; none when it cannot be read."""
    try:
        handle = os.open(name, _READING, dir_fd=folder)
    except OSError:
        return b""
    try:
        return os.read(handle, HEAD_BYTES)
    except OSError:
        return b""
    finally:
        os.close(handle)


def _rewrites_files(root: str, folders: Sequence[str]) -> bool:
    """Say whether attributes may make a checked-out spec differ from its object."""
    places = {".git/info/attributes"}
    for folder in folders:
        parts = folder.split("/") if folder else []
        for depth in range(len(parts) + 1):
            places.add("/".join([*parts[:depth], ".gitattributes"]))
    for place in places:
        try:
            with open(os.path.join(root, place), "rb") as stream:
                text = stream.read()
        except OSError:
            continue
        if any(word in text for word in _REWRITING):
            return True
    return False
