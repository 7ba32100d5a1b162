"""What every command needs to talk to a person: safe text, JSON on stdout."""

import contextlib
import sys

import click


def printable(text: str) -> str:
    """Return text with every character replaced that a terminal would obey instead of show.

    Newline and tab stay; other control, bidirectional and invisible characters become escapes.
    """
    return "".join(char if _is_shown(char) else _escape(char) for char in text)


def _is_shown(char: str) -> bool:
    return char in "\n\t" or char.isprintable()


def _escape(char: str) -> str:
    return f"\\x{ord(char):02x}" if ord(char) < 256 else f"\\u{ord(char):04x}"


def echo_json(document: object) -> None:
    """Print one JSON document to stdout, and nothing else."""
    import json

    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


def say(text: str) -> None:
    """Print a line for people to stderr. Work goes on when nobody reads it any more."""
    with contextlib.suppress(BrokenPipeError):
        click.echo(printable(text), err=True)


def is_terminal() -> bool:
    """Say whether a person watches stderr."""
    return sys.stderr.isatty()
