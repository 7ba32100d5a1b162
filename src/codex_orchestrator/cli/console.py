"""What every command needs to talk to a person: lines on stderr, JSON on stdout."""

import contextlib
import sys

import click

from codex_orchestrator.text.shown import printable


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
