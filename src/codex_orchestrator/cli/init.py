"""`codex-orchestrator init`: prepare a repository."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from codex_orchestrator.cli.console import echo_json, say
from codex_orchestrator.cli.options import format_option
from codex_orchestrator.model.errors import ExitCode
from codex_orchestrator.system.git import repository_root
from codex_orchestrator.text.shown import printable

if TYPE_CHECKING:
    from codex_orchestrator.verbs.proposal import Proposal

EXAMPLES = """\b
Examples:
  codex-orchestrator init
  codex-orchestrator init --dry-run
  codex-orchestrator init --yes --source https://git.example/team/codex-orchestrator@v1.2.0
  codex-orchestrator init --repo ../service --format json
"""
_DONE = {"create": "created", "extend": "extended", "keep": "kept", "leave out": "left out"}
_WOULD = _DONE | {"create": "would create", "extend": "would extend"}


@click.command(epilog=EXAMPLES)
@click.option("--dry-run", is_flag=True, help="Show what would be written; write nothing.")
@click.option("--yes", is_flag=True, help="Write without asking at the terminal.")
@click.option(
    "--source",
    "source_text",
    metavar="URL@COMMIT",
    help="Repository of this toolkit, and a commit or tag, for hook and workflow "
    "(default: where it was installed from).",
)
@click.option("--repo", metavar="DIR", help="Repository to prepare (default: the enclosing one).")
@format_option("text", "json")
def init(
    *, dry_run: bool, yes: bool, source_text: str | None, repo: str | None, output_format: str
) -> int:
    """Write config, a first spec and task, hooks and a workflow. Never overwrites a file.

    Shows everything as a diff, with reasons. At a terminal it asks before it writes.
    """
    from codex_orchestrator.cli.ask import agrees, can_ask
    from codex_orchestrator.system.installed import installed_source
    from codex_orchestrator.system.source import read_source
    from codex_orchestrator.verbs.init_repository import propose_init, write_proposed

    root = Path(repository_root(repo))
    source = installed_source() if source_text is None else read_source(source_text)
    proposal = propose_init(root, environment=os.environ, source=source)
    is_json = output_format == "json"
    changes = any(file.diff for file in proposal.files)
    if not is_json:
        _show(proposal)
    must_ask = changes and not (dry_run or yes) and can_ask(os.environ)
    if must_ask and not agrees("write this? [y/N] "):
        say("nothing was written")
        return int(ExitCode.INTERRUPTED)
    if not dry_run:
        write_proposed(root, proposal)
    verbs = _WOULD if dry_run else _DONE
    if is_json:
        echo_json(_document(proposal, verbs))
        return int(ExitCode.OK)
    for file in proposal.files:
        hint = f"  ({file.hint})" if file.hint else ""
        click.echo(f"{verbs[file.action]:<12} {printable(file.path)}{hint}")
    for file in proposal.files:
        if file.paste:
            click.echo(f"\nto paste into {file.path}:\n{printable(file.paste)}")
    click.echo("\nnext:\n" + "".join(f"  {line}\n" for line in proposal.next), nl=False)
    return int(ExitCode.OK)


def _show(proposal: "Proposal") -> None:
    """Print why the files are as they are, and the diffs."""
    for glob, _, reason in proposal.code:
        click.echo(f"code     {printable(glob)}  ({reason})")
    click.echo(f"checks   {printable(proposal.adapter)}")
    for file in proposal.files:
        if file.diff:
            click.echo(f"\n{printable(file.diff)}", nl=False)
    click.echo("")


def _document(proposal: "Proposal", verbs: dict[str, str]) -> dict[str, object]:
    return {
        "schema": "init-report.v1",
        "files": [
            {
                "path": file.path,
                "action": verbs[file.action],
                "hint": file.hint,
                "diff": file.diff,
                "paste": file.paste,
            }
            for file in proposal.files
        ],
        "code": [glob._asdict() for glob in proposal.code],
        "adapter": proposal.adapter,
        "next": list(proposal.next),
    }
