"""The commands `guard` and `spec`. Light: the hook starts here."""

import gc
import os
import sys
import time
from typing import TYPE_CHECKING

import click

from codex_orchestrator.cli.console import echo_json, say
from codex_orchestrator.cli.options import format_option, repository_options
from codex_orchestrator.guard.dates import parse_day, today
from codex_orchestrator.guard.views import Wanted
from codex_orchestrator.model.errors import ExitCode, InputError
from codex_orchestrator.system.git import repository_root
from codex_orchestrator.verbs.check_specs import check_specs

if TYPE_CHECKING:
    from codex_orchestrator.guard.config import GuardConfig
    from codex_orchestrator.guard.report import Report


_EXAMPLES = """\b
Examples:
  codex-orchestrator guard --staged
  codex-orchestrator guard --base origin/main --format json
"""


@click.group(invoke_without_command=True, epilog=_EXAMPLES)
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
    # The process ends here: a last search for cycles among all that was loaded costs a tenth of it.
    gc.freeze()
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


def _given_config(path: str | None) -> "GuardConfig | None":
    if path is None:
        return None
    from codex_orchestrator.guard.config_file import read_given_config

    return read_given_config(path)


def _print(report: "Report", output_format: str) -> None:
    from codex_orchestrator.guard.render_text import render_findings, render_summary

    if output_format == "json":
        echo_json(report.as_document())
    elif output_format == "sarif":
        from codex_orchestrator import __version__
        from codex_orchestrator.guard.registry import all_rules
        from codex_orchestrator.guard.render_sarif import render_sarif

        echo_json(render_sarif(report, all_rules(), version=__version__))
    elif output_format == "github":
        from codex_orchestrator.report.annotations import render_github

        click.echo(render_github(report), nl=False)
        say(render_summary(report))
    else:
        has_colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        text = render_findings(report, has_colour=has_colour)
        click.echo(text, nl=False, color=has_colour)
        say(render_summary(report))


@guard.command(epilog="Example: codex-orchestrator guard rules --format json")
@format_option("text", "json", "markdown")
def rules(output_format: str) -> int:
    """Print every rule: code, what it sees, why, and how to mend it."""
    from codex_orchestrator.guard.registry import all_rules

    listed = all_rules()
    if output_format == "json":
        document = [
            {"code": r.code, "name": r.name, "what": r.what, "why": r.why, "fix": r.fix}
            for r in listed
        ]
        echo_json({"schema": "guard-rules.v1", "rules": document})
        return int(ExitCode.OK)
    if output_format == "markdown":
        from codex_orchestrator.guard.render_rules import render_rules

        click.echo(render_rules(listed), nl=False)
        return int(ExitCode.OK)
    for rule in listed:
        click.echo(f"{rule.code} {rule.name}\n  what: {rule.what}")
        click.echo(f"  why:  {rule.why}\n  fix:  {rule.fix}\n")
    return int(ExitCode.OK)


@guard.command(
    epilog="Example: codex-orchestrator guard accept tasks/specs/0001-login.md --reviewer Ada"
)
@click.argument("spec_file", metavar="SPEC", type=click.Path())
@click.option("--reviewer", metavar="NAME", required=True, help="Who reviewed the spec.")
@click.option(
    "--role", metavar="ROLE", default="reviewer", show_default=True, help="In which role."
)
@click.option("--as-of", metavar="YYYY-MM-DD", help="Day of the review (default: today, UTC).")
@click.pass_context
def accept(
    ctx: click.Context, *, spec_file: str, reviewer: str, role: str, as_of: str | None
) -> int:
    """Attest a review: set last_review and one approval, change no other byte."""
    from codex_orchestrator.guard.accept import accept as accept_spec
    from codex_orchestrator.guard.dates import write_day
    from codex_orchestrator.guard.spec_file import read_spec, replace_spec, spec_place

    repo, _ = ctx.obj
    day, now = _day(as_of), today(time.time())
    if day > now:
        raise InputError("a review is not in the future", field="--as-of", fix="give a past day")
    place, inside = spec_place(repository_root(repo), spec_file)
    data = read_spec(place, inside)
    changed = accept_spec(
        data, path=inside, reviewer=reviewer.strip(), role=role, day=write_day(day)
    )
    replace_spec(place, changed, inside)
    say(f"{inside}: reviewed on {write_day(day)} by {reviewer.strip()} ({role})")
    say("next: commit it, so that the guard can see it")
    return int(ExitCode.OK)


@click.group()
def spec() -> None:
    """Write a new spec from the template."""


@spec.command(
    epilog="Example: codex-orchestrator spec new 0001-login --title Login --paths 'src/login/**'"
)
@repository_options
@click.argument("spec_id", metavar="ID")
@click.option("--title", metavar="TEXT", required=True, help="One line.")
@click.option("--paths", metavar="GLOB", multiple=True, help="Code that the spec owns; repeatable.")
def new(
    *, repo: str | None, config: str | None, spec_id: str, title: str, paths: tuple[str, ...]
) -> int:
    """Write a draft spec; an existing file is never touched."""
    from codex_orchestrator.guard.config_file import read_work_tree_config
    from codex_orchestrator.guard.new_spec import spec_text, write_new_spec

    root = repository_root(repo)
    settings = _given_config(config) or read_work_tree_config(root)
    text = spec_text(spec_id, title=title, paths=paths)
    inside = write_new_spec(root, settings.spec_folders[0], spec_id, text)
    click.echo(inside)
    say(
        "next: write the spec, have it approved (`status: approved`), then "
        f"`codex-orchestrator guard accept {inside} --reviewer NAME`"
    )
    return int(ExitCode.OK)
