"""What every command needs to talk to a person: safe text, the repository, JSON on stdout."""

import contextlib
import os
import sys

import click

from codex_orchestrator.model.errors import InputError


def printable(text: str) -> str:
    """Return text with every character replaced that a terminal would obey instead of show.

    Newline and tab stay; other control, bidirectional and invisible characters become escapes.
    """
    return "".join(char if _is_shown(char) else _escape(char) for char in text)


def _is_shown(char: str) -> bool:
    return char in "\n\t" or char.isprintable()


def _escape(char: str) -> str:
    return f"\\x{ord(char):02x}" if ord(char) < 256 else f"\\u{ord(char):04x}"


def repository_root(start: str | None) -> str:
    """Return the top folder of the git repository that holds `start` (default: here).

    Raises:
        InputError: the folder is missing, or no work tree of a git repository.
    """
    folder = os.path.abspath(start or os.curdir)
    if not os.path.isdir(folder):
        raise InputError(
            "no such folder", path=start or folder, fix="give a folder with --repo DIR"
        )
    place = folder
    while not os.path.exists(os.path.join(place, ".git")):
        parent = os.path.dirname(place)
        if parent == place:
            raise InputError(
                "not inside the work tree of a git repository",
                path=start or folder,
                fix="run it in a repository, or name one with --repo DIR (`git init` makes one)",
            )
        place = parent
    return place


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
