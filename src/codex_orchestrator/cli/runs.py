"""`codex-orchestrator runs` and `audit`: list, show and verify what happened."""

import click

from codex_orchestrator.cli.console import echo_json, say
from codex_orchestrator.cli.options import format_option, repository_options
from codex_orchestrator.compose.settings import load_settings
from codex_orchestrator.model.errors import ExitCode, InputError


@click.group()
def runs() -> None:
    """List, show and verify runs."""


@runs.command("list", epilog="Example: codex-orchestrator runs list --task 0007-logging")
@click.option("--task", metavar="ID", default=None, help="Only runs of this task.")
@format_option("text", "json")
@repository_options
def list_runs(
    *, task: str | None, output_format: str, repo: str | None, config: str | None
) -> None:
    """List every run folder, damaged ones too."""
    from codex_orchestrator.cli.runs_output import echo_runs
    from codex_orchestrator.compose.archive import open_archive

    store = open_archive(load_settings(repo, config, is_used=False).repo, operation="list").store
    found = [run for run in store.list() if task in (None, run.task_id)]
    if output_format == "json":
        document = [run.model_dump(mode="json") for run in found]
        echo_json({"schema": "run-list.v1", "runs": document})
    else:
        echo_runs(found)


@runs.command(epilog="Example: codex-orchestrator runs show 20261122t1915 --format json")
@click.argument("run_id", metavar="RUN")
@format_option("text", "json")
@repository_options
def show(run_id: str, *, output_format: str, repo: str | None, config: str | None) -> None:
    """Show the manifest of RUN: its id, or the beginning of it."""
    from codex_orchestrator.cli.runs_output import echo_manifest
    from codex_orchestrator.compose.archive import open_archive

    store = open_archive(load_settings(repo, config, is_used=False).repo, operation="show").store
    data, document = store.read(run_id)
    if output_format == "json":
        echo_json(document)
    else:
        echo_manifest(data, document, folder=store.find(run_id))


@runs.command(epilog="Example: codex-orchestrator runs verify --format json")
@click.argument("run_id", metavar="[RUN]", required=False)
@format_option("text", "json")
@repository_options
def verify(run_id: str | None, *, output_format: str, repo: str | None, config: str | None) -> int:
    """Compute every hash of RUN, or of all runs, again and compare with every place that has it."""
    from codex_orchestrator.cli.runs_output import echo_verification
    from codex_orchestrator.compose.archive import open_archive
    from codex_orchestrator.verbs.verify_runs import verify_runs

    archive = open_archive(load_settings(repo, config, is_used=False).repo, operation="verify")
    report = verify_runs(run_id, store=archive.store, audit=archive.audit)
    if output_format == "json":
        echo_json(report.model_dump(mode="json", by_alias=True))
    else:
        echo_verification(report)
    return int(report.exit_code)


@runs.command(epilog="Example: codex-orchestrator runs rebuild 0007-logging")
@click.argument("tasks", metavar="[TASK]...", nargs=-1)
@repository_options
def rebuild(tasks: tuple[str, ...], *, repo: str | None, config: str | None) -> None:
    """Write out/<task>/state.json anew from the manifests."""
    from codex_orchestrator.compose.archive import open_archive

    archive = open_archive(load_settings(repo, config, is_used=False).repo, operation="rebuild")
    for task in tasks or sorted({task for task, _ in archive.store.names()}):
        with archive.lock(task):
            state = archive.store.rebuild(task)
        say(f"{task}: {len(state.runs)} runs")


