"""The commands `patterns …`: the learning library."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from codex_orchestrator.cli.console import echo_json, say
from codex_orchestrator.cli.options import format_option, repository_options
from codex_orchestrator.model.errors import ExitCode, InputError
from codex_orchestrator.text.shown import printable

if TYPE_CHECKING:
    from codex_orchestrator.model.finding import Finding
    from codex_orchestrator.model.pattern import PatternUse

_KINDS = ("codemod", "linter", "template")


@click.group(
    epilog="A pattern is a folder: pattern.yaml, its entry, its cases. A repository's own stand in "
    "patterns/ and are found beside the toolkit's. docs/patterns.md shows how to write one."
)
def patterns() -> None:
    """Use and extend the learning library: codemods, lint rules, templates."""


@patterns.command("list", epilog="Example: codex-orchestrator patterns list --kind codemod")
@repository_options
@click.option("--kind", type=click.Choice(_KINDS), help="Only this kind.")
@format_option("text", "json")
def list_(*, repo: str | None, config: str | None, kind: str | None, output_format: str) -> int:
    """List the patterns of the toolkit and of this repository."""
    from codex_orchestrator.patterns.library import Library

    library = Library.open(_root(repo, config))
    assets = [asset for asset in library.assets if kind in (None, asset.kind)]
    if output_format == "json":
        echo_json({"assets": [asset.model_dump(mode="json") for asset in assets]})
        return ExitCode.OK
    for asset in assets:
        click.echo(printable(f"{asset.id:<28} {asset.kind:<9} {asset.version:<8} {asset.language}"))
        click.echo(printable(f"    {asset.description}"))
        click.echo(printable(f"    {asset.usage}"))
    say(f"{len(assets)} patterns")
    return ExitCode.OK


@patterns.command(epilog="Example: codex-orchestrator patterns new codemod py-old-name")
@repository_options
@click.argument("kind", type=click.Choice(_KINDS))
@click.argument("pattern_id", metavar="ID")
@click.option("--language", default="python", show_default=True, help="Language of the files.")
def new(*, repo: str | None, config: str | None, kind: str, pattern_id: str, language: str) -> int:
    """Write the folder of a new pattern: it builds and passes, ready to be changed."""
    from codex_orchestrator.model.pattern import PatternKind
    from codex_orchestrator.patterns.scaffold import new_asset
    from codex_orchestrator.text.names import is_identifier

    if not is_identifier(pattern_id):
        raise InputError(
            f"{pattern_id!r} is no id",
            field="ID",
            fix="use lowercase letters, digits and `-`, such as py-old-name",
        )
    root = _root(repo, config)
    folder = new_asset(root / "patterns", PatternKind(kind), pattern_id, language)
    click.echo(printable(str(folder.relative_to(root))))
    say("next: change the rule and its cases, then `codex-orchestrator patterns build`")
    return ExitCode.OK


@patterns.command(
    epilog="Example: codex-orchestrator patterns build && git diff patterns/index.json"
)
@repository_options
@click.option("--out", metavar="DIR", help="Where compiled files go (default: dist/patterns).")
def build(*, repo: str | None, config: str | None, out: str | None) -> int:
    """Write patterns/index.json and the compiled library in dist/patterns."""
    from codex_orchestrator.patterns.build import (
        build_index,
        compiled_files,
        write_compiled,
        write_index,
    )

    root = _root(repo, config)
    library = _own_library(root)
    index, assets = build_index(library)
    is_new = write_index(library, index)
    files = compiled_files(index, assets)
    target = Path(out) if out else root / "dist" / "patterns"
    write_compiled(files, target)
    say(f"patterns/index.json {index.version}: {'written' if is_new else 'unchanged'}")
    click.echo(printable(f"{target}: {len(files)} files, {len(assets)} patterns"))
    return ExitCode.OK


@patterns.command(epilog="Example: codex-orchestrator patterns test py-not-in")
@repository_options
@click.argument("pattern_id", metavar="[ID]", required=False)
@format_option("text", "json")
def test(
    *, repo: str | None, config: str | None, pattern_id: str | None, output_format: str
) -> int:
    """Run the cases of one pattern, or of all; a pattern without cases fails."""
    from codex_orchestrator.patterns.harness import run_cases
    from codex_orchestrator.patterns.index import scan_assets
    from codex_orchestrator.patterns.library import Library, own_library

    own = own_library(_root(repo, config))
    # The folders, not the index: an author tests before building.
    assets = {asset.facts.id: asset for asset in scan_assets(own)} if own else {}
    library = Library.open(None)
    if pattern_id and pattern_id not in assets:
        assets = {pattern_id: library.load(pattern_id)}
    elif pattern_id:
        assets = {pattern_id: assets[pattern_id]}
    elif not assets:
        assets = {asset.id: library.load(asset.id) for asset in library.assets}
    results = [result for asset in assets.values() for result in run_cases(asset)]
    failed = [result for result in results if result.problem]
    if output_format == "json":
        cases = [
            {"pattern": one.pattern_id, "case": one.case, "problem": one.problem} for one in results
        ]
        echo_json({"patterns": len(assets), "cases": cases, "failed": len(failed)})
    for result in failed:
        say(f"FAILED {result.pattern_id} {result.case}")
        say("  " + result.problem.replace("\n", "\n  "))
    say(f"{len(results)} cases of {len(assets)} patterns, {len(failed)} failed")
    return ExitCode.FINDINGS if failed else ExitCode.OK


@patterns.command(epilog="Example: codex-orchestrator patterns check --base origin/main")
@repository_options
@click.option("--base", metavar="REF", help="Also demand a new version where files differ.")
@format_option("text", "json")
def check(*, repo: str | None, config: str | None, base: str | None, output_format: str) -> int:
    """Check that index and folders agree, and that changed patterns have a new version."""
    from codex_orchestrator.patterns.check import check_library, check_versions

    root = _root(repo, config)
    library = _own_library(root)
    findings = check_library(library)
    if base is not None:
        findings += check_versions(library, repo=root, base=base)
    return _report(findings, output_format)


@patterns.command(epilog="Example: codex-orchestrator patterns lint src tests")
@repository_options
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@format_option("text", "json")
def lint(
    *, repo: str | None, config: str | None, paths: tuple[str, ...], output_format: str
) -> int:
    """Run all lint rules on files, folders or globs; none means the whole repository."""
    from codex_orchestrator.patterns.library import Library

    root = _root(repo, config)
    findings = Library.open(root).lint(root, _inside(root, paths))
    return _report(findings, output_format)


@patterns.command(epilog="Example: codex-orchestrator patterns apply py-not-in 'src/**/*.py'")
@repository_options
@click.argument("pattern_id", metavar="ID")
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@format_option("text", "json")
def apply(
    *,
    repo: str | None,
    config: str | None,
    pattern_id: str,
    paths: tuple[str, ...],
    dry_run: bool,
    output_format: str,
) -> int:
    """Apply a codemod to files, folders or globs; none means the whole repository."""
    from codex_orchestrator.patterns.library import Library

    root = _root(repo, config)
    library = Library.open(root)
    act = library.preview if dry_run else library.apply
    use = act(pattern_id, root, _inside(root, paths))
    if output_format == "json":
        echo_json({**use.model_dump(mode="json"), "dry_run": dry_run})
    else:
        _print_use(use, is_preview=dry_run)
    return ExitCode.OK


@patterns.command(
    epilog="Example: codex-orchestrator patterns render run-manifest-checklist "
    ".runs/TASK/RUN/manifest.json"
)
@repository_options
@click.argument("pattern_id", metavar="ID")
@click.argument("values", metavar="VALUES.json", type=click.File("rb"))
def render(*, repo: str | None, config: str | None, pattern_id: str, values: Any) -> int:
    """Fill a template with the values of a JSON file (`-` reads stdin)."""
    from codex_orchestrator.patterns.harness import load_values
    from codex_orchestrator.patterns.library import Library

    data = values.read()
    library = Library.open(_root(repo, config))
    text = library.render(pattern_id, load_values(data, source=values.name))
    click.echo(printable(text), nl=False)
    return ExitCode.OK


def _root(repo: str | None, config: str | None) -> Path:
    """Return the repository's top folder, after its configuration was found to be right."""
    from codex_orchestrator.compose.settings import load_settings

    return load_settings(repo, config, is_used=False).repo


