"""`guard` itself, without Click: what the hook runs. `cli.guard` adds options and subcommands."""

import gc
import os
import sys
import time

from codex_orchestrator.cli.console import echo, echo_json, say
from codex_orchestrator.model.errors import ExitCode, InputError
from codex_orchestrator.system.git import repository_root
from codex_orchestrator.verbs.check_specs import (
    check_specs,
    choose_view,
    report_document,
    report_text,
)


def guard_change(
    *,
    repo: str | None = None,
    config: str | None = None,
    staged: bool = False,
    base: str | None = None,
    head: str | None = None,
    is_audit: bool = False,
    as_of: str | None = None,
    dry_run: bool = False,
    output_format: str = "text",
) -> int:
    """Check a change, print the report and return its exit code."""
    root = repository_root(repo)
    report = check_specs(
        root,
        view=choose_view(os.environ, staged=staged, base=base, head=head, is_audit=is_audit),
        as_of=this_day() if as_of is None else as_of,
        environment=os.environ,
        is_hook_repository=repo is None or root == _enclosing_root(),
        config_file=config,
    )
    # The process ends here: a last garbage collection would take a tenth of the time.
    gc.freeze()
    if output_format in ("json", "sarif"):
        echo_json(report_document(report, output_format))
    else:
        has_colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        echo(report_text(report, output_format, has_colour=has_colour))
        say(report.summary)
    if dry_run:
        say(f"dry run: exit 0; without --dry-run it would be {int(report.exit_code)}")
        return int(ExitCode.OK)
    return int(report.exit_code)


def this_day() -> str:
    """Return the present day in UTC."""
    return time.strftime("%Y-%m-%d", time.gmtime())


def _enclosing_root() -> str:
    try:
        return repository_root(None)
    except InputError:
        return ""