@runs.command(epilog="Example: codex-orchestrator runs gc --keep 10 --older-than 30 --delete")
@click.option("--keep", type=click.IntRange(min=0), metavar="N", help="Keep the N newest a task.")
@click.option("--older-than", type=click.IntRange(min=0), metavar="DAYS", help="Only older ones.")
@click.option("--unsynced", is_flag=True, help="Also runs that no catalog holds.")
@click.option("--unfinished", is_flag=True, help="Also runs that could still be resumed.")
@click.option(
    "--dry-run/--delete", default=True, show_default=True, help="Say what would go, or remove it."
)
@format_option("text", "json")
@repository_options
def gc(
    *,
    keep: int | None,
    older_than: int | None,
    unsynced: bool,
    unfinished: bool,
    dry_run: bool,
    output_format: str,
    repo: str | None,
    config: str | None,
) -> None:
    """Remove old runs that are finished and in a catalog; the audit log records each removal.

    Work trees that no run will come back to go as well.
    """
    from codex_orchestrator.cli.runs_output import echo_removal
    from codex_orchestrator.compose.archive import open_archive, open_work_trees
    from codex_orchestrator.system.clock import utc_now
    from codex_orchestrator.verbs.remove_runs import RemovalRule, remove_runs

    if keep is None and older_than is None:
        raise InputError(
            "say which runs may go", fix="give --keep N or --older-than DAYS", field="gc"
        )
    root = load_settings(repo, config, is_used=False).repo
    archive = open_archive(root, operation="gc")
    removal = remove_runs(
        RemovalRule(keep, older_than, even_unsynced=unsynced, even_unfinished=unfinished),
        store=archive.store,
        audit=archive.audit,
        trees=open_work_trees(root),
        lock=archive.lock,
        now=utc_now(),
        is_dry_run=dry_run,
    )
    if output_format == "json":
        echo_json(
            {
                "schema": "runs-gc.v1",
                "dry_run": dry_run,
                "removed": removal.removed,
                "work_trees": [tree.name for tree in removal.work_trees],
                "kept": removal.kept,
            }
        )
    else:
        echo_removal(removal, is_dry_run=dry_run)


@click.group()
def audit() -> None:
    """Show or verify the audit log."""


@audit.command("show", epilog="Example: codex-orchestrator audit show --event synced --last 5")
@click.option("--event", metavar="NAME", default=None, help="Only this event.")
@click.option("--run", "run_id", metavar="RUN", default=None, help="Only this run.")
@click.option("--task", metavar="ID", default=None, help="Only this task.")
@click.option("--level", type=click.Choice(["info", "error"]), default=None, help="Only these.")
@click.option("--last", type=click.IntRange(min=1), default=None, metavar="N", help="The last N.")
@format_option("text", "json")
@repository_options
def show_audit(
    *,
    event: str | None,
    run_id: str | None,
    task: str | None,
    level: str | None,
    last: int | None,
    output_format: str,
    repo: str | None,
    config: str | None,
) -> int:
    """Show records of the audit log."""
    from collections import deque

    from codex_orchestrator.cli.runs_output import echo_audit
    from codex_orchestrator.compose.archive import open_archive
    from codex_orchestrator.model.receipt import AuditRecord

    found: deque[AuditRecord] = deque(maxlen=last)

    def visit(record: AuditRecord) -> None:
        wanted = ((event, record.event), (run_id, record.run_id), (task, record.task_id))
        if all(asked in (None, has) for asked, has in (*wanted, (level, record.level))):
            found.append(record)

    log = open_archive(load_settings(repo, config, is_used=False).repo, operation="show").audit
    check = log.check(visit)
    echo_audit(found, check, is_json=output_format == "json")
    return int(ExitCode.OK if not check.has_errors else ExitCode.FINDINGS)


@audit.command("verify", epilog="Example: codex-orchestrator audit verify --format json")
@format_option("text", "json")
@repository_options
def verify_audit(*, output_format: str, repo: str | None, config: str | None) -> int:
    """Check the chain of the audit log."""
    from codex_orchestrator.cli.runs_output import echo_audit
    from codex_orchestrator.compose.archive import open_archive

    log = open_archive(load_settings(repo, config, is_used=False).repo, operation="verify").audit
    check = log.check()
    echo_audit((), check, is_json=output_format == "json")
    if check.has_errors:
        return int(ExitCode.FINDINGS)
    return int(ExitCode.OK if check.records else ExitCode.NOT_CHECKED)
