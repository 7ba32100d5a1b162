"""The commands `patterns …`: the learning library."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from codex_orchestrator.cli.console import echo_json, say
from codex_orchestrator.cli.options import PATTERN_KINDS, CommonOptions, common_options
from codex_orchestrator.model.errors import ExitCode
from codex_orchestrator.text.shown import printable

if TYPE_CHECKING:
    from codex_orchestrator.model.finding import Finding
    from codex_orchestrator.model.pattern import PatternUse


@click.group(
    epilog="A pattern is a folder: pattern.yaml, its entry, its cases. A repository's own stand in "
    "patterns/ and are found beside the toolkit's. docs/patterns.md shows how to write one."
)
def patterns() -> None:
    """Use and extend the learning library: codemods, lint rules, templates."""


@patterns.command("list", epilog="Example: codex-orchestrator patterns list --kind codemod")
@click.option("--kind", type=click.Choice(PATTERN_KINDS), help="Only patterns of this kind.")
@common_options("text", "json")
def list_(common: CommonOptions, *, kind: str | None) -> None:
    """List the patterns of the toolkit and of this repository."""
    from codex_orchestrator.verbs.use_patterns import list_patterns

    assets = list_patterns(common.root(), kind=kind)
    if common.is_json:
        document = [asset.model_dump(mode="json") for asset in assets]
        echo_json({"schema": "pattern-list.v1", "assets": document})
        return
    for asset in assets:
        click.echo(printable(f"{asset.id:<28} {asset.kind:<9} {asset.version:<8} {asset.language}"))
        click.echo(printable(f"    {asset.description}"))
        click.echo(printable(f"    {asset.usage}"))
    say(f"{len(assets)} patterns")


@patterns.command(epilog="Example: codex-orchestrator patterns new codemod py-old-name")
@click.argument("kind", type=click.Choice(PATTERN_KINDS))
@click.argument("pattern_id", metavar="ID")
@click.option("--language", default="python", show_default=True, help="Language of the files.")
@common_options()
def new(common: CommonOptions, *, kind: str, pattern_id: str, language: str) -> None:
    """Write the folder of a new pattern: a working example to edit."""
    from codex_orchestrator.verbs.extend_patterns import new_pattern

    folder = new_pattern(common.root(), kind, pattern_id, language=language)
    click.echo(printable(folder))
    say("next: change the rule and its cases, then `codex-orchestrator patterns build`")


@patterns.command(
    epilog="Example: codex-orchestrator patterns build && git diff patterns/index.json"
)
@click.option("--out", metavar="DIR", help="Where compiled files go (default: dist/patterns).")
@common_options()
def build(common: CommonOptions, *, out: str | None) -> None:
    """Write patterns/index.json and the compiled library in dist/patterns."""
    from codex_orchestrator.verbs.extend_patterns import build_patterns

    built = build_patterns(common.root(), out=Path(out) if out else None)
    is_written = "written" if built.is_new_index else "unchanged"
    say(f"patterns/index.json {built.index_version}: {is_written}")
    click.echo(printable(f"{built.folder}: {built.files} files, {built.patterns} patterns"))


@patterns.command(epilog="Example: codex-orchestrator patterns test py-not-in")
@click.argument("pattern_id", metavar="[ID]", required=False)
@common_options("text", "json")
def test(common: CommonOptions, *, pattern_id: str | None) -> int:
    """Run the cases of one pattern, or of all; a pattern without cases fails."""
    from codex_orchestrator.verbs.extend_patterns import run_pattern_cases

    ran = run_pattern_cases(common.root(), pattern_id)
    if common.is_json:
        cases = [
            {"pattern": case.pattern_id, "case": case.case, "problem": case.problem}
            for case in ran.results
        ]
        counts = {"patterns": ran.patterns, "failed": len(ran.failed)}
        echo_json({"schema": "pattern-cases.v1", **counts, "cases": cases})
    for case in ran.failed:
        say(f"FAILED {case.pattern_id} {case.case}")
        say("  " + case.problem.replace("\n", "\n  "))
    say(f"{len(ran.results)} cases of {ran.patterns} patterns, {len(ran.failed)} failed")
    return ExitCode.FINDINGS if ran.failed else ExitCode.OK


@patterns.command(epilog="Example: codex-orchestrator patterns check --base origin/main")
@click.option("--base", metavar="REF", help="Also require a new version where files differ.")
@common_options("text", "json")
def check(common: CommonOptions, *, base: str | None) -> int:
    """Check that index and folders agree, and that changed patterns have a new version."""
    from codex_orchestrator.verbs.extend_patterns import check_patterns

    return _report(check_patterns(common.root(), base=base), common)


@patterns.command(epilog="Example: codex-orchestrator patterns lint src tests")
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@common_options("text", "json")
def lint(common: CommonOptions, *, paths: tuple[str, ...]) -> int:
    """Run all lint rules on files, folders or globs; none means the whole repository."""
    from codex_orchestrator.verbs.use_patterns import lint_files

    return _report(lint_files(common.root(), paths), common)


@patterns.command(epilog="Example: codex-orchestrator patterns apply py-not-in 'src/**/*.py'")
@click.argument("pattern_id", metavar="ID")
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@common_options("text", "json")
def apply(common: CommonOptions, *, pattern_id: str, paths: tuple[str, ...], dry_run: bool) -> None:
    """Apply a codemod to files, folders or globs; none means the whole repository."""
    from codex_orchestrator.verbs.use_patterns import apply_pattern

    use = apply_pattern(common.root(), pattern_id, paths, is_dry_run=dry_run)
    document = {"schema": "pattern-use.v1", **use.model_dump(mode="json"), "dry_run": dry_run}
    common.show(document, partial(_print_use, use, is_preview=dry_run))


@patterns.command(
    epilog="Example: codex-orchestrator patterns render run-manifest-checklist "
    ".runs/TASK/RUN/manifest.json"
)
@click.argument("pattern_id", metavar="ID")
@click.argument("values", metavar="VALUES.json", type=click.File("rb"))
@common_options()
def render(common: CommonOptions, *, pattern_id: str, values: Any) -> None:
    """Fill a template with the values of a JSON file (`-` reads stdin)."""
    from codex_orchestrator.verbs.use_patterns import render_template

    data = values.read()
    text = render_template(common.root(), pattern_id, data, source=values.name)
    click.echo(printable(text), nl=False)


def _report(findings: "tuple[Finding, ...]", common: CommonOptions) -> int:
    from codex_orchestrator.model.finding import has_errors

    document = [finding.as_document() for finding in findings]
    shown = {"schema": "pattern-findings.v1", "findings": document}
    common.show(shown, partial(_print_findings, findings))
    say(f"{len(findings)} findings")
    return ExitCode.FINDINGS if has_errors(findings) else ExitCode.OK


def _print_findings(findings: "tuple[Finding, ...]") -> None:
    for finding in findings:
        place = f"{finding.path}:{finding.line}" if finding.line else finding.path
        click.echo(printable(f"{place}: {finding.severity} {finding.rule}: {finding.message}"))
        if finding.fix:
            click.echo(printable(f"    fix: {finding.fix}"))


def _print_use(use: "PatternUse", *, is_preview: bool) -> None:
    for path in use.paths:
        click.echo(printable(path))
    for left in (*use.refused, *use.skipped):
        say(f"left {left.path}: {left.reason}")
    would = "would change" if is_preview else "changed"
    say(f"{use.id} {use.version}: {would} {use.changes} places in {len(use.paths)} files")
