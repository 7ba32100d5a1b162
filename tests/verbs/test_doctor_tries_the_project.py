"""`doctor` tries what a run would do with the project, and what it finds missing has its fix."""

import os
import sys
from pathlib import Path

import pytest

from codex_orchestrator.adapters.choose import LanguageAdapters
from codex_orchestrator.model.config import AdapterConfig
from codex_orchestrator.model.probe import Probe
from codex_orchestrator.system.sandbox.probe import probe_layers
from codex_orchestrator.verbs.diagnose.project import Trial, probe_project
from support.project import write

PYTEST = "[project]\nname = 'x'\nversion = '0'\n[tool.pytest.ini_options]\ntestpaths = ['tests']\n"
UNITTEST = "import unittest\nclass T(unittest.TestCase):\n    def test_a(self): pass\n"


def look(
    root: Path, *, seconds: float = 60, has_set_up: bool = False, **config: object
) -> dict[str, Probe]:
    layers = probe_layers(path=os.environ["PATH"])
    adapters = LanguageAdapters(
        (AdapterConfig(**config),) if config else (),  # type: ignore[arg-type]
        repo=root,
        layers=lambda: layers,
    )
    trial = Trial(root, "", layers, os.environ, seconds)
    paths = [path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()]
    found = probe_project(adapters, trial, paths, has_set_up=has_set_up)
    return {probe.name: probe for probe in found}


def test_tests_of_pytest_are_collected_and_nothing_is_written(tmp_path: Path) -> None:
    write(tmp_path, "pyproject.toml", PYTEST)
    write(tmp_path, "tests/test_a.py", "import pkg\ndef test_a(): pass\ndef test_b(): pass\n")
    write(tmp_path, "src/pkg/__init__.py", "")
    write(tmp_path, "tests/conftest.py", "open('written', 'w').write('x') if 0 else None\n")
    before = sorted(tmp_path.rglob("*"))
    found = look(tmp_path)
    assert found["tests"].state == "works", found
    assert found["tests"].detail == "2 tests by `python -m pytest --collect-only -q`"
    assert found["adapter"].detail.startswith("python: pyproject.toml describes a Python project; ")
    assert found["interpreter"].detail.startswith(sys.executable)
    assert sorted(tmp_path.rglob("*")) == before


def test_tests_of_unittest_are_counted(tmp_path: Path) -> None:
    write(tmp_path, "setup.py", "")
    write(tmp_path, "tests/test_a.py", UNITTEST)
    assert look(tmp_path)["tests"].detail == (
        "1 tests by `python -m unittest discover -s tests -t tests`"
    )


@pytest.mark.parametrize("table", [PYTEST, "[project]\nname = 'x'\nversion = '0'\n"])
def test_no_test_at_all_is_a_failure(tmp_path: Path, table: str) -> None:
    write(tmp_path, "pyproject.toml", table)
    write(tmp_path, "tests/helper.py", "")
    found = look(tmp_path)["tests"]
    assert (found.state, found.fix, found.is_required) == ("missing", "add a test", True)


@pytest.mark.parametrize("text", ["import no_such_package\n", "def test_a(:\n"])
@pytest.mark.parametrize("table", [PYTEST, "[project]\nname = 'x'\nversion = '0'\n"])
def test_tests_that_cannot_be_imported_are_a_failure_with_its_reason(
    tmp_path: Path, table: str, text: str
) -> None:
    write(tmp_path, "pyproject.toml", table)
    write(tmp_path, "tests/test_a.py", "import unittest\n" + text)
    found = look(tmp_path)["tests"]
    assert found.state == "wrong"
    assert found.is_required
    assert "no_such_package" in found.detail or "SyntaxError" in found.detail, found


def test_a_collection_that_hangs_is_ended_and_is_no_failure(tmp_path: Path) -> None:
    write(tmp_path, "pyproject.toml", PYTEST)
    write(tmp_path, "tests/test_a.py", "import time\ntime.sleep(600)\n")
    found = look(tmp_path, seconds=1)["tests"]
    assert found.state == "not tried"
    assert "did not end within 1 s" in found.detail
    assert "--seconds" in found.fix


def test_a_collection_that_writes_to_the_checkout_does_not_reach_it(tmp_path: Path) -> None:
    write(tmp_path, "pyproject.toml", PYTEST)
    write(tmp_path, "tests/test_a.py", "open('written', 'w')\ndef test_a(): pass\n")
    found = look(tmp_path)["tests"]
    assert found.state == "wrong"
    assert not (tmp_path / "written").exists()


def test_files_of_tests_of_go_are_listed(tmp_path: Path) -> None:
    write(tmp_path, "go.mod", "module ex.com/a\n\ngo 1.19\n")
    write(tmp_path, "a.go", "package a\n")
    write(tmp_path, "a_test.go", 'package a\nimport "testing"\nfunc TestA(t *testing.T) {}\n')
    assert look(tmp_path)["tests"].detail == "1 files of tests by `go list ./...`"
    (tmp_path / "a_test.go").unlink()
    assert look(tmp_path)["tests"].state == "missing"


def test_files_of_tests_of_node_are_counted_by_their_names(tmp_path: Path) -> None:
    write(tmp_path, "package.json", '{"scripts": {"test": "node --test"}}')
    write(tmp_path, "index.js", "")
    assert look(tmp_path)["tests"].state == "missing"
    write(tmp_path, "src/a.test.js", "")
    assert look(tmp_path)["tests"].detail == "1 files of tests by `npm run test`"


def test_a_command_that_lists_no_tests_is_not_tried(tmp_path: Path) -> None:
    found = look(tmp_path, commands={"test": ("make", "test")})
    assert found["tests"].state == "not tried"
    assert "make test" in found["tests"].detail
    assert found["adapter"].detail == "command: it is configured"


def test_a_project_that_no_adapter_fits_is_shown_the_lines_to_paste(tmp_path: Path) -> None:
    write(tmp_path, "README", "nothing")
    (found,) = look(tmp_path).values()
    assert (found.name, found.state, found.is_required) == ("adapter", "missing", True)
    assert "no adapter fits" in found.detail
    assert found.fix


def test_an_adapter_without_a_file_of_its_language_is_a_failure(tmp_path: Path) -> None:
    write(tmp_path, "pyproject.toml", PYTEST)
    found = look(tmp_path)["adapter"]
    assert (found.state, found.is_required) == ("missing", True)
    assert "no tracked file" in found.detail
    assert "in .codex-orchestrator.toml:\n[adapter]\n" in found.fix


def test_what_the_tests_need_is_missing_unless_set_up_makes_it(tmp_path: Path) -> None:
    package = '{"scripts": {"test": "node --test"}, "dependencies": {"a": "1"}}'
    write(tmp_path, "package.json", package)
    write(tmp_path, "a.test.js", "")
    found = look(tmp_path)
    assert (found["adapter"].state, found["tests"].state) == ("works", "missing")
    assert found["tests"].is_required
    assert "node_modules" in found["tests"].detail
    made = look(tmp_path, has_set_up=True)["tests"]
    assert (made.state, made.is_required) == ("not tried", False)
