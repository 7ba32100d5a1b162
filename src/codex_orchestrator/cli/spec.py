"""The command `spec`."""

import os
from typing import TYPE_CHECKING

import click

from codex_orchestrator.cli.console import echo, say
from codex_orchestrator.cli.options import CommonOptions, common_options
from codex_orchestrator.model.errors import ExitCode
from codex_orchestrator.text.shown import counted, printable

if TYPE_CHECKING:
    from codex_orchestrator.verbs.spec_proposal import SpecProposal


@click.group()
def spec() -> None:
    """Write a new spec from the template, or drafts for code that no spec owns."""


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
    config = guard_part(settings)
    path = write_new_spec(str(settings.repo), config, spec_id, title=title, paths=paths)
    echo(f"{path}\n")
    say(
        "next: write the spec, commit it, and once a person approves it: "
        f"`codex-orchestrator guard accept {path} --reviewer NAME`"
    )


@spec.command(
    epilog="""\b
Examples:
  codex-orchestrator spec propose --dry-run
  codex-orchestrator spec propose --dry-run --format json
  codex-orchestrator spec propose --yes
"""
)
@common_options("text", "json")
@click.option("--dry-run", is_flag=True, help="List the drafts, write nothing.")
@click.option("--yes", is_flag=True, help="Write without asking at the terminal.")
def propose(common: CommonOptions, *, dry_run: bool, yes: bool) -> int:
    """Draft specs for code that no spec owns. Never overwrites a file.

    Shows the drafts as a list. At a terminal it asks before it writes.

    Folders, CODEOWNERS and a year of git history say what goes into one draft and who owns it. A
    draft allows nothing until a person has written and accepted it.
    """
    from codex_orchestrator.cli.ask import agrees, can_ask
    from codex_orchestrator.compose.settings import guard_part, has_code_globs
    from codex_orchestrator.verbs.propose_specs import propose_specs, write_drafts

    settings = common.settings(is_used=False)
    root = str(settings.repo)
    is_named = has_code_globs(settings)
    proposal = propose_specs(root, guard_part(settings), os.environ, has_code_globs=is_named)
    if not common.is_json:
        _list_drafts(proposal)
    must_ask = bool(proposal.drafts) and not (dry_run or yes) and can_ask(os.environ)
    if must_ask and not agrees("write these drafts? [y/N] "):
        say("nothing was written")
        return int(ExitCode.INTERRUPTED)
    if not dry_run:
        write_drafts(root, proposal.drafts)
    common.show(proposal.as_document(is_written=not dry_run), lambda: None)
    if proposal.drafts:
        say(
            "next: `codex-orchestrator spec propose` writes them"
            if dry_run
            else "next: write each spec, commit it, then "
            f"`codex-orchestrator guard accept {proposal.drafts[0].path} --reviewer NAME`"
        )
    return int(ExitCode.OK)


def _list_drafts(proposal: "SpecProposal") -> None:
    for draft in proposal.drafts:
        owners = f"; {', '.join(draft.owners)} ({draft.owners_from})" if draft.owners else ""
        echo(f"{draft.path}  {counted(draft.files, 'file')}{printable(owners)}\n")
        for glob in draft.paths[:5]:
            echo(f"  {glob}\n")
        if len(draft.paths) > 5:
            echo(f"  and {len(draft.paths) - 5} more\n")
    proposed = sum(draft.files for draft in proposal.drafts)
    say(
        f"{counted(len(proposal.drafts), 'draft')} for {proposed} of "
        f"{counted(proposal.code, 'file')} of code; {proposal.owned} had a spec"
        + (f"; {proposal.left} have names that no glob can say" if proposal.left else "")
    )
