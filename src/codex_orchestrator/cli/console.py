"""What every command needs to talk to a person: lines on stderr, results on stdout.

Without Click: the hook comes this way.
"""

import contextlib
import os
import sys
from typing import TextIO

from codex_orchestrator.text.shown import printable


def echo(text: str) -> None:
    """Print text to stdout."""
    _write(sys.stdout, text)


def echo_json(document: object) -> None:
    """Print one JSON document to stdout, and nothing else."""
    import json

    echo(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def say(text: str) -> None:
    """Print a line for people to stderr. Work goes on when it cannot be shown to anybody."""
    try:
        _write(sys.stderr, f"{printable(text)}\n")
    except OSError:
        discard(sys.stderr)


def discard(*streams: TextIO) -> None:
    """Let what is still buffered go nowhere: Python flushes at exit, and would leave with 120."""
    for stream in streams:
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
    except UnicodeEncodeError:
        stream.flush()
        stream.buffer.write(text.encode("utf-8", "backslashreplace"))
    stream.flush()


def is_terminal() -> bool:
    """Say whether a person watches stderr."""
    return sys.stderr.isatty()
