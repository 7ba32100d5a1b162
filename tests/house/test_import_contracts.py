"""Each import contract is broken once, in a copy: a contract that catches nothing is none."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PLANTS = [
    # (contract, module that gets the bad line, the line)
    # A floor imports one above it, or its neighbour.
    ("floors", "text/planted.py", "import codex_orchestrator.model.errors"),
    ("floors", "model/verdict.py", "import codex_orchestrator.system.git"),
    ("floors", "system/planted.py", "import codex_orchestrator.guard"),
    ("floors", "guard/planted.py", "import codex_orchestrator.runs"),
    ("floors", "adapters/lazy.py", "def f():\n    import codex_orchestrator.workspace.tree"),
    ("floors", "runs/planted.py", "import codex_orchestrator.pipeline.run"),
    ("floors", "pipeline/planted.py", "import codex_orchestrator.verbs"),
    ("floors", "pipeline/build/lazy.py", "def f():\n    import codex_orchestrator.verbs.diagnose"),
    ("floors", "verbs/planted.py", "import codex_orchestrator.pipeline.run"),
    ("floors", "verbs/lazy.py", "def f():\n    import codex_orchestrator.compose.run"),
    ("floors", "compose/planted.py", "import codex_orchestrator.cli.options"),
    ("floors", "action/planted.py", "import codex_orchestrator.servers.codex"),
    ("floors", "servers/planted.py", "import codex_orchestrator.cli.app"),
    ("floors", "basement/__init__.py", ""),
    ("surfaces", "cli/planted.py", "import codex_orchestrator.runs.store"),
    ("surfaces", "action/lazy.py", "def f():\n    import codex_orchestrator.github.client"),
    ("surfaces", "servers/planted.py", "from codex_orchestrator.workspace import tools"),
    ("surfaces", "__main__.py", "from codex_orchestrator import guard"),
    ("machine", "system/planted.py", "import codex_orchestrator.model.policy"),
    (
        "machine",
        "system/lazy.py",
        "def f():\n    from codex_orchestrator.model.run import RunState",
    ),
    ("ground", "text/planted.py", "import yaml"),
    ("ground", "text/lazy.py", "def f():\n    import pydantic"),
    ("ground", "system/planted.py", "def f():\n    import filelock"),
    ("hook", "guard/lazy.py", "def f():\n    import pydantic"),
    ("hook", "model/finding.py", "from codex_orchestrator.model.task import Task"),
    ("vendors", "runs/vendor.py", "import obstore"),
    ("vendors", "pipeline/vendor.py", "def f():\n    import agents"),
    ("vendors", "cli/vendor.py", "import openai"),
]


def lint_imports(folder: Path) -> tuple[dict[str, str], str]:
    """Run the linter in a folder; return each contract's outcome, and the whole output."""
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [program, "--no-cache", "--no-logo", "--config", "pyproject.toml"],
        cwd=folder,
        env={"PYTHONPATH": str(folder / "src"), "PATH": "/usr/bin:/bin", "COLUMNS": "300"},
        capture_output=True,
        text=True,
        check=False,
    )
    contracts = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))
    names = [contract["name"] for contract in contracts["tool"]["importlinter"]["contracts"]]
    ids = [contract["id"] for contract in contracts["tool"]["importlinter"]["contracts"]]
    said = [
        re.search(rf"^{re.escape(name)} (KEPT|BROKEN)", done.stdout, flags=re.MULTILINE)
        for name in names
    ]
    assert all(said), done.stdout + done.stderr
    outcomes = {key: found[1] for key, found in zip(ids, said, strict=True) if found}
    return outcomes, done.stdout


@pytest.fixture(scope="module")
def copy_of_sources(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("contracts")
    shutil.copytree(root / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "pyproject.toml", folder)
    return folder


def test_the_sources_keep_every_contract(copy_of_sources: Path) -> None:
    outcomes, output = lint_imports(copy_of_sources)
    assert set(outcomes.values()) == {"KEPT"}, output


@pytest.mark.parametrize(("contract", "module", "line"), PLANTS)
def test_a_planted_import_breaks_its_contract(
    copy_of_sources: Path, tmp_path: Path, contract: str, module: str, line: str
) -> None:
    folder = tmp_path / "planted"
    shutil.copytree(copy_of_sources, folder)
    target = folder / "src" / "codex_orchestrator" / module
    target.parent.mkdir(exist_ok=True)
    with target.open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")

    outcomes, output = lint_imports(folder)

    assert outcomes[contract] == "BROKEN", output


def test_every_contract_is_broken_once(root: Path) -> None:
    document = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    contracts = document["tool"]["importlinter"]["contracts"]
    assert {contract["id"] for contract in contracts} == {contract for contract, _, _ in PLANTS}


def test_the_contract_of_the_surfaces_names_every_room(root: Path) -> None:
    document = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    contracts = {
        contract["id"]: contract for contract in document["tool"]["importlinter"]["contracts"]
    }
    (floor,) = (floor for floor in contracts["floors"]["layers"] if "guard" in floor)
    rooms = {f"codex_orchestrator.{room.strip()}" for room in floor.split("|")}
    assert set(contracts["surfaces"]["forbidden_modules"]) == rooms
