"""Load specs.

Facts from the cache, else from work tree files with the blob's bytes, else from git.
"""

import os
from collections.abc import Callable, Sequence

from codex_orchestrator.guard.cache import FactsCache
from codex_orchestrator.guard.config import FRONT_MATTER, GuardConfig
from codex_orchestrator.guard.facts import NO_SPEC, Facts, RawFacts, malformed
from codex_orchestrator.guard.specs import SpecsByPath, irregular
from codex_orchestrator.guard.view_reader import ViewReader
from codex_orchestrator.model.errors import NotCheckedError
from codex_orchestrator.system.git_output import Entry
from codex_orchestrator.text.lean_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex_orchestrator.guard.formats import Formats

MAX_SPEC_BYTES = 1024 * 1024
READ_BYTES = 260 * 1024
MANY = 64
"""From this number on, reading and hashing files of the work tree is quicker than unpacking
objects."""
QUICK_BYTES = 64 * 1024
"""Files of this size or more are read from git."""


def formats_of(config: GuardConfig) -> "Formats | None":
    """Return how specs are read where the configuration says so; None for our front matter."""
    if config.specs_format == FRONT_MATTER and not config.mapping:
        return None
    from codex_orchestrator.guard.formats import Formats

    return Formats(config)


def load_specs(
    reader: ViewReader,
    entries: Sequence[Entry],
    is_spec: Callable[[str], bool],
    cache: FactsCache,
    formats: "Formats | None" = None,
) -> SpecsByPath:
    """Return the specs of a snapshot with their facts.

    Args:
        reader: git, at work on the view.
        entries: the files among which the specs are.
        is_spec: tells whether a path is a spec.
        cache: facts that are known.
        formats: how specs are read; None where all have our front matter.

    Raises:
        NotCheckedError: an object is not in this clone.
    """
    if formats is not None:
        described: dict[str, tuple[str, RawFacts]] = {}
        for path, mode, blob in entries:
            if is_spec(path):
                raw = irregular(mode) or tuple(facts_of(reader, path, blob, cache, formats))
                if raw != NO_SPEC:
                    described[path] = (blob, raw)
        return SpecsByPath(described)
    rows: dict[str, tuple[str, RawFacts]] = {}
    missing: list[Entry] = []
    known = cache.entries
    for entry in entries:
        path, mode, blob = entry
        if not is_spec(path):
            continue
        raw = (known.get(blob) if mode[:3] == "100" else irregular(mode)) or ()
        rows[path] = (blob, raw)
        if not raw:
            missing.append(entry)
    if missing:
        _read_missing(reader, missing, cache)
        for path, _, blob in missing:
            rows[path] = (blob, known[blob])
    return SpecsByPath(rows)


def _read_missing(reader: ViewReader, missing: list[Entry], cache: FactsCache) -> None:
    left = {blob: path for path, _, blob in missing if blob not in cache.entries}
    if len(left) >= MANY:
        # Imported once here, not again for each of thousands of files.
        from hashlib import sha1, sha256

        from codex_orchestrator.guard.frontmatter import parse_facts

        root = reader.git.root
        for blob, path in list(left.items()):
            data = _read_start(f"{root}/{path}")
            algorithm = sha1 if len(blob) == 40 else sha256
            if data and algorithm(b"blob %d\0%b" % (len(data), data)).hexdigest() == blob:
                cache.put(blob, parse_facts(data, size=len(data)))
                del left[blob]
    for blob, answer in zip(left, reader.blobs.read_many(left, READ_BYTES), strict=True):
        cache.put(blob, _parse(answer, blob))


def _read_start(place: str) -> bytes:
    """Return the first `QUICK_BYTES` of a file of the work tree; nothing when it is not there."""
    try:
        handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            return os.read(handle, QUICK_BYTES)
        finally:
            os.close(handle)
    except OSError:
        return b""


def facts_of(
    reader: ViewReader,
    path: str,
    blob: str,
    cache: FactsCache | None = None,
    formats: "Formats | None" = None,
) -> Facts:
    """Return the facts of one spec.

    Args:
        reader: git, at work on the view.
        path: the spec's path, which may decide on its format.
        blob: the object with its bytes.
        cache: facts that are known.
        formats: how specs are read; None where all have our front matter.

    Raises:
        NotCheckedError: the object is not in this clone.
    """
    key = formats.key(path, blob) if formats is not None else blob
    facts = cache.get(key) if cache is not None else None
    if facts is None:
        parse = formats.parser(path) if formats is not None else None
        facts = _parse(reader.blobs.read(blob, READ_BYTES), blob, parse)
        if formats is not None and cache is not None:
            cache.put(key, facts)
    return formats.settle(path, facts) if formats is not None else facts


def bare_text(reader: ViewReader, formats: "Formats | None", path: str, blob: str) -> bytes:
    """Return a spec without what only a review writes into a document; our front matter whole."""
    data = reader.text(blob) or b""
    return formats.bare(path, data) if formats is not None else data


def _parse(
    answer: tuple[str, bytes, int] | None,
    blob: str,
    parse: Callable[[bytes, int], Facts] | None = None,
) -> Facts:
    if answer is None:
        raise NotCheckedError(
            f"object {blob} is missing from this clone",
            fix="fetch it (`git fetch --refetch`), or use a clone without `--filter`",
        )
    _, data, size = answer
    if size > MAX_SPEC_BYTES:
        return malformed(f"the spec has {size} bytes, the limit is {MAX_SPEC_BYTES}", 1)
    if parse is not None:
        return parse(data, size)
    from codex_orchestrator.guard.frontmatter import parse_facts

    return parse_facts(data, size=size)
