"""`codex-orchestrator runs` and `audit`: list, show and verify what happened."""

from functools import partial

import click

from codex_orchestrator.cli.console import say
from codex_orchestrator.cli.options import CommonOptions, common_options
from codex_orchestrator.model.errors import ExitCode, InputError


@click.group()
def runs() -> None:
    """List, show and verify runs."""


@runs.command("list", epilog="Example: codex-orchestrator runs list --task 0007-logging")
@click.option("--task", metavar="ID", help="Only runs of this task.")
@common_options("text", "json")
def list_runs(common: CommonOptions, *, task: str | None) -> None:
    """List every run folder, damaged ones too."""
    from codex_orchestrator.cli.runs_output import echo_runs
    from codex_orchestrator.verbs.read_runs import list_runs

    found = list_runs(common.records("list").store, task_id=task)
    document = [run.model_dump(mode="json") for run in found]
    common.show({"schema": "run-list.v1", "runs": document}, partial(echo_runs, found))


@runs.command(epilog="Example: codex-orchestrator runs show 20261122t1915 --format json")
@click.argument("run_id", metavar="RUN")
@common_options("text", "json")
def show(common: CommonOptions, run_id: str) -> None:
    """Show the manifest of RUN: its id, or the beginning of it."""
    from codex_orchestrator.cli.runs_output import echo_manifest
    from codex_orchestrator.verbs.read_runs import show_run

    shown = show_run(common.records("show").store, run_id)
    common.show(shown.document, partial(echo_manifest, shown))


@runs.command(epilog="Example: codex-orchestrator runs verify --format json")
@click.argument("run_id", metavar="[RUN]", required=False)
@common_options("text", "json")
def verify(common: CommonOptions, run_id: str | None) -> int:
    """Compute every hash of RUN, or of all runs, again and compare it with all records."""
    from codex_orchestrator.cli.runs_output import echo_verification
    from codex_orchestrator.verbs.verify_runs import verify_runs

    report = verify_runs(run_id, common.records("verify"))
    document = report.model_dump(mode="json", by_alias=True)
    common.show(document, partial(echo_verification, report))
    return int(report.exit_code)


@runs.command(epilog="Example: codex-orchestrator runs rebuild 0007-logging")
@click.argument("tasks", metavar="[TASK]...", nargs=-1)
@common_options()
def rebuild(common: CommonOptions, tasks: tuple[str, ...]) -> None:
    """Write out/<task>/state.json again from the manifests."""
    from codex_orchestrator.verbs.read_runs import rebuild_states

    for state in rebuild_states(tasks, common.records("rebuild")):
        say(f"{state.task_id}: {len(state.runs)} runs")


@runs.command(epilog="Example: codex-orchestrator runs gc --keep 10 --older-than 30 --delete")
@click.option(
    "--keep", type=click.IntRange(min=0), metavar="N", help="Keep the N newest runs of each task."
)
@click.option(
    "--older-than", type=click.IntRange(min=0), metavar="DAYS", help="Only runs that are older."
)
@click.option("--unsynced", is_flag=True, help="Also runs that are in no catalog.")
@click.option("--unfinished", is_flag=True, help="Also runs that could still be resumed.")
@click.option(
    "--dry-run/--delete",
    default=True,
    show_default=True,
    help="Show what would go, or remove it.",
)
@common_options("text", "json")
def gc(
    common: CommonOptions,
    *,
    keep: int | None,
    older_than: int | None,
    unsynced: bool,
    unfinished: bool,
    dry_run: bool,
) -> None:
    """Remove old runs that are finished and in a catalog; the audit log records each removal.

    Work trees that no run will use again are removed as well.
    """
    from codex_orchestrator.cli.runs_output import echo_removal
    from codex_orchestrator.compose.archive import open_work_trees
    from codex_orchestrator.system.clock import utc_now
    from codex_orchestrator.verbs.remove_runs import RemovalRule, remove_runs

    if keep is None and older_than is None:
        raise InputError(
            "no rule for what may be removed",
            fix="give --keep N or --older-than DAYS",
            field="gc",
        )
    root = common.root()
    removal = remove_runs(
        RemovalRule(keep, older_than, even_unsynced=unsynced, even_unfinished=unfinished),
        common.records("gc", repo=root),
        trees=open_work_trees(root),
        now=utc_now(),
        is_dry_run=dry_run,
    )
    document = {
        "schema": "runs-gc.v1",
        "dry_run": dry_run,
        "removed": removal.removed,
        "work_trees": [tree.name for tree in removal.work_trees],
        "kept": removal.kept,
    }
    common.show(document, partial(echo_removal, removal, is_dry_run=dry_run))


@click.group()
def audit() -> None:
    """Show or verify the audit log."""


@audit.command("show", epilog="Example: codex-orchestrator audit show --event synced --last 5")
@click.option("--event", metavar="NAME", help="Only this event.")
@click.option("--run", "run_id", metavar="RUN", help="Only this run.")
@click.option("--task", metavar="ID", help="Only this task.")
@click.option("--level", type=click.Choice(["info", "error"]), help="Only records of this level.")
@click.option("--last", type=click.IntRange(min=1), metavar="N", help="Only the last N records.")
@common_options("text", "json")
def show_audit(
    common: CommonOptions,
    *,
    event: str | None,
    run_id: str | None,
    task: str | None,
    level: str | None,
    last: int | None,
) -> int:
    """Show records of the audit log."""
    from codex_orchestrator.cli.runs_output import audit_document, echo_audit
    from codex_orchestrator.verbs.read_runs import Wanted, show_log

    audit = common.records("show").audit
    shown = show_log(audit, Wanted(event, run_id, task, level, last))
    common.show(audit_document(shown), partial(echo_audit, shown))
    return int(ExitCode.FINDINGS if shown.check.has_errors else ExitCode.OK)


@audit.command("verify", epilog="Example: codex-orchestrator audit verify --format json")
@common_options("text", "json")
def verify_audit(common: CommonOptions) -> int:
    """Check the chain of the audit log."""
    from codex_orchestrator.cli.runs_output import audit_document, echo_audit
    from codex_orchestrator.verbs.read_runs import ShownLog

    shown = ShownLog((), common.records("verify").audit.check())
    common.show(audit_document(shown), partial(echo_audit, shown))
    return int(shown.check.exit_code)
