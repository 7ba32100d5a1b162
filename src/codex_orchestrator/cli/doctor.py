"""`codex-orchestrator doctor`: what works on this machine, and how to fix what does not."""

import os
import time

import click

from codex_orchestrator.cli.console import echo_json
from codex_orchestrator.cli.options import CommonOptions, common_options
from codex_orchestrator.model.errors import ExitCode
from codex_orchestrator.model.probe import Probe
from codex_orchestrator.text.shown import printable

EXAMPLES = """\b
Examples:
  codex-orchestrator doctor
  codex-orchestrator doctor --seconds 60
  codex-orchestrator doctor --format json
"""


@click.command(epilog=EXAMPLES)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0.1, max=3600),
    metavar="N",
    help="How long listing the tests (default 30) or the model's server (default 5) may take.",
)
@common_options("text", "json")
def doctor(common: CommonOptions, *, seconds: float | None) -> int:
    """Try what a run needs here, show how to fix what does not work, and the configuration.

    Nothing is changed. The exit code is 3 when something that every run needs is missing.
    """
    from codex_orchestrator.compose.doctor import open_subject
    from codex_orchestrator.compose.settings import in_force
    from codex_orchestrator.system.clock import utc_now
    from codex_orchestrator.verbs.diagnose.everything import diagnose_setup

    settings = common.settings()
    subject = open_subject(settings, os.environ)
    facts, problem = in_force(settings)
    looked = diagnose_setup(subject, now=utc_now(), now_s=time.time(), seconds=seconds)
    probes = []
    for probe in looked:
        probes.append(probe)
        if not common.is_json:
            _show(probe)
    if problem is not None:
        probes.append(Probe("configuration", "wrong", problem.message, problem.fix))
    note = subject.records.note
    broken = [probe.name for probe in probes if probe.is_required and not probe.works]
    if common.is_json:
        document = {
            "schema": "doctor-report.v1",
            "probes": [probe._asdict() for probe in probes],
            "missing": broken,
            "records": {"folder": str(subject.records.store.paths.repo), "note": note},
            "settings": facts,
        }
        echo_json(document)
    else:
        for probe in probes[-1:] if problem is not None else ():
            _show(probe)
        click.echo(f"\nrecords of runs: {printable(str(subject.records.store.paths.repo))}")
        if note:
            click.echo(f"  note: {printable(note)}")
        click.echo("\nsettings in force:")
        for key, fact in facts.items():
            click.echo(f"  {key} = {printable(str(fact['value']))}  ({fact['origin']})")
        if broken:
            click.echo(f"\nmissing for a run: {', '.join(broken)}")
    if problem is not None:
        raise problem
    return int(ExitCode.NOT_CHECKED if broken else ExitCode.OK)


def _show(probe: Probe) -> None:
    click.echo(f"{probe.state:<15} {probe.name:<20} {printable(probe.detail)}")
    lines = probe.fix.rstrip("\n").split("\n") if probe.fix else []
    for number, line in enumerate(lines):
        click.echo(f"{'':<15} {'':<20} {'' if number else 'fix: '}{printable(line)}")
