"""Options that every command has."""

from collections.abc import Callable
from typing import Any

import click

Decorated = Callable[..., Any]


def repository_options(function: Decorated) -> Decorated:
    """Add `--repo DIR` and `--config FILE` to a command."""
    function = click.option(
        "--config",
        metavar="FILE",
        default=None,
        help="Configuration file (default: [tool.codex-orchestrator] in pyproject.toml, "
        "else .codex-orchestrator.toml).",
    )(function)
    return click.option(
        "--repo",
        metavar="DIR",
        default=None,
        help="Repository to work on (default: the enclosing one).",
    )(function)


def format_option(*formats: str) -> Callable[[Decorated], Decorated]:
    """Add `--format` with the given choices, the first one being the default."""
    return click.option(
        "--format",
        "output_format",
        type=click.Choice(formats),
        default=formats[0],
        show_default=True,
        help="What stdout gets; text for people goes to stderr.",
    )
