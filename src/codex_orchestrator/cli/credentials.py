"""`codex-orchestrator credentials`: where secrets come from. Prints no secret."""

import os

import click

from codex_orchestrator.cli.console import echo_json
from codex_orchestrator.cli.options import CommonOptions, common_options

EXAMPLES = """\b
Examples:
  codex-orchestrator credentials check
  codex-orchestrator credentials check --format json
"""


@click.group()
def credentials() -> None:
    """Check where secrets come from; prints none."""


@credentials.command(epilog=EXAMPLES)
@common_options("text", "json")
def check(common: CommonOptions) -> None:
    """Show for each scope whether there is a secret and how long it is valid; print no secret."""
    from codex_orchestrator.compose.run import open_broker
    from codex_orchestrator.verbs.check_credentials import (
        check_credentials,
        require_environment_source,
    )

    settings = common.settings()
    require_environment_source(settings.config)
    broker = open_broker(os.environ, settings)
    rows = check_credentials(broker, os.environ)
    if common.is_json:
        echo_json({"schema": "credentials-report.v1", "scopes": [row._asdict() for row in rows]})
        return
    for row in rows:
        where = row.source if row.is_present else f"none; set {row.source}"
        click.echo(f"{row.scope:<8} {where}  {row.lifetime}")
