"""A disk that stops, fails or takes part of the data at the n-th call that changes it."""

import errno
import os
import signal
from collections.abc import Callable
from typing import Any, TypeVar

from codex_orchestrator.system.disk import Disk

_T = TypeVar("_T")

FAULTS = ("kill-before", "kill-after", "short-then-kill", "EIO", "ENOSPC", "short")


class CountingDisk(Disk):
    """Counts the calls and remembers their names."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def open(self, path: str, flags: int, mode: int = 0o600) -> int:
        return self._call("open", lambda: super(CountingDisk, self).open(path, flags, mode))

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        return self._call("write", lambda: super(CountingDisk, self).write(descriptor, data))

    def fsync(self, descriptor: int) -> None:
        self._call("fsync", lambda: super(CountingDisk, self).fsync(descriptor))

    def truncate(self, descriptor: int, size: int) -> None:
        self._call("truncate", lambda: super(CountingDisk, self).truncate(descriptor, size))

    def close(self, descriptor: int) -> None:
        self._call("close", lambda: super(CountingDisk, self).close(descriptor))

    def replace(self, source: str, target: str) -> None:
        self._call("replace", lambda: super(CountingDisk, self).replace(source, target))

    def unlink(self, path: str) -> None:
        self._call("unlink", lambda: super(CountingDisk, self).unlink(path))

    def mkdir(self, path: str, mode: int) -> None:
        self._call("mkdir", lambda: super(CountingDisk, self).mkdir(path, mode))

    def _call(self, name: str, act: Callable[[], _T]) -> _T:
        self.calls.append(name)
        return act()


class FaultyDisk(CountingDisk):
    """Has one fault at one call. `at` counts from 0."""

    def __init__(self, *, at: int, fault: str) -> None:
        super().__init__()
        self._at = at
        self._fault = fault

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        if len(self.calls) == self._at and self._fault.startswith("short") and len(data) > 1:
            self.calls.append("write")
            taken = os.write(descriptor, bytes(data)[: len(data) // 2])
            if self._fault == "short-then-kill":
                os.kill(os.getpid(), signal.SIGKILL)
            return taken
        return super().write(descriptor, data)

    def _call(self, name: str, act: Callable[[], Any]) -> Any:
        is_now = len(self.calls) == self._at
        self.calls.append(name)
        if not is_now:
            return act()
        if self._fault == "kill-before":
            os.kill(os.getpid(), signal.SIGKILL)
        if self._fault in ("EIO", "ENOSPC"):
            if name == "close":
                # The descriptor is gone even when close reports an error.
                act()
            code = getattr(errno, self._fault)
            raise OSError(code, os.strerror(code))
        result = act()
        if self._fault in ("kill-after", "short-then-kill"):
            os.kill(os.getpid(), signal.SIGKILL)
        return result
