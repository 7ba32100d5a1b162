"""What the sources import is declared, and each vendor stands in the contracts."""

import ast
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

# Known on every floor: the command line's own library and the nouns' form.
COMMON = {"click", "pydantic", "rfc8785", "yaml"}
# A program for the project's own interpreter, which has pytest where the project uses it.
PROGRAMS = {"adapters/test_runner.py": {"pytest"}}


@pytest.fixture(scope="module")
def imported(root: Path) -> set[str]:
    """Top-level names of all third-party modules that the sources import, eagerly or not."""
    names = set()
    package = root / "src" / "codex_orchestrator"
    for path in package.rglob("*.py"):
        found = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path.name}: a relative import"
                found.add((node.module or "").split(".")[0])
        names |= found - PROGRAMS.get(path.relative_to(package).as_posix(), set())
    return names - set(sys.stdlib_module_names) - {"codex_orchestrator"}


@pytest.fixture(scope="module")
def declared(root: Path) -> set[str]:
    """Names of the distributions that an install with every extra brings, in lower case."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    lines = [*project["dependencies"], *(line for extra in extras for line in extra)]
    names = {re.split(r"[^A-Za-z0-9._-]", line)[0].lower() for line in lines}
    return names - {project["name"]}


def distributions_of(module: str) -> set[str]:
    return {owner.lower() for owner in metadata.packages_distributions().get(module, ())}


def test_every_imported_package_is_declared_and_not_only_there_by_chance(
    imported: set[str], declared: set[str]
) -> None:
    # The Codex binary's package is a part of openai-codex and has its version.
    undeclared = {
        name for name in imported - {"codex_cli_bin"} if not distributions_of(name) & declared
    }
    assert not undeclared


def test_every_declared_package_is_imported(imported: set[str], declared: set[str]) -> None:
    used = {owner for name in imported for owner in distributions_of(name)}
    assert declared
    assert not declared - used, "declared and imported by nothing"


def test_every_vendor_stands_in_the_contract(root: Path, imported: set[str]) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    contracts = {one["id"]: one for one in project["tool"]["importlinter"]["contracts"]}
    assert imported - COMMON <= set(contracts["vendors"]["forbidden_modules"])
    assert imported - {"yaml"} <= set(contracts["hook"]["forbidden_modules"])
    assert imported <= set(contracts["ground"]["forbidden_modules"])
