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
_LONGEST_LINE = 64 * 1024
# A very long line is written in pieces. A secret may lie across a cut, so this much is held back.
_HELD_BACK = 8 * 1024


def unchanged(data: bytes) -> bytes:
    """Return data as it is: the redaction when there are no secrets."""
    return data


class OutputLog:
    """The log file of one command. Bytes beyond the limit are counted but not written."""

    def __init__(
        self,
        path: Path,
        *,
        limit: int,
        redact: Redaction = unchanged,
        on_line: Callable[[str], None] | None = None,
    ) -> None:
        self.path = path
        self.dropped = 0
        self._left = limit
        self._redact = redact
        self._on_line = on_line
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

    def feed(self, data: bytes) -> None:
        """Add the next bytes of output.

        Raises:
            ServiceError: the log cannot be written, for example because the disk is full.
        """
        *lines, self._pending = (self._pending + data).split(b"\n")
        for line in lines:
            self._keep(self._redact(line) + b"\n")
        if len(self._pending) > _LONGEST_LINE:
            masked = self._redact(self._pending)
            self._keep(masked[:-_HELD_BACK])
            self._pending = masked[-_HELD_BACK:]

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

    def tail(self) -> str:
        """Return the end of the output as safe text, at most 4 KiB of it."""
        text = self._tail.decode("utf-8", "replace")
        return visible(text.removeprefix("\ufffd"))

    def _keep(self, data: bytes) -> None:
        self._tail = (self._tail + data)[-TAIL_BYTES:]
        if self._on_line is not None:
            self._on_line(visible(data.decode("utf-8", "replace")).rstrip("\n"))
        kept = data[: self._left]
        self._left -= len(kept)
        self.dropped += len(data) - len(kept)
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
