"""Reading many specs from the work tree: only files that are what the index holds."""

import os
from collections.abc import Sequence

from codex_orchestrator.guard.changes import Entry
from codex_orchestrator.guard.facts import RawFacts
from codex_orchestrator.guard.frontmatter import HEAD_BYTES, quick_facts
from codex_orchestrator.guard.git import Git

_READING = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
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
    facts_by_blob: dict[str, RawFacts] = {}
    blobs: dict[str, str] = {}
    for row in git.run(*asked).decode("utf-8", "surrogateescape").split("\0")[:-1]:
        meta, _, path = row.partition("\t")
        # `H` is a plain tracked file, `C` says once more that a file differs from it; other
        # letters mean that git does not look at the file.
        if meta[0] == "H" and path in found:
            blobs[path] = meta.split(" ")[2]
        elif meta[0] == "C":
            found.pop(path, None)
    for path, blob in blobs.items():
        if path in found:
            facts_by_blob[blob] = found[path]
    return facts_by_blob


def _read_all(root: str, paths: Sequence[str]) -> dict[str, RawFacts]:
    found: dict[str, RawFacts] = {}
    above, folder = None, -1
    for path in paths:
        parent, _, name = path.rpartition("/")
        try:
            if parent != above:
                if folder >= 0:
                    os.close(folder)
                above, folder = parent, -1
                folder = os.open(f"{root}/{parent}", _FOLDER)
            facts = quick_facts(_read_head(name, folder))
        except OSError:
            continue  # it is read from git's objects
        if facts is not None:
            found[path] = facts
    if folder >= 0:
        os.close(folder)
    return found


def _read_head(name: str, folder: int) -> bytes:
    handle = os.open(name, _READING, dir_fd=folder)
    try:
        return os.read(handle, HEAD_BYTES)
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
