"""The output of `sync` for people."""

import click

from codex_orchestrator.cli.console import say
from codex_orchestrator.model.sync import SyncReport
from codex_orchestrator.text.shown import printable


def echo_sync(report: SyncReport) -> None:
    """Print a line for each receipt to stdout, and what was not sent to stderr."""
    for receipt in report.synced:
        word = "stored" if receipt.created else "confirmed"
        click.echo(printable(f"{receipt.run_id}  {word}  {receipt.catalog}  {receipt.key}"))
    for run_id in report.to_do:
        click.echo(printable(f"{run_id}  would be sent to {report.catalog}"))
    for skipped in report.skipped:
        say(f"{skipped.run_id} skipped: {skipped.reason}")
    for failure in report.failed:
        say(f"{failure.run_id} not sent ({failure.kind}): {failure.reason}")
        for finding in failure.findings:
            say(f"  {finding.path}: {finding.rule}: {finding.message}")
        if failure.fix:
            say(f"  fix: {failure.fix}")
    say(_summary(report))


def _summary(report: SyncReport) -> str:
    if not (report.synced or report.failed or report.to_do):
        return f"nothing to sync: 0 to do, {report.already_synced} already in {report.catalog}"
    sent = f"{len(report.to_do)} to do" if report.dry_run else f"{len(report.synced)} synced"
    return (
        f"{sent}, {report.already_synced} were already in {report.catalog}, "
        f"{len(report.failed)} failed"
    )
