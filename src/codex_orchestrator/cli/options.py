"""Options that every command has."""

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from codex_orchestrator.cli.console import echo_json, say

if TYPE_CHECKING:
    from pathlib import Path

    from codex_orchestrator.model.config import Settings
    from codex_orchestrator.verbs.records import Records

Decorated = Callable[..., Any]
PATTERN_KINDS = ("codemod", "linter", "template")


class CommonOptions(NamedTuple):
    """The options of every command: repository, configuration file, output format."""

    repo: str | None
    config: str | None
    is_json: bool

    def show(self, document: object, show_people: Callable[[], object]) -> None:
        """Print a result to stdout: a document as JSON, or what people read."""
        if self.is_json:
            echo_json(document)
        else:
            show_people()

    def settings(
        self, flags: Mapping[str, str | None] | None = None, *, is_used: bool = True
    ) -> "Settings":
        """Return the effective settings; see `load_settings`."""
        from codex_orchestrator.compose.settings import load_settings

        return load_settings(self.repo, self.config, flags=flags, is_used=is_used)

    def root(self) -> "Path":
        """Return the repository's top folder, after checking its configuration."""
        return self.settings(is_used=False).repo

    def records(self, operation: str, *, repo: "Path | None" = None) -> "Records":
        """Open the records of the repository's past runs, and say what there is to know of them.

        `repo` is the repository's top folder where it is known.
        """
        from codex_orchestrator.compose.archive import open_archive

        records = open_archive(repo or self.root(), operation=operation)
        if records.note:
            say(f"note: {records.note}")
        return records


def common_options(*formats: str) -> Callable[[Decorated], Decorated]:
    """Add `--repo`, `--config` and, with formats, `--format`; the command gets `common`."""

    def decorate(function: Decorated) -> Decorated:
        @functools.wraps(function)
        def command(
            *, repo: str | None, config: str | None, output_format: str = "", **options: Any
        ) -> Any:
            return function(common=CommonOptions(repo, config, output_format == "json"), **options)

        with_place = repository_options(command)
        return format_option(*formats)(with_place) if formats else with_place

    return decorate


def repository_options(function: Decorated) -> Decorated:
    """Add `--repo DIR` and `--config FILE` to a command."""
    function = click.option(
        "--config",
        metavar="FILE",
        help="Configuration file (default: [tool.codex-orchestrator] in pyproject.toml, "
        "else .codex-orchestrator.toml).",
    )(function)
    return click.option(
        "--repo",
        metavar="DIR",
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
        help="Format of the result on stdout; messages go to stderr.",
    )
