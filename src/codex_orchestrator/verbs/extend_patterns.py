"""Extend the learning library of a repository: a new pattern, its cases, the index, its checks."""

from pathlib import Path
from typing import NamedTuple

from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.finding import Finding
from codex_orchestrator.model.pattern import PatternKind
from codex_orchestrator.patterns.build import (
    build_index,
    compiled_files,
    write_compiled,
    write_index,
)
from codex_orchestrator.patterns.check import check_library, check_versions
from codex_orchestrator.patterns.harness import CaseResult, run_cases
from codex_orchestrator.patterns.index import scan_assets
from codex_orchestrator.patterns.library import FOLDER, Library, own_library
from codex_orchestrator.patterns.scaffold import new_asset
from codex_orchestrator.text.names import is_identifier


class BuiltLibrary(NamedTuple):
    """The result of a build.

    The index and its version, and the compiled files with their folder.
    """

    index_version: str
    is_new_index: bool
    folder: Path
    files: int
    patterns: int


class RunCases(NamedTuple):
    """The cases that ran, and how many patterns they belong to."""

    patterns: int
    results: tuple[CaseResult, ...]

    @property
    def failed(self) -> tuple[CaseResult, ...]:
        """The failed cases."""
        return tuple(result for result in self.results if result.problem)


def new_pattern(root: Path, kind: str, pattern_id: str, *, language: str) -> str:
    """Write the folder of a new pattern and return its path in the repository.

    Raises:
        InputError: the id is not valid, its folder exists already, or the language is unknown.
    """
    if not is_identifier(pattern_id):
        raise InputError(
            f"{pattern_id!r} is not a valid id",
            field="ID",
            fix="use lowercase letters, digits and `-`, such as py-old-name",
        )
    folder = new_asset(root / FOLDER, PatternKind(kind), pattern_id, language)
    return folder.relative_to(root).as_posix()


def build_patterns(root: Path, *, out: Path | None) -> BuiltLibrary:
    """Write the index of a repository's patterns, and the compiled library.

    Args:
        root: the repository's top folder.
        out: the folder of compiled files; None for `dist/patterns`.

    Raises:
        InputError: the repository has no patterns, or one of them is wrong.
    """
    library = _require_library(root)
    index, assets = build_index(library)
    is_new = write_index(library, index)
    files = compiled_files(index, assets)
    target = out or root / "dist" / "patterns"
    write_compiled(files, target)
    return BuiltLibrary(index.version, is_new, target, len(files), len(assets))


def run_pattern_cases(root: Path, pattern_id: str | None) -> RunCases:
    """Run the cases of one pattern; without an id, those of all patterns of the repository.

    In a repository without patterns, run those of the toolkit. A pattern without cases fails.

    Raises:
        InputError: no pattern has the id, or one is wrong.
    """
    own = own_library(root)
    # Read the folders, not the index: authors test before building.
    assets = {asset.facts.id: asset for asset in scan_assets(own)} if own else {}
    library = Library.open(None)
    if pattern_id:
        chosen = [assets.get(pattern_id) or library.load(pattern_id)]
    else:
        chosen = [*assets.values()] or [library.load(asset.id) for asset in library.assets]
    return RunCases(len(chosen), tuple(result for asset in chosen for result in run_cases(asset)))


def check_patterns(root: Path, *, base: str | None) -> tuple[Finding, ...]:
    """Check that index and folders agree; with a base also that changed patterns have new versions.

    Raises:
        InputError: the repository has no patterns, or the base is no commit.
        NotCheckedError: git could not answer.
    """
    library = _require_library(root)
    findings = check_library(library)
    return findings if base is None else findings + check_versions(library, repo=root, base=base)


def _require_library(root: Path) -> Path:
    library = own_library(root)
    if library is None:
        raise InputError(
            "this repository has no patterns of its own",
            path=FOLDER,
            fix="create one: codex-orchestrator patterns new codemod ID",
        )
    return library
