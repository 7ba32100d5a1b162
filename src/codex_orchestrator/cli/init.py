"""`codex-orchestrator init`: prepare a repository."""

from pathlib import Path

import click

from codex_orchestrator.cli.console import echo_json, say
from codex_orchestrator.cli.options import format_option
from codex_orchestrator.system.git import repository_root
from codex_orchestrator.text.shown import printable

EXAMPLES = """\b
Examples:
  codex-orchestrator init
  codex-orchestrator init --dry-run
  codex-orchestrator init --repo ../service --format json
"""


@click.command(epilog=EXAMPLES)
@click.option("--dry-run", is_flag=True, help="Show what would be written; write nothing.")
@click.option("--repo", metavar="DIR", help="Repository to prepare (default: the enclosing one).")
@format_option("text", "json")
def init(*, dry_run: bool, repo: str | None, output_format: str) -> None:
    """Write config, a first spec and task, hooks and a workflow. Never overwrites a file."""
    from codex_orchestrator.system.clock import utc_now
    from codex_orchestrator.verbs.init_repository import init_repository

    root = Path(repository_root(repo))
    prepared = init_repository(root, today=utc_now()[:10], is_dry_run=dry_run)
    if output_format == "json":
        echo_json(
            {"schema": "init-report.v1", "files": [dict(file._asdict()) for file in prepared]}
        )
        return
    for file in prepared:
        hint = f"  ({file.hint})" if file.hint else ""
        click.echo(f"{file.action:<12} {printable(file.path)}{hint}")
    say("next: edit the spec, then `codex-orchestrator guard --all`")
