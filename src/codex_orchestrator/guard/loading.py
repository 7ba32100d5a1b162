"""Loading specs: facts from the cache, else from a clean work tree, else from git's objects."""

import os
from collections.abc import Sequence

from codex_orchestrator.guard.cache import FactsCache
from codex_orchestrator.guard.changes import Entry
from codex_orchestrator.guard.facts import Facts, malformed
from codex_orchestrator.guard.frontmatter import (
    HEAD_BYTES,
    MAX_FRONT_BYTES,
    parse_facts,
    quick_facts,
)
from codex_orchestrator.guard.git import Blobs, Git
from codex_orchestrator.guard.specs import Spec, irregular
from codex_orchestrator.model.errors import NotCheckedError

MAX_SPEC_BYTES = 1024 * 1024
_READ_BYTES = MAX_FRONT_BYTES + HEAD_BYTES
MANY = 64
"""From here on, reading the work tree is quicker than unpacking objects."""

_REWRITING = (b"filter", b"working-tree-encoding", b"ident")


def load_specs(git: Git, blobs: Blobs, entries: Sequence[Entry], cache: FactsCache) -> list[Spec]:
    """Return the specs of a snapshot with their facts."""
    missing = {
        entry.blob: entry
        for entry in entries
        if cache.entries.get(entry.blob) is None and irregular(entry) is None
    }
    if len(missing) >= MANY:
        for blob, facts in _from_work_tree(git, missing).items():
            cache.put(blob, facts)
            del missing[blob]
    answers = blobs.read_many(missing, _READ_BYTES)
    for blob, answer in zip(missing, answers, strict=True):
        cache.put(blob, _parse(answer, blob))
    specs = []
    for entry in entries:
        known = irregular(entry) or cache.get(entry.blob)
        if known is not None:
            specs.append(Spec(entry.path, entry.blob, known))
    return specs


def facts_of(blobs: Blobs, blob: str) -> Facts:
    """Return the facts of one spec, read anew.

    Raises:
        NotCheckedError: the object is missing.
    """
    return _parse(blobs.read(blob, _READ_BYTES), blob)


def _parse(answer: tuple[str, bytes, int] | None, blob: str) -> Facts:
    if answer is None:
        raise NotCheckedError(
            f"object {blob} is missing from this clone",
            fix="fetch it (`git fetch --refetch`), or use a clone without `--filter`",
        )
    _, data, size = answer
    if size > MAX_SPEC_BYTES:
        return malformed(f"the spec has {size} bytes, the limit is {MAX_SPEC_BYTES}", 1)
    return parse_facts(data, size=size)


def _from_work_tree(git: Git, missing: dict[str, Entry]) -> dict[str, Facts]:
    """Read files that are byte for byte what the index holds, only their heads.

    Git is asked after the reading which files differ, so one that changed meanwhile is not
    believed. Files that git takes on trust, or rewrites on checkout, are left to the objects.
    """
    folders = sorted({entry.path.rpartition("/")[0] for entry in missing.values()})
    if _rewrites_files(git.root, folders):
        return {}
    found: dict[str, tuple[str, Facts]] = {}
    for blob, entry in missing.items():
        head = _read_head(os.path.join(git.root, entry.path))
        facts = quick_facts(head) if head is not None else None
        if facts is not None:
            found[entry.path] = (blob, facts)
    top = folders if len(folders) < 100 else [os.path.commonpath(folders) or "."]
    dirty_job = git.start("diff-files", "--name-only", "-z", "--ignore-submodules=all", "--", *top)
    listing = git.run("ls-files", "-s", "-v", "-z", "--", *top)
    dirty = frozenset(git.finish(dirty_job).decode("utf-8", "surrogateescape").split("\0"))
    facts_by_blob = {}
    for row in listing.decode("utf-8", "surrogateescape").split("\0")[:-1]:
        meta, path = row.split("\t", 1)
        # `H` is a plain tracked file; other letters mean that git does not look at the file.
        if not meta.startswith("H ") or path in dirty or path not in found:
            continue
        blob, facts = found[path]
        if meta.split(" ")[2] == blob:
            facts_by_blob[blob] = facts
    return facts_by_blob


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
    places = {".git/info"}
    for folder in folders:
        parts = folder.split("/") if folder else []
        places.update("/".join(parts[:depth]) for depth in range(len(parts) + 1))
    for place in places:
        name = "attributes" if place == ".git/info" else ".gitattributes"
        try:
            with open(os.path.join(root, place, name), "rb") as stream:
                text = stream.read()
        except OSError:
            continue
        if any(word in text for word in _REWRITING):
            return True
    return False
