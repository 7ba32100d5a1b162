"""The command `guard` with its options and subcommands."""

from typing import Any

import click

from codex_orchestrator.cli.console import echo, echo_json, say
from codex_orchestrator.cli.guard_change import guard_change, this_day
from codex_orchestrator.cli.options import format_option, repository_options
from codex_orchestrator.model.errors import ExitCode

_EXAMPLES = """\b
Examples:
  codex-orchestrator guard --staged
  codex-orchestrator guard --base origin/main --format json
"""


@click.group(invoke_without_command=True, epilog=_EXAMPLES)
@repository_options
@click.option("--staged", is_flag=True, help="Check the staged change.")
@click.option(
    "--base", metavar="REF", help="Check what the head changed since it branched off REF."
)
@click.option("--head", metavar="REF", help="The head of that range (default: HEAD).")
@click.option("--all", "is_audit", is_flag=True, help="Audit the whole repository.")
@click.option("--as-of", metavar="YYYY-MM-DD", help="Judge dates as of this day (default: today).")
@click.option("--dry-run", is_flag=True, help="Report findings, but exit with 0.")
@format_option("text", "json", "github", "sarif")
@click.pass_context
def guard(ctx: click.Context, /, *, repo: str | None, config: str | None, **options: Any) -> int:
    """Check that changed code is covered by an approved, fresh spec.

    Without a view option the change comes from pre-commit, else from the GitHub event, else from
    the index.
    """
    if ctx.invoked_subcommand is not None:
        ctx.obj = (repo, config)
        return int(ExitCode.OK)
    return guard_change(repo=repo, config=config, **options)


@guard.command(epilog="Example: codex-orchestrator guard rules --format json")
@format_option("text", "json", "markdown")
def rules(output_format: str) -> None:
    """Print every rule: code, what it finds, why, and how to fix it."""
    from codex_orchestrator.verbs.check_specs import rules_document, rules_text

    if output_format == "json":
        echo_json(rules_document())
    else:
        echo(rules_text(output_format))


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
) -> None:
    """Record a review: set last_review, one approval and the status, change no other byte.

    In a document of another format (`specs_format`) it does so in its notation.
    """
    from codex_orchestrator.compose.settings import guard_part, load_settings
    from codex_orchestrator.verbs.write_specs import accept_spec

    reviewer, today = reviewer.strip(), this_day()
    settings = load_settings(*ctx.obj, is_used=False)
    path, day = accept_spec(
        str(settings.repo),
        spec_file,
        reviewer=reviewer,
        role=role,
        as_of=today if as_of is None else as_of,
        today=today,
        config=guard_part(settings),
    )
    say(f"{path}: reviewed on {day} by {reviewer} ({role})")
    say("next: commit it, so that the guard can see it")
