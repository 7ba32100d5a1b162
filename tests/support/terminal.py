"""A real terminal for tests: a process on a pseudo terminal that is read and typed into."""

import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

# The child makes the terminal its controlling one, so that Ctrl-C and Ctrl-D mean what they do.
_TAKE_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    "os.execv(sys.argv[1], sys.argv[1:])"
)
_PATIENCE_S = 110.0


class Terminal:
    """A Python process whose stdin and stderr are a terminal; stdout goes to a file."""

    def __init__(self, *argv: str, stdout: Path, environment: dict[str, str] | None = None) -> None:
        self._master, slave = pty.openpty()
        kept = {name: value for name, value in os.environ.items() if name != "CI"}
        with stdout.open("wb") as stream:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _TAKE_TERMINAL, sys.executable, *argv],
                stdin=slave,
                stdout=stream,
                stderr=slave,
                start_new_session=True,
                env=kept | (environment or {}),
            )
        os.close(slave)
        self.shown = ""
        self._read_to = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._master)

    def wait_for(self, text: str) -> None:
        """Read on until the terminal shows a text that it did not show before."""
        deadline = time.monotonic() + _PATIENCE_S
        while (found := self.shown.find(text, self._read_to)) < 0:
            if not self._read(deadline):
                raise AssertionError(f"{text!r} was never shown; there is:\n{self.shown}")
        self._read_to = found + len(text)

    def type(self, keys: str) -> None:
        """Type keys: `\\n` is the return key, `\\x03` Ctrl-C, `\\x04` Ctrl-D."""
        os.write(self._master, keys.encode())

    def end(self) -> int:
        """Read until the process is gone and return its exit code."""
        deadline = time.monotonic() + _PATIENCE_S
        while self._read(deadline):
            pass
        return self._process.wait(timeout=5)

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:  # Linux says so when nobody holds the other side any more
            return False
        self.shown += re.sub(r"\r+\n", "\n", data.decode("utf-8", "replace"))
        return bool(data)


def run_argv(repo: Path, *more: str) -> Sequence[str]:
    """Return the words of a run of the project's task, after the interpreter."""
    return ("-m", "codex_orchestrator", "run", *more, "--repo", str(repo))
