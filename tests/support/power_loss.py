"""All that a strict POSIX disk may hold after the power goes, from a recording of the calls.

Data is on the disk after fsync of the file, a name after fsync of its folder. Before that, a
folder may have any beginning of its changes, and a file none, half or all of its new bytes.
"""

import itertools
import os
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from codex_orchestrator.system.disk import Disk


class RecordingDisk(Disk):
    """Does the calls and writes them down. `forget`: which fsync is left out, as a mutant would.

    `forget` is "file", "folder", "log" or "" for none.
    """

    def __init__(self, *, forget: str = "") -> None:
        self.ops: list[tuple[Any, ...]] = []
        self._names: dict[int, str] = {}
        self._forget = forget

    def ack(self, word: str) -> None:
        """Write down that something was told."""
        self.ops.append(("ack", word))

    def open(self, path: str, flags: int, mode: int = 0o600) -> int:
        is_new = bool(flags & os.O_CREAT) and not os.path.lexists(path)
        descriptor = super().open(path, flags, mode)
        self._names[descriptor] = path
        if is_new:
            self.ops.append(("create", path))
        return descriptor

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        taken = super().write(descriptor, data)
        self.ops.append(("write", self._names[descriptor], bytes(data[:taken])))
        return taken

    def fsync(self, descriptor: int) -> None:
        super().fsync(descriptor)
        path = self._names[descriptor]
        kind = "folder" if os.path.isdir(path) else "log" if path.endswith(".log") else "file"
        if kind != self._forget:
            self.ops.append(("fsync", path))

    def truncate(self, descriptor: int, size: int) -> None:
        super().truncate(descriptor, size)
        self.ops.append(("truncate", self._names[descriptor], size))

    def replace(self, source: str, target: str) -> None:
        super().replace(source, target)
        self.ops.append(("replace", source, target))

    def unlink(self, path: str) -> None:
        super().unlink(path)
        self.ops.append(("unlink", path))

    def mkdir(self, path: str, mode: int) -> None:
        super().mkdir(path, mode)
        self.ops.append(("mkdir", path))


class Remains(NamedTuple):
    """What the disk holds after a power loss, and what had been told by then."""

    acked: tuple[str, ...]
    files: dict[str, bytes]


class _Disk:
    """Live and durable state while the recording is played."""

    def __init__(self, root: str) -> None:
        self.data: list[bytes] = []
        self.durable: list[bytes] = []
        self.live: dict[str, int] = {}
        self.names: dict[str, int | None] = {}
        self.folders = {root}
        self.pending: dict[str, list[tuple[tuple[str, int | None], ...]]] = {}
        self.acked: list[str] = []

    def _change(self, folder: str, *changes: tuple[str, int | None]) -> None:
        self.pending.setdefault(folder, []).append(changes)

    def play(self, op: tuple[Any, ...]) -> None:
        kind, *args = op
        if kind == "ack":
            self.acked.append(args[0])
            return
        path = args[0]
        folder = str(PurePosixPath(path).parent)
        if kind == "create":
            self.live[path] = len(self.data)
            self.data.append(b"")
            self.durable.append(b"")
            self._change(folder, (path, self.live[path]))
        elif kind == "mkdir":
            self._change(folder, (path, -1))
        elif kind == "write":
            self.data[self.live[path]] += args[1]
        elif kind == "truncate":
            self.data[self.live[path]] = self.data[self.live[path]][: args[1]]
        elif kind == "unlink":
            self.live.pop(path)
            self._change(folder, (path, None))
        elif kind == "replace":
            self.live[args[1]] = self.live.pop(path)
            self._change(folder, (path, None), (args[1], self.live[args[1]]))
        elif path in self.live:
            self.durable[self.live[path]] = self.data[self.live[path]]
        else:
            for changes in self.pending.pop(path, []):
                self.names.update(changes)

    def remains(self) -> Iterator[Remains]:
        folders = sorted(self.pending)
        kept = [range(len(self.pending[folder]) + 1) for folder in folders]
        for choice in itertools.product(*kept):
            names = dict(self.names)
            for folder, count in zip(folders, choice, strict=True):
                for changes in self.pending[folder][:count]:
                    names.update(changes)
            reachable = {path: inode for path, inode in names.items() if _is_there(path, names)}
            files = {path: inode for path, inode in reachable.items() if inode not in (None, -1)}
            dirty = [p for p, i in files.items() if self.data[i] != self.durable[i]]
            for parts in itertools.product((0, 1, 2), repeat=len(dirty)):
                held = {path: self.durable[inode] for path, inode in files.items()}
                for path, part in zip(dirty, parts, strict=True):
                    held[path] = _part(self.durable[files[path]], self.data[files[path]], part)
                yield Remains(tuple(self.acked), held)


def _is_there(path: str, names: dict[str, int | None]) -> bool:
    """Say whether every folder above a name that we made is there too."""
    above = [str(parent) for parent in PurePosixPath(path).parents]
    return all(names.get(folder, -1) == -1 for folder in above)


def _part(old: bytes, new: bytes, part: int) -> bytes:
    if part == 0:
        return old
    if part == 1 and len(new) >= len(old):
        return new[: (len(old) + len(new)) // 2]
    return new


def states(root: str, ops: list[tuple[Any, ...]]) -> Iterator[Remains]:
    """Yield what may be left when the power goes after each call."""
    disk = _Disk(root)
    # A folder that was never made durable is not there: `None` until its change is applied.
    disk.names = dict.fromkeys(op[1] for op in ops if op[0] == "mkdir")
    yield from disk.remains()
    for op in ops:
        disk.play(op)
        yield from disk.remains()
