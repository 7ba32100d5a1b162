"""The interpreter of a project's checks: its own environment, in a known order, and why."""

import os
import sys
import venv
from collections.abc import Mapping
from pathlib import Path

import pytest

from codex_orchestrator.adapters.choose import LanguageAdapters
from codex_orchestrator.adapters.interpreter import Interpreter, find_interpreter
from codex_orchestrator.model.errors import NotCheckedError
from codex_orchestrator.system.sandbox.probe import probe_layers
from support.pattern_files import write_files


def make_environment(folder: Path) -> str:
    """Make a real virtual environment, and return its interpreter."""
    venv.create(folder, with_pip=False, symlinks=True)
    return str(folder / "bin" / "python")


def found(repo: Path, configured: str = "", **environ: str) -> Interpreter:
    known: Mapping[str, str] = {"PATH": os.environ["PATH"], **environ}
    return find_interpreter(repo, configured, environ=known, layers=probe_layers)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return write_files(tmp_path / "repo", {"pyproject.toml": '[project]\nname = "tea"\n'})


def test_what_is_configured_comes_first(repo: Path) -> None:
    make_environment(repo / ".venv")
    assert found(repo, "env/bin/python").program == str(repo / "env/bin/python")
    assert found(repo, "python3").program == "python3"
    assert found(repo, "/opt/tea/bin/python3").why == "Python that adapter.python names (python3)"


def test_the_active_environment_comes_before_those_of_the_checkout(
    repo: Path, tmp_path: Path
) -> None:
    make_environment(repo / ".venv")
    active = make_environment(tmp_path / "active")
    interpreter = found(repo, VIRTUAL_ENV=str(tmp_path / "active"))
    assert interpreter == (active, "Python of the active environment (VIRTUAL_ENV)")


def test_an_active_environment_that_is_gone_is_passed_over(repo: Path, tmp_path: Path) -> None:
    inside = make_environment(repo / ".venv")
    assert found(repo, VIRTUAL_ENV=str(tmp_path / "gone")).program == inside


@pytest.mark.parametrize("name", [".venv", "venv"])
def test_the_environment_of_the_checkout_is_used(repo: Path, name: str) -> None:
    inside = make_environment(repo / name)
    assert found(repo) == (inside, f"Python of {name} in the checkout")


def test_without_any_it_is_ours_and_it_says_why(repo: Path) -> None:
    interpreter = found(repo)
    assert interpreter.program == sys.executable
    assert "the project has no environment" in interpreter.why


TOOLS = {
    "poetry": ("env info --path", {"poetry.lock": "# locked\n"}),
    "uv": ("python find --offline --no-python-downloads", {"uv.lock": "version = 1\n"}),
    "hatch": ("env find default", {"pyproject.toml": "[tool.hatch.envs.default]\n"}),
    "pipenv": ("--venv", {"Pipfile": "[packages]\n"}),
}


def put_tool(folder: Path, name: str, words: str, answer: str) -> str:
    """Put a program on a PATH that answers one question and refuses every other one."""
    write_files(folder, {name: f'#!/bin/sh\n[ "$*" = "{words}" ] && echo "{answer}"\n'})
    (folder / name).chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


@pytest.mark.parametrize("name", TOOLS)
def test_a_tool_that_keeps_the_environment_elsewhere_is_asked(
    repo: Path, tmp_path: Path, name: str
) -> None:
    words, files = TOOLS[name]
    write_files(repo, files)
    elsewhere = make_environment(tmp_path / "elsewhere")
    path = put_tool(tmp_path / "tools", name, words, str(tmp_path / "elsewhere"))
    assert found(repo, PATH=path) == (elsewhere, f"Python that `{name} {words}` answers")


def test_the_interpreter_of_the_system_is_not_taken_for_an_environment(
    repo: Path, tmp_path: Path
) -> None:
    write_files(repo, {"uv.lock": "version = 1\n"})
    path = put_tool(tmp_path / "tools", "uv", TOOLS["uv"][0], "/usr/bin/python3")
    assert found(repo, PATH=path).program == sys.executable


def test_a_tool_is_not_asked_where_the_project_does_not_use_it(repo: Path, tmp_path: Path) -> None:
    make_environment(tmp_path / "elsewhere")
    path = put_tool(tmp_path / "tools", "poetry", TOOLS["poetry"][0], str(tmp_path / "elsewhere"))
    assert found(repo, PATH=path).program == sys.executable


def test_an_environment_without_pytest_is_not_checked_and_says_what_to_paste(repo: Path) -> None:
    inside = make_environment(repo / ".venv")
    write_files(repo, {"tests/test_tea.py": "import pytest\n\n\ndef test_tea():\n    pass\n"})
    adapters = LanguageAdapters([], repo=repo, environ={"PATH": os.environ["PATH"]})
    with pytest.raises(NotCheckedError, match="needs pytest") as error:
        adapters.commands(repo, wanted=None, checks=["test"])
    assert f"{inside} -m pip install pytest" in error.value.fix
    assert adapters.interpreter == "Python of .venv in the checkout"
