"""Use the learning library on a repository: lint, apply codemods, fill templates."""

from collections.abc import Sequence
from pathlib import Path

from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.finding import Finding
from codex_orchestrator.model.pattern import PatternAsset, PatternUse
from codex_orchestrator.model.versions import load_fields
from codex_orchestrator.patterns.library import Library


def list_patterns(root: Path, *, kind: str | None) -> tuple[PatternAsset, ...]:
    """Return the patterns of the toolkit and of a repository, ordered by id.

    Raises:
        InputError: an index is wrong, or an id has two meanings.
    """
    return tuple(asset for asset in Library.open(root).assets if kind in (None, asset.kind))


def lint_files(root: Path, paths: Sequence[str]) -> tuple[Finding, ...]:
    """Run all lint rules on files, folders or globs; none means the whole repository.

    Raises:
        InputError: a path is missing or outside the repository.
    """
    return Library.open(root).lint(root, _inside(root, paths))


def apply_pattern(
    root: Path, pattern_id: str, paths: Sequence[str], *, is_dry_run: bool
) -> PatternUse:
    """Apply a codemod to files, folders or globs; none means the whole repository.

    Raises:
        InputError: no codemod has this id, or a path is missing or outside the repository.
    """
    chosen = _inside(root, paths)
    return Library.open(root).apply(pattern_id, root, chosen, is_dry_run=is_dry_run)


def render_template(root: Path, pattern_id: str, values: bytes, *, source: str) -> str:
    """Return a template filled with the values of a JSON document read from `source`.

    Raises:
        InputError: no template has this id, the values are not a JSON object, or one is missing.
    """
    fields = load_fields(values, path=source, fix="give one JSON object")
    return Library.open(root).render(pattern_id, fields)


def _inside(root: Path, paths: Sequence[str]) -> list[str]:
    """Return paths relative to the repository; a path without wildcards must exist."""
    found: list[str] = []
    for path in paths:
        if any(char in path for char in "*?["):
            found.append(path.removeprefix("./"))
            continue
        place = Path(path).absolute()
        if not place.exists():
            place = root / path
        if not place.exists():
            raise InputError("no such file or folder", path=path, fix="name an existing one")
        # The folder is resolved but not the name, so that a link is not followed.
        real = place.parent.resolve() / place.name if place != root else place.resolve()
        if not real.is_relative_to(root.resolve()):
            raise InputError("is not in the repository", path=path, fix="give --repo DIR")
        found.append(real.relative_to(root.resolve()).as_posix())
    return found
