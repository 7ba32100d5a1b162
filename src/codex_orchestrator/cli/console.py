"""Output of every command: lines for people on stderr, results on stdout.

Without Click, because the hook uses it.
"""

import contextlib
import os
import sys

from codex_orchestrator.text.lean_typing import TextIO
from codex_orchestrator.text.shown import printable


def echo(text: str) -> None:
    """Print text to stdout."""
    _write(sys.stdout, text)


def echo_json(document: object) -> None:
    """Print one JSON document to stdout, and nothing else."""
    import json

    echo(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def say(text: str) -> None:
    """Print a line for people to stderr. When it cannot be written, the work continues."""
    try:
        _write(sys.stderr, f"{printable(text)}\n")
    except OSError:
        discard(sys.stderr)


def discard(*streams: TextIO) -> None:
    """Discard what is still buffered: Python flushes at exit, and would exit with 120."""
    for stream in streams:
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
    except UnicodeEncodeError:
        stream.flush()
        # Bytes go past a stream that masks secrets.
        text = getattr(stream, "masked", str)(text)
        stream.buffer.write(text.encode("utf-8", "backslashreplace"))
    stream.flush()
