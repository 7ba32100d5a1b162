"""Objects in a store: create-only puts, durable when they return."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import obstore
from obstore import exceptions
from obstore.store import ObjectStore

from codex_orchestrator.model.errors import ConflictError, ServiceError
from codex_orchestrator.system.confined import ConfinedTree
from codex_orchestrator.system.durable import sync_folder
from codex_orchestrator.system.files import UnusableFileError

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
            ConflictError: a local store has something else in its place, such as a link.
            ServiceError: it is larger than anything that we put.
        """
        if self._root is not None:
            with _local_files(self._root) as files:
                return files.read(key).data if files.kind(key) else None
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
        """Yield the names of the objects below a prefix.

        In a local store also names of what is no file, such as a link: `get` says so.

        Raises:
            ConflictError: a local store has something else in the place of the prefix's folder.
        """
        if self._root is not None:
            yield from _local_keys(self._root, prefix)
            return
        for batch in obstore.list(self._store, prefix):
            for meta in batch:
                yield meta["path"]

    def _create_on_disk(self, root: Path, key: str, data: bytes) -> bool:
        """Put a file under its name only after its bytes are on the disk.

        The store itself syncs nothing: after a power cut the name could exist without its bytes,
        and look like a conflict.
        """
        incoming = f"{_INCOMING}/{key.replace('/', '-')}"
        with _local_files(root) as files:
            if files.kind(key):
                return False
            # The store itself would follow a link on the way; this says that there is one.
            files.kind(incoming)
            obstore.put(self._store, incoming, data, use_multipart=False)
            # Another process that puts the same object may remove the file at any moment.
            with contextlib.suppress(UnusableFileError), files.opened(incoming) as descriptor:
                os.fsync(descriptor)
            try:
                obstore.rename(self._store, incoming, key, overwrite=False)
            except (exceptions.AlreadyExistsError, FileNotFoundError):
                created = False
            else:
                created = True
            with contextlib.suppress(FileNotFoundError):
                obstore.delete(self._store, incoming)
            # Our own file, or the same file of a faster process.
            with files.opened(key) as descriptor:
                os.fsync(descriptor)
        for folder in (root / key).parents:
            sync_folder(folder)
            if folder == root.parent:
                break
        return created


@contextlib.contextmanager
def _local_files(root: Path) -> Iterator[ConfinedTree]:
    # The store puts a file under a second name before it takes the first one away.
    files = ConfinedTree(root, max_bytes=MAX_BYTES, allows_hard_links=True, allows_any_name=True)
    with contextlib.closing(files):
        try:
            yield files
        except UnusableFileError as error:
            raise ConflictError(
                f"the catalog holds something else in the place of a file of ours: {error.message}",
                fix=f"find out who put it there, and take it out of {root}",
            ) from error


def _local_keys(root: Path, prefix: str) -> Iterator[str]:
    with _local_files(root) as files:
        if prefix and not files.kind(prefix):
            return
        if prefix and files.kind(prefix) != "folder":
            raise UnusableFileError("is no folder", path=prefix)
    for folder, folders, names in os.walk(root / prefix, onerror=_fail):
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        for name in (*names, *links):
            yield Path(folder, name).relative_to(root).as_posix()


def _fail(error: OSError) -> None:
    raise error
