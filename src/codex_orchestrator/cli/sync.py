"""`codex-orchestrator sync` and `catalog`: send finished runs, search the catalog."""

from functools import partial
from typing import Any

import click

from codex_orchestrator.cli.console import echo_json, say
from codex_orchestrator.cli.options import PATTERN_KINDS, CommonOptions, common_options
from codex_orchestrator.compose.settings import load_settings
from codex_orchestrator.model.document import problems_of
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.text.shown import printable

_SHA256 = "sha256:"
EXAMPLES = """\b
Examples:
  codex-orchestrator sync
  codex-orchestrator sync 20261122t191500z-4f3a2b --require-artifact
  codex-orchestrator sync --catalog s3://bucket/prefix --dry-run

`sync record-artifact RUN --id ID --digest SHA256 --url URL` records where CI keeps a run's folder.
"""


class SyncCommand(click.Command):
    """A command that takes runs; its first word may also be `record-artifact`."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Pass the words to `record-artifact` when they start with it."""
        if args[:1] == [record_artifact.name]:
            return record_artifact.make_context(
                f"{info_name} {record_artifact.name}", args[1:], parent, **extra
            )
        return super().make_context(info_name, args, parent, **extra)


@click.command(
    "record-artifact",
    epilog="Example: sync record-artifact 20261122t1915 --id 12 --digest sha256:… --url https://…",
)
@click.argument("run_id", metavar="RUN")
@click.option("--id", "artifact_id", metavar="ID", required=True, help="The artifact's id.")
@click.option("--digest", metavar="SHA256", required=True, help="SHA-256 of the uploaded archive.")
@click.option("--url", metavar="URL", required=True, help="URL of the artifact.")
@common_options("text", "json")
def record_artifact(
    common: CommonOptions, run_id: str, *, artifact_id: str, digest: str, url: str
) -> None:
    """Record the CI artifact that holds the folder of RUN."""
    from pydantic import ValidationError

    from codex_orchestrator.system.clock import utc_now
    from codex_orchestrator.verbs.record_artifact import record_artifact as record

    try:
        artifact = record(
            run_id,
            common.records("record-artifact"),
            artifact_id=artifact_id,
            digest=digest.removeprefix(_SHA256).lower(),
            url=url,
            clock=utc_now,
        )
    except ValidationError as error:
        problem = problems_of(error)[0]
        option = f"--{problem.path[0]}" if problem.path else ""
        raise InputError(problem.message, field=option) from error
    recorded = f"recorded artifact {artifact.id} of run {artifact.run_id}"
    common.show(artifact.model_dump(mode="json", by_alias=True), partial(say, recorded))


@click.command(
    cls=SyncCommand,
    epilog=EXAMPLES,
)
@click.argument("run_ids", metavar="[RUN]...", nargs=-1)
@click.option("--catalog", metavar="URL", help="file://, s3://, gs:// or az:// (default: config).")
@click.option(
    "--require-artifact",
    is_flag=True,
    help="Send only runs whose uploaded artifact is recorded.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be sent; send nothing.")
@common_options("text", "json")
def sync(
    common: CommonOptions,
    run_ids: tuple[str, ...],
    *,
    catalog: str | None,
    require_artifact: bool,
    dry_run: bool,
) -> int:
    """Send finished runs to the catalog, each once; without RUN all that were not sent yet."""
    from codex_orchestrator.cli.sync_output import echo_sync
    from codex_orchestrator.compose.archive import check_catalog_url, open_catalog
    from codex_orchestrator.verbs.sync_runs import SyncRequest, sync_runs

    settings = load_settings(
        common.repo, common.config, flags={"catalog.url": catalog}, is_used=catalog is None
    )
    url = settings.config.catalog.url
    check_catalog_url(url)
    report = sync_runs(
        SyncRequest(run_ids, url, must_have_artifact=require_artifact, is_dry_run=dry_run),
        common.records("sync", repo=settings.repo),
        lambda: open_catalog(url, settings.repo),
    )
    common.show(report.model_dump(mode="json", by_alias=True), partial(echo_sync, report))
    return int(report.exit_code)


@click.group()
def catalog() -> None:
    """Look into the catalog."""


@catalog.command(epilog="Example: codex-orchestrator catalog search logging --kind codemod")
@click.argument("text", default="")
@click.option("--kind", type=click.Choice(PATTERN_KINDS), help="Only patterns of this kind.")
@click.option("--catalog", "url", metavar="URL", help="URL of the catalog (default: config).")
@common_options("text", "json")
def search(common: CommonOptions, text: str, *, kind: str | None, url: str | None) -> None:
    """List the patterns in the learning catalog whose id contains TEXT."""
    from codex_orchestrator.compose.archive import open_catalog

    settings = load_settings(
        common.repo, common.config, flags={"catalog.url": url}, is_used=url is None
    )
    place = settings.config.catalog.url
    assets = list(open_catalog(place, settings.repo).search(kind=kind or "", text=text))
    if common.is_json:
        document = [asset.model_dump(mode="json", by_alias=True) for asset in assets]
        echo_json({"schema": "catalog-search.v1", "catalog": place, "assets": document})
        return
    for asset in assets:
        click.echo(printable(f"{asset.id}  {asset.version}  {asset.kind}  {asset.sha256[:12]}"))
    if not assets:
        say(f"catalog {place} has no such pattern")
