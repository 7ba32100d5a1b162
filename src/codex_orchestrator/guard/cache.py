"""The cache of facts by blob id: it saves time and can change no verdict.

It holds what follows from a blob's bytes alone, under a checksum. A missing, torn, old or foreign
file is the same as none. It lies in the git folder, where whoever can write can already do worse.
"""

import marshal
import os
import sys
import zlib

from codex_orchestrator.guard.config import GuardConfig, Mapping, Waiver
from codex_orchestrator.guard.facts import APPROVALS, ApprovalFacts, Facts, RawFacts
from codex_orchestrator.guard.specs import SpecsByPath

_NAME_OF_KIND = b"codex-orchestrator guard facts "
_VERSION = 4
_NAME = "codex-orchestrator-guard.cache"
NO_CONFIG = GuardConfig(source="none")
"""Marks a file without our table, which is not the same as the defaults."""

_LIMIT_BYTES = 64 * 1024 * 1024


class FactsCache:
    """Facts by blob id, loaded once and written back if something was added."""

    def __init__(self, path: str) -> None:
        loaded = _load(path) if path else {}
        # What a newer version wrote is not written over.
        self.path = path if loaded is not None else ""
        self.entries = loaded or {}
        self._added = False
        self._approvals: dict[ApprovalFacts, ApprovalFacts] = {}

    def get(self, blob: str) -> Facts | None:
        """Return the facts of a blob, or None."""
        raw = self.entries.get(blob)
        return Facts._make(raw) if raw is not None else None

    def put(self, blob: str, facts: Facts) -> None:
        """Add the facts of a blob; equal approvals are kept, and later read, once."""
        approvals = tuple([self._approvals.setdefault(entry, entry) for entry in facts.approvals])
        self.entries[blob] = (*facts[:APPROVALS], approvals, *facts[APPROVALS + 1 :])
        self._added = True

    def get_config(self, name: str, blob: str) -> GuardConfig | None:
        """Return the configuration in a file's blob, or `NO_CONFIG` if it is known to have none."""
        raw = self.entries.get(f"{name}:{blob}")
        if raw is None:
            return None
        if not raw:
            return NO_CONFIG
        config = GuardConfig._make(raw)
        return config._replace(
            waivers=tuple(map(Waiver._make, config.waivers)),
            mapping=tuple(map(Mapping._make, config.mapping)),
        )

    def put_config(self, name: str, blob: str, config: GuardConfig) -> None:
        """Add the configuration in a file's blob; a name with a commit is not a blob."""
        if ":" in blob:
            return
        waivers, mapping = (tuple(map(tuple, rows)) for rows in (config.waivers, config.mapping))
        plain = config._asdict() | {"waivers": waivers, "mapping": mapping}
        self.entries[f"{name}:{blob}"] = () if config is NO_CONFIG else tuple(plain.values())
        self._added = True

    def save(self, specs: SpecsByPath) -> None:
        """Replace the file when something was added; forget blobs that are long gone.

        A cache that cannot be written is not an error.
        """
        if not self._added or not self.path:
            return
        if len(self.entries) > 2 * len(specs) + 1000:
            wanted = {blob for blob, _ in specs.rows.values()}
            self.entries = {blob: raw for blob, raw in self.entries.items() if blob in wanted}
        body = marshal.dumps(self.entries)
        temporary = f"{self.path}.{os.getpid()}.tmp"
        try:
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb", buffering=0) as stream:
                stream.write(_header(body) + body)
            os.replace(temporary, self.path)
        except OSError:
            return


def _header(body: bytes) -> bytes:
    # The marshal format belongs to one Python version.
    version = f"{sys.hexversion:x}"
    checked = f"{_VERSION} {version} {len(body)} {zlib.crc32(body):08x}\n"
    return _NAME_OF_KIND + checked.encode()


def _load(path: str) -> dict[str, RawFacts] | None:
    """Return what a file holds; None when a newer version wrote it."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb", buffering=0) as stream:
            data = stream.read(_LIMIT_BYTES)
    except OSError:
        return {}
    header, newline, body = data.partition(b"\n")
    if header + newline != _header(body):
        found = header.removeprefix(_NAME_OF_KIND)[:9].partition(b" ")[0]
        is_ours = header.startswith(_NAME_OF_KIND) and found.isdigit()
        return None if is_ours and int(found) > _VERSION else {}
    entries = marshal.loads(body)  # noqa: S302 - ours: the checksum was right
    return entries if isinstance(entries, dict) else {}


def cache_path(root: str, git_dir: str | None) -> str:
    """Return where the cache of a repository lies; "" when there is no such folder.

    All work trees of a repository share one, found without asking git.
    """
    place = os.path.join(root, git_dir or ".git")
    try:
        if os.path.isfile(place):
            with open(place, encoding="utf-8") as stream:
                place = os.path.join(root, stream.read(4096).removeprefix("gitdir:").strip())
        common = os.path.join(place, "commondir")
        if os.path.isfile(common):
            with open(common, encoding="utf-8") as stream:
                place = os.path.join(place, stream.read(4096).strip())
    except (OSError, UnicodeDecodeError):
        return ""
    return os.path.normpath(os.path.join(place, _NAME)) if os.path.isdir(place) else ""
