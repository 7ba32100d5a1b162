"""Reading many specs from the work tree: only files that are what the index holds."""

import contextlib
import fcntl
import os
import re
from collections.abc import Sequence

from codex_orchestrator.guard.facts import RawFacts
from codex_orchestrator.guard.frontmatter import HEAD_BYTES, quick_facts
from codex_orchestrator.system.git import Git
from codex_orchestrator.system.git_output import Entry

_READING = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# Letter, id and path of one row of `git ls-files -s -v -z`.
_listed = re.compile(r"([^ \0]) [0-7]+ ([0-9a-f]+) [0-3]\t([^\0]+)\0").findall
_CLOSED = b"\n---\n"
_PIPE_BYTES = 1024 * 1024
_MOST_HELD = 16 * 1024 * 1024
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
    heads = _read_heads(git.root, [entry.path for entry in wanted])
    job = git.start("ls-files", "--cached", "--modified", "-s", "-v", "-z", "--", *places)
    # Git looks at the files while the heads are parsed, so its answer must fit into the pipe.
    with contextlib.suppress(OSError, AttributeError):
        fcntl.fcntl(job.pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    found = {path: facts for path, head in heads if (facts := quick_facts(head))}
    facts_by_blob: dict[str, RawFacts] = {}
    blobs: dict[str, str] = {}
    for letter, blob, path in _listed(git.finish(job).decode("utf-8", "surrogateescape")):
        # `H` is a plain tracked file, `C` says once more that a file differs from it; other
        # letters mean that git does not look at the file.
        if letter == "H" and path in found:
            blobs[path] = blob
        elif letter == "C":
            found.pop(path, None)
    for path, blob in blobs.items():
        if path in found:
            facts_by_blob[blob] = found[path]
    return facts_by_blob


def _read_heads(root: str, paths: Sequence[str]) -> list[tuple[str, bytes]]:
    """Return path and first bytes of each file that can be read, up to a bound of memory.

    What is left out is read from git's objects, as everything is that the heads do not settle.
    """
    heads: list[tuple[str, bytes]] = []
    above, folder, held = None, -1, 0
    for path in paths:
        parent, _, name = path.rpartition("/")
        try:
            if parent != above:
                if folder >= 0:
                    os.close(folder)
                above, folder = parent, -1
                folder = os.open(f"{root}/{parent}", _FOLDER)
            handle = os.open(name, _READING, dir_fd=folder)
            try:
                head = os.read(handle, HEAD_BYTES)
            finally:
                os.close(handle)
        except OSError:
            continue
        # Nothing below the front matter settles anything, and ten thousand heads are many bytes.
        end = head.find(_CLOSED, len(_CLOSED))
        if end >= 0:
            head = head[: end + len(_CLOSED)]
        held += len(head)
        if held > _MOST_HELD:
            break
        heads.append((path, head))
    if folder >= 0:
        os.close(folder)
    return heads


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
