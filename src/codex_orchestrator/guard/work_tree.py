"""Reading many specs from the work tree: only files that are what the index holds."""

import marshal
import os
from collections.abc import Sequence

from codex_orchestrator.guard.changes import Entry
from codex_orchestrator.guard.facts import RawFacts
from codex_orchestrator.guard.frontmatter import HEAD_BYTES, quick_facts
from codex_orchestrator.guard.git import Git

WORTH_A_FORK = 2000
"""Files from which on a second process saves more than it costs."""

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
    trusted_job = git.start("ls-files", "-s", "-v", "-z", "--", *places)
    found = _read_all(git.root, [entry.path for entry in wanted])
    dirty_job = git.start(
        "diff-files", "--name-only", "-z", "--ignore-submodules=all", "--", *places
    )
    trusted = git.finish(trusted_job).decode("utf-8", "surrogateescape").split("\0")
    dirty = set(git.finish(dirty_job).decode("utf-8", "surrogateescape").split("\0"))
    facts_by_blob: dict[str, RawFacts] = {}
    for row in trusted[:-1]:
        meta, path = row.split("\t", 1)
        # `H` is a plain tracked file; other letters mean that git does not look at the file.
        if path in found and path not in dirty and meta.startswith("H "):
            facts_by_blob[meta.split(" ")[2]] = found[path]
    return facts_by_blob


def _read_all(root: str, paths: Sequence[str]) -> dict[str, RawFacts]:
    """Read the heads of files; half of them in a second process when that pays."""
    import threading

    if len(paths) < WORTH_A_FORK or (os.cpu_count() or 1) < 2 or threading.active_count() > 1:
        return _read_some(root, paths)
    middle = len(paths) // 2
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        # Only reads files and writes a pipe; ends without running anybody's exit handlers.
        os.close(read)
        with os.fdopen(write, "wb") as stream:
            stream.write(marshal.dumps(_read_some(root, paths[middle:])))
        os._exit(0)
    os.close(write)
    found = _read_some(root, paths[:middle])
    with os.fdopen(read, "rb") as stream:
        answer = stream.read()
    _, status = os.waitpid(child, 0)
    if status == 0:
        found.update(marshal.loads(answer))  # noqa: S302 - from our own child
    return found


def _read_some(root: str, paths: Sequence[str]) -> dict[str, RawFacts]:
    found: dict[str, RawFacts] = {}
    for path in paths:
        head = _read_head(f"{root}/{path}")
        facts = quick_facts(head) if head is not None else None
        if facts is not None:
            found[path] = tuple(facts)
    return found


def _read_head(path: str) -> bytes | None:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return os.read(handle, HEAD_BYTES)
    except OSError:
        return None
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
