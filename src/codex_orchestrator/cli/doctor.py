"""`codex-orchestrator doctor`: what works on this machine, and how to fix what does not."""

import os

import click

from codex_orchestrator.cli.console import echo_json
from codex_orchestrator.cli.options import CommonOptions, common_options
from codex_orchestrator.model.errors import ExitCode
from codex_orchestrator.text.shown import printable

EXAMPLES = """\b
Examples:
  codex-orchestrator doctor
  codex-orchestrator doctor --format json
"""


@click.command(epilog=EXAMPLES)
@common_options("text", "json")
def doctor(common: CommonOptions) -> int:
    """Show what works here, how to fix what does not, and the effective configuration."""
    from codex_orchestrator.compose.run import open_broker
    from codex_orchestrator.compose.settings import in_force
    from codex_orchestrator.model.probe import Probe
    from codex_orchestrator.verbs.diagnose import diagnose_setup

    settings = common.settings()
    probes = diagnose_setup(
        settings.repo,
        settings.config,
        os.environ,
        broker=open_broker(os.environ, settings),
    )
    facts, problem = in_force(settings)
    broken = [probe for probe in probes if probe.is_required and not probe.works]
    code = ExitCode.NOT_CHECKED if broken else ExitCode.OK
    if problem is not None:
        probes = (*probes, Probe("configuration", "wrong", problem.message, problem.fix))
    if common.is_json:
        echo_json(
            {
                "schema": "doctor-report.v1",
                "probes": [probe._asdict() for probe in probes],
                "settings": facts,
            }
        )
    else:
        for probe in probes:
            click.echo(f"{probe.state:<15} {probe.name:<18} {printable(probe.detail)}")
            if probe.fix:
                click.echo(f"{'':<15} {'':<18} fix: {probe.fix}")
        click.echo("\nsettings in force:")
        for key, fact in facts.items():
            click.echo(f"  {key} = {printable(str(fact['value']))}  ({fact['origin']})")
    if problem is not None:
        raise problem
    return int(code)
