"""The commands `guard` and `spec`. Light: the hook starts here."""

import os
import time

import click

from codex_orchestrator.cli.console import echo_json, printable, repository_root, say
from codex_orchestrator.cli.options import format_option, repository_options
from codex_orchestrator.guard.config import GuardConfig
from codex_orchestrator.guard.dates import parse_day, today
from codex_orchestrator.guard.report import Report
from codex_orchestrator.guard.views import Wanted
from codex_orchestrator.model.errors import ExitCode, InputError
from codex_orchestrator.pipeline.check_specs import check_specs


@click.group(invoke_without_command=True)
@repository_options
@click.option("--staged", is_flag=True, help="Check the staged change.")
@click.option("--base", metavar="REF", help="Check what the head changed since it left REF.")
@click.option("--head", metavar="REF", help="The head of that range (default: HEAD).")
@click.option("--all", "is_audit", is_flag=True, help="Audit the whole repository.")
@click.option("--as-of", metavar="YYYY-MM-DD", help="Judge dates as of this day (default: today).")
@click.option("--dry-run", is_flag=True, help="Report, and exit with 0 whatever was found.")
@format_option("text", "json", "github", "sarif")
@click.pass_context
def guard(
    ctx: click.Context,
    *,
    repo: str | None,
    config: str | None,
    staged: bool,
    base: str | None,
    head: str | None,
    is_audit: bool,
    as_of: str | None,
    dry_run: bool,
    output_format: str,
) -> int:
    """Check that changed code is covered by an approved, fresh spec.

    Without a view option the change is taken from pre-commit, else from the GitHub event, else
    from the index.
    """
    if ctx.invoked_subcommand is not None:
        ctx.obj = (repo, config)
        return 0
    root = repository_root(repo)
    report = check_specs(
        root,
        wanted=_wanted(staged=staged, base=base, head=head, is_audit=is_audit),
        today=_day(as_of),
        environment=os.environ,
        is_hook_repository=repo is None or root == _enclosing_root(),
        given_config=_given_config(config),
    )
    _print(report, output_format)
    if dry_run:
        say(f"dry run: exit 0; without --dry-run it would be {int(report.exit_code)}")
        return int(ExitCode.OK)
    return int(report.exit_code)


def _wanted(*, staged: bool, base: str | None, head: str | None, is_audit: bool) -> Wanted:
    if sum((staged, base is not None, is_audit)) > 1:
        raise InputError("--staged, --base and --all exclude each other", fix="give one of them")
    if head is not None and (staged or (base is None and not is_audit)):
        raise InputError("--head goes with --base or --all", fix="name the base with --base REF")
    if is_audit:
        return Wanted("all", head=head or "", source="--all", is_from_user=True)
    if base is not None:
        return Wanted("range", base, head or "HEAD", "--base", is_from_user=True)
    if staged:
        return Wanted("staged", source="--staged")
    from codex_orchestrator.guard.events import choose_wanted

    return choose_wanted(os.environ)


def _day(text: str | None) -> int:
    if text is None:
        return today(time.time())
    day = parse_day(text)
    if day is None:
        raise InputError(f"{text!r} is no day", field="--as-of", fix="write it as YYYY-MM-DD")
    return day


def _enclosing_root() -> str:
    try:
        return repository_root(None)
    except InputError:
        return ""


def _given_config(path: str | None) -> GuardConfig | None:
    if path is None:
        return None
    from codex_orchestrator.guard.config_file import read_given_config

    return read_given_config(path)


def _print(report: Report, output_format: str) -> None:
    if output_format == "json":
        echo_json(report.as_document())
        return
    from codex_orchestrator.guard.render_text import render_findings, render_summary

    text = render_findings(report, has_colour=False)
    if text:
        click.echo(printable(text), nl=False)
    say(render_summary(report))
