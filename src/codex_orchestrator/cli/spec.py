"""The command `spec`."""

import click

from codex_orchestrator.cli.console import echo, say
from codex_orchestrator.cli.options import CommonOptions, common_options


@click.group()
def spec() -> None:
    """Write a new spec from the template."""


@spec.command(
    epilog="Example: codex-orchestrator spec new 0001-login --title Login --paths 'src/login/**'"
)
@common_options()
@click.argument("spec_id", metavar="ID")
@click.option("--title", metavar="TEXT", required=True, help="One line.")
@click.option("--paths", metavar="GLOB", multiple=True, help="Code that the spec owns; repeatable.")
def new(common: CommonOptions, *, spec_id: str, title: str, paths: tuple[str, ...]) -> None:
    """Write a draft spec; an existing file is never touched."""
    from codex_orchestrator.compose.settings import guard_part
    from codex_orchestrator.verbs.write_specs import write_new_spec

    settings = common.settings(is_used=False)
    folder = guard_part(settings).spec_folders[0]
    path = write_new_spec(str(settings.repo), folder, spec_id, title=title, paths=paths)
    echo(f"{path}\n")
    say(
        "next: write the spec, have it approved (`status: approved`), then "
        f"`codex-orchestrator guard accept {path} --reviewer NAME`"
    )
