"""Objects in a store: create-only puts, durable when they return."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import obstore
from obstore import exceptions
from obstore.store import ObjectStore

from codex_orchestrator.model.errors import ServiceError

MAX_BYTES = 16 * 1024 * 1024
_INCOMING = "incoming"


class Objects:
    """One object store. `root` is its folder when it is a local one."""

    def __init__(self, store: ObjectStore, *, root: Path | None = None) -> None:
        self._store = store
        self._root = root

    def get(self, key: str) -> bytes | None:
        """Return an object's bytes; None when there is none.

        Raises:
            ServiceError: it is larger than anything that we put.
        """
        try:
            found = obstore.get(self._store, key)
        except FileNotFoundError:
            return None
        if found.meta["size"] > MAX_BYTES:
            raise ServiceError(
                f"object {key} has {found.meta['size']} bytes, more than this tool writes"
            )
        return bytes(found.bytes())

    def create(self, key: str, data: bytes) -> bool:
        """Put an object unless there is one of that name; say whether this put created it."""
        if self._root is not None:
            return self._create_on_disk(self._root, key, data)
        try:
            obstore.put(self._store, key, data, mode="create", use_multipart=False)
        except (exceptions.AlreadyExistsError, exceptions.PreconditionError):
            return False
        return True

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the names of the objects below a prefix."""
        for batch in obstore.list(self._store, prefix):
            for meta in batch:
                yield meta["path"]

    def _create_on_disk(self, root: Path, key: str, data: bytes) -> bool:
        """Put a file under its name only after its bytes are on the disk.

        The store itself syncs nothing: after a power cut the name could exist without its bytes,
        and look like a conflict.
        """
        if (root / key).exists():
            return False
        incoming = f"{_INCOMING}/{key.replace('/', '-')}"
        obstore.put(self._store, incoming, data, use_multipart=False)
        # Another process that puts the same object may remove the file at any moment.
        with contextlib.suppress(FileNotFoundError):
            _sync(root / incoming, os.O_RDONLY)
        try:
            obstore.rename(self._store, incoming, key, overwrite=False)
        except (exceptions.AlreadyExistsError, FileNotFoundError):
            created = False
        else:
            created = True
        with contextlib.suppress(FileNotFoundError):
            obstore.delete(self._store, incoming)
        # Our own file, or the same file of a faster process.
        _sync(root / key, os.O_RDONLY)
        for folder in (root / key).parents:
            _sync(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
            if folder == root.parent:
                break
        return created


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