def _own_library(root: Path) -> Path:
    from codex_orchestrator.patterns.library import own_library

    library = own_library(root)
    if library is None:
        raise InputError(
            "this repository has no patterns of its own",
            path="patterns",
            fix="start one: codex-orchestrator patterns new codemod ID",
        )
    return library


def _inside(root: Path, paths: Sequence[str]) -> list[str]:
    """Return paths as the repository names them; a plain path must be there."""
    found: list[str] = []
    for path in paths:
        if any(char in path for char in "*?["):
            found.append(path.removeprefix("./"))
            continue
        place = Path(path).absolute()
        if not place.exists():
            place = root / path
        if not place.exists():
            raise InputError("no such file or folder", path=path, fix="name one that is there")
        # The folder is resolved and the name is not, so that a link is seen as what it is.
        real = place.parent.resolve() / place.name if place != root else place.resolve()
        if not real.is_relative_to(root.resolve()):
            raise InputError("is not in the repository", path=path, fix="give --repo DIR")
        found.append(real.relative_to(root.resolve()).as_posix())
    return found


def _report(findings: "tuple[Finding, ...]", output_format: str) -> int:
    from codex_orchestrator.model.finding import has_errors

    if output_format == "json":
        echo_json({"findings": [finding.as_document() for finding in findings]})
    else:
        for finding in findings:
            place = f"{finding.path}:{finding.line}" if finding.line else finding.path
            click.echo(printable(f"{place}: {finding.severity} {finding.rule}: {finding.message}"))
            if finding.fix:
                click.echo(printable(f"    fix: {finding.fix}"))
    say(f"{len(findings)} findings")
    return ExitCode.FINDINGS if has_errors(findings) else ExitCode.OK


def _print_use(use: "PatternUse", *, is_preview: bool) -> None:
    for path in use.paths:
        click.echo(printable(path))
    for left in (*use.refused, *use.skipped):
        say(f"left {left.path}: {left.reason}")
    would = "would change" if is_preview else "changed"
    say(f"{use.id} {use.version}: {would} {use.changes} places in {len(use.paths)} files")
