"""Paths that documents and specs name exist, and the map of the architecture is complete."""

import re
import tomllib
from pathlib import Path

import pytest

from codex_orchestrator.text.globs import matcher

# Decisions are history: they name what was there when they were made. So is the changelog.
DOCUMENTS = (
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "AGENTS.md",
    "docs/*.md",
    "tasks/specs/*.md",
)
FOLDERS = {"benchmarks", "docs", "examples", "patterns", "schemas", "scripts", "tasks", "tests"}
# Paths in the repository of a user or in the folder of a run, which begin like ours.
OF_OTHERS = re.compile(
    r"tests/(?:round-|item-|__pycache__)|tasks/\d{4}|tasks/specs/(?!0002-spec-guard|0003-learning)"
    r"|patterns/(?:codemods/py-old-name|index\.json)"
)
PATH = re.compile(r"(?<![\w./<>$*-])[a-z_]+(?:/[\w.-]*[\w-])+/?(?![\w*<])")


def named_paths(text: str, packages: set[str]) -> set[str]:
    """Return the paths in a text that can only mean a file or folder of this repository."""
    return {
        path
        for path in PATH.findall(text)
        if path.startswith("src/codex_orchestrator/")
        or (path.partition("/")[0] in FOLDERS | packages and not OF_OTHERS.match(path))
    }


def is_there(root: Path, path: str) -> bool:
    """Say whether a path exists below the repository, or below the package with or without .py."""
    package = root / "src" / "codex_orchestrator"
    places = (root / path, package / path, package / f"{path}.py")
    return any(place.exists() for place in places)


@pytest.fixture(scope="module")
def packages(root: Path) -> set[str]:
    folders = (root / "src" / "codex_orchestrator").glob("*/__init__.py")
    return {folder.parent.name for folder in folders}


@pytest.mark.parametrize("pattern", DOCUMENTS)
def test_every_path_that_a_document_names_exists(
    root: Path, packages: set[str], pattern: str
) -> None:
    missing = {
        f"{document.name}: {path}"
        for document in root.glob(pattern)
        for path in named_paths(document.read_text("utf-8"), packages)
        if not is_there(root, path)
    }
    assert not missing


@pytest.mark.parametrize(
    "path",
    ["guard/nothing.py", "src/codex_orchestrator/guard/nothing.py", "docs/x.md", "pipeline/work"],
)
def test_a_path_that_does_not_exist_is_found(root: Path, packages: set[str], path: str) -> None:
    assert named_paths(f"see `{path}`: it is", packages) == {path}
    assert not is_there(root, path)


@pytest.mark.parametrize("text", ["src/app/logging/**", ".runs/TASK/RUN", "and/or", "guard/**"])
def test_a_path_of_somebody_else_is_left_alone(packages: set[str], text: str) -> None:
    assert not named_paths(f"see `{text}`: it is", packages)


@pytest.mark.parametrize("document", ["AGENTS.md", "docs/architecture.md"])
def test_the_map_names_every_package(root: Path, packages: set[str], document: str) -> None:
    text = (root / document).read_text("utf-8")
    assert [name for name in sorted(packages) if not re.search(rf"\b{name}/", text)] == []


def test_the_floors_in_the_architecture_are_those_of_the_contract(root: Path) -> None:
    text = (root / "docs" / "architecture.md").read_text("utf-8").partition("\n## ")[0]
    cells = re.findall(r"^\| [a-z]+ \| (`[^|]+) \|", text, flags=re.MULTILINE)
    shown = [set(re.findall(r"`(\w+)/?`", cell)) for cell in cells]
    document = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    contracts = document["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["id"] == "floors")
    floors = [set(layer.split(" | ")) for layer in layers]
    # Surfaces start each other, so that they are three layers of the contract and one of the table.
    assert shown == [set.union(*floors[:3]), *floors[3:]]


def test_every_path_of_a_spec_matches_a_file(root: Path, tracked: tuple[str, ...]) -> None:
    unmatched = [
        f"{spec.name}: {glob}"
        for spec in sorted((root / "tasks" / "specs").glob("*.md"))
        for glob in re.findall(r"^  - ([\w./*-]+)$", spec.read_text("utf-8"), flags=re.MULTILINE)
        if not any(map(matcher((glob,)), tracked))
    ]
    assert not unmatched
