"""The log of a command's output: secrets masked, size bounded, the last lines kept for reports."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from codex_orchestrator.model.errors import ServiceError
from codex_orchestrator.system.durable import write_all
from codex_orchestrator.text.shown import visible

Redaction: TypeAlias = Callable[[bytes], bytes]
"""Takes bytes and returns them with secrets masked."""

TAIL_BYTES = 4096
# A secret may be broken over lines and lie across what is read at once, so this much is held back
# until more is there, and searched again with it.
HELD_BACK = 16 * 1024
_CUT_STEP = 512


def unchanged(data: bytes) -> bytes:
    """Return data as it is: the redaction when there are no secrets."""
    return data


class OutputLog:
    """The log file of one command. Bytes beyond the limit are counted but not written."""

    def __init__(self, path: Path, *, limit: int, redact: Redaction = unchanged) -> None:
        self.path = path
        self._limit = self._left = limit
        self._printed = 0
        self._redact = redact
        self._pending = b""
        self._tail = b""
        try:
            self._fd = os.open(
                path,
                os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC,
                0o600,
            )
        except OSError as error:
            raise self._error(error) from error

    @property
    def dropped(self) -> int:
        """How many bytes were printed beyond the limit."""
        return max(0, self._printed - self._limit)

    def feed(self, data: bytes) -> None:
        """Add the next bytes of output.

        Raises:
            ServiceError: the log cannot be written, for example because the disk is full.
        """
        self._printed += len(data)
        if self._redact is unchanged:
            self._keep(data)
            return
        self._pending += data
        if len(self._pending) > 2 * HELD_BACK:
            self._keep_masked(self._pending)

    def close(self) -> None:
        """Write what is held back, and a notice when bytes were dropped, and sync the file.

        Raises:
            ServiceError: the log cannot be written.
        """
        if self._fd < 0:
            return
        fd = self._fd
        try:
            if self._pending:
                self._keep(self._redact(self._pending))
                self._pending = b""
            if self.dropped:
                self._write(f"\n[log cut here: {self.dropped} more bytes were not kept]\n".encode())
            os.fsync(fd)
        except OSError as error:
            raise self._error(error) from error
        finally:
            self._fd = -1
            os.close(fd)

    def _keep_masked(self, data: bytes) -> None:
        """Keep all but the end of what is pending, cut where no secret lies across the cut."""
        masked = self._redact(data)
        last = len(data) - HELD_BACK
        for cut in range(last, last - HELD_BACK, -_CUT_STEP):
            start = self._redact(data[:cut]) if masked != data else data[:cut]
            rest = data[cut:]
            if masked == data or start + self._redact(rest) == masked:
                break
        else:
            # Secrets stand side by side. Those that are complete are masked; what may be the start
            # of another one is in the rest.
            start, rest = masked[:-HELD_BACK], masked[-HELD_BACK:]
        self._pending = rest
        self._keep(start)

    def tail(self) -> str:
        """Return the end of the output as safe text, at most 4 KiB of it."""
        text = self._tail.decode("utf-8", "replace")
        return visible(text.removeprefix("\ufffd"))

    def _keep(self, data: bytes) -> None:
        self._tail = (self._tail + data)[-TAIL_BYTES:]
        kept = data[: self._left]
        self._left -= len(kept)
        self._write(kept)

    def _write(self, data: bytes) -> None:
        try:
            write_all(self._fd, data)
        except OSError as error:
            raise self._error(error) from error

    def _error(self, error: OSError) -> ServiceError:
        return ServiceError(
            f"{self.path}: the log cannot be written: {error.strerror}",
            fix="free some space, then resume the run",
        )
