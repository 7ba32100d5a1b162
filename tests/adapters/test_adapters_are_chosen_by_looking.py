"""Which adapter, and which runner, a project gets by what it holds."""

from pathlib import Path

import pytest

from codex_orchestrator.adapters.choose import LanguageAdapters
from codex_orchestrator.adapters.command import CommandAdapter
from codex_orchestrator.adapters.node import NodeAdapter
from codex_orchestrator.adapters.projects import find_projects
from codex_orchestrator.adapters.python import PythonAdapter, why_pytest
from codex_orchestrator.model.config import AdapterConfig
from codex_orchestrator.model.errors import InputError, NotCheckedError
from support.pattern_files import write_files

PROJECT = "[project]\nname = 'x'\n"
SCRIPT = '{"scripts": {"test": "node t.js"}}'


def only(root: Path, wanted: str | None = None) -> str:
    (project,) = find_projects(root, wanted)
    return project.adapter.id


@pytest.mark.parametrize(
    ("files", "chosen"),
    [
        ({"pyproject.toml": PROJECT}, "python"),
        ({"setup.py": ""}, "python"),
        ({"requirements.txt": ""}, "python"),
        ({"tool.py": ""}, "python"),
        ({"pyproject.toml": "[tool.ruff]\n", "go.mod": "module x\n"}, "go"),
        ({"package.json": SCRIPT}, "node"),
        ({"package.json": SCRIPT, "tools/a.py": ""}, "node"),
        ({"package.json": '{"private": true}', "setup.py": ""}, "python"),
        ({"go.mod": "module x\n", "script.py": ""}, "go"),
        ({"main.go": "package main\n"}, "go"),
        ({"Cargo.toml": "[package]\n", "tools/a.py": ""}, "rust"),
        ({"build.rs": ""}, "rust"),
        ({"pom.xml": "<project/>", "tools/a.py": ""}, "maven"),
    ],
)
def test_the_project_file_decides(tmp_path: Path, files: dict[str, str], chosen: str) -> None:
    write_files(tmp_path, files)
    assert only(tmp_path) == chosen


def test_two_that_fit_equally_well_by_their_files_are_an_error_that_names_both(
    tmp_path: Path,
) -> None:
    write_files(tmp_path, {"a.py": "", "b.go": "package b\n"})
    with pytest.raises(InputError, match=r"python \(a.py is Python\) and go \(b.go") as caught:
        find_projects(tmp_path)
    assert "adapter: python" in caught.value.fix
    assert only(tmp_path, "go") == "go"


def test_nothing_that_fits_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    write_files(tmp_path, {"README.md": "hello\n"})
    with pytest.raises(InputError, match="no adapter fits") as caught:
        find_projects(tmp_path)
    assert "adapter: command" in caught.value.fix


def test_an_unknown_adapter_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no adapter 'cobol'") as caught:
        find_projects(tmp_path, "cobol")
    assert caught.value.fix == "use one of: python, node, go, rust, maven, gradle, command"


def test_given_commands_are_the_command_adapter(tmp_path: Path) -> None:
    entry = AdapterConfig(commands={"test": ("make", "test")})
    (chosen,) = LanguageAdapters([entry], repo=tmp_path).choose(tmp_path)
    assert chosen.adapter.commands(tmp_path)["test"].argv == ("make", "test")
    with pytest.raises(InputError, match="has no commands"):
        LanguageAdapters([], repo=tmp_path).choose(tmp_path, "command")


def test_a_broken_package_json_is_wrong_input(tmp_path: Path) -> None:
    write_files(tmp_path, {"package.json": "{oops"})
    with pytest.raises(InputError, match=r"package\.json: line 1"):
        find_projects(tmp_path)


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"pytest.ini": ""}, "pytest.ini"),
        ({"pyproject.toml": "[tool.pytest.ini_options]\n"}, "a table in pyproject.toml"),
        ({"pyproject.toml": "[tool.pytest]\n"}, "a table in pyproject.toml"),
        ({"setup.cfg": "[tool:pytest]\n"}, "a table in setup.cfg"),
        ({"tox.ini": "[pytest]\n"}, "a table in tox.ini"),
        ({"tests/conftest.py": ""}, "conftest.py"),
        ({"tests/test_a.py": "import unittest\nimport pytest\n"}, "tests/test_a.py imports it"),
        ({"a/b_test.py": "from pytest import raises\n"}, "a/b_test.py imports it"),
        (
            {"tests/test_a.py": "import unittest\n", "dev-requirements.txt": "pytest>=8\n"},
            "dev-requirements.txt names it",
        ),
        (
            {"tests/test_a.py": "import unittest\n", "tox.ini": "[testenv]\ndeps = pytest\n"},
            "tox.ini names it",
        ),
        ({"tests/test_a.py": "def test_a(): pass\n"}, "test functions without unittest"),
        ({"tests/test_a.py": "import unittest\n"}, ""),
        ({"tests/test_a.py": "import unittest\n", "requirements.txt": "pytest-mock\n"}, ""),
        ({"tests/test_a.py": "import unittest  # not pytest\n"}, ""),
        ({"tests/test_a.py": "from django.test import TestCase\nimport unittest\n"}, ""),
        ({"setup.py": ""}, ""),
    ],
)
def test_pytest_or_unittest_is_found_by_looking(
    tmp_path: Path, files: dict[str, str], reason: str
) -> None:
    write_files(tmp_path, files)
    assert why_pytest(tmp_path) == reason
    runner = PythonAdapter().commands(tmp_path)["test"].recorded[1:3]
    assert ("pytest" in runner) is bool(reason)


@pytest.mark.parametrize("files", [{"pytest.ini": ""}, {"setup.py": ""}, {"ruff.toml": ""}])
def test_what_records_name_has_no_absolute_path(tmp_path: Path, files: dict[str, str]) -> None:
    write_files(tmp_path, files)
    for command in PythonAdapter().commands(tmp_path).values():
        assert not any(part.startswith("/") for part in command.recorded), command.recorded
        assert command.recorded[0] == "python"


def test_another_interpreter_can_be_named(tmp_path: Path) -> None:
    commands = PythonAdapter().commands(tmp_path, python="/opt/py/bin/python")
    assert commands["test"].argv[0] == "/opt/py/bin/python"
    write_files(tmp_path, {"pytest.ini": ""})
    with pytest.raises(NotCheckedError, match="/opt/py/bin/python does not start"):
        PythonAdapter().ensure_ready(tmp_path, ["test"], python="/opt/py/bin/python")


@pytest.mark.parametrize(
    ("python", "used"),
    [
        (".venv/bin/python", "{repo}/.venv/bin/python"),
        ("./python", "{repo}/python"),
        ("../shared/python", "{repo}/../shared/python"),
        ("/opt/py/bin/python", "/opt/py/bin/python"),
        ("python3.12", "python3.12"),
    ],
)
def test_a_relative_interpreter_is_the_repositorys_wherever_the_check_runs(
    tmp_path: Path, python: str, used: str
) -> None:
    repo = tmp_path / "repo"
    tree = write_files(tmp_path / "tree", {"setup.py": ""})
    adapters = LanguageAdapters([AdapterConfig(python=python)], repo=repo)
    _, commands = adapters.commands(tree, wanted=None, checks=["test"])
    assert commands["test"].argv[0] == used.format(repo=repo)


@pytest.mark.parametrize(
    ("package", "files", "test"),
    [
        ('{"scripts": {"test": "jest"}}', {}, ("npm", "run", "test")),
        ('{"scripts": {"test": "jest"}}', {"pnpm-lock.yaml": ""}, ("pnpm", "run", "test")),
        ('{"scripts": {"test": "jest"}}', {"yarn.lock": ""}, ("yarn", "run", "test")),
        (
            '{"scripts": {"test": "echo \\"Error: no test specified\\" && exit 1"}}',
            {"a.test.js": ""},
            ("node", "--test"),
        ),
        ("{}", {"test/a.mjs": ""}, ("node", "--test")),
        ('{"scripts": {"test": 5}}', {}, ("node", "--test")),
        ("[]", {}, ("node", "--test")),
    ],
)
def test_node_scripts_and_managers(
    tmp_path: Path, package: str, files: dict[str, str], test: tuple[str, ...] | None
) -> None:
    write_files(tmp_path, {"package.json": package, **files})
    command = NodeAdapter().commands(tmp_path).get("test")
    assert (command and command.recorded[: len(test or ())]) == test


def test_missing_dependencies_are_not_checked_and_not_a_failure(tmp_path: Path) -> None:
    package = '{"scripts": {"test": "true"}, "devDependencies": {"jest": "30"}}'
    write_files(tmp_path, {"package.json": package})
    with pytest.raises(NotCheckedError, match="node_modules is missing"):
        NodeAdapter().ensure_ready(tmp_path, ["test"])


@pytest.mark.parametrize("check", ["lint", "build"])
def test_a_check_that_nobody_configured_is_not_checked(tmp_path: Path, check: str) -> None:
    write_files(tmp_path, {"setup.py": ""})
    with pytest.raises(NotCheckedError, match=f"has no `{check}`"):
        PythonAdapter().ensure_ready(tmp_path, [check])  # type: ignore[list-item]


def test_a_missing_program_is_not_checked(tmp_path: Path) -> None:
    adapter = CommandAdapter({"test": ["no-such-program-here"]})
    with pytest.raises(NotCheckedError, match="no-such-program-here"):
        adapter.ensure_ready(tmp_path, ["test"])
    with pytest.raises(NotCheckedError, match="no command is given for `lint`"):
        adapter.ensure_ready(tmp_path, ["lint"])
    write_files(tmp_path, {"run.sh": "true\n"})
    CommandAdapter({"test": ["./run.sh"]}).ensure_ready(tmp_path, ["test"])


def test_a_projects_own_program_is_looked_for_in_the_project_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = write_files(tmp_path / "elsewhere", {"bin/check": "#!/bin/sh\n"})
    (elsewhere / "bin/check").chmod(0o755)
    monkeypatch.chdir(elsewhere)
    with pytest.raises(NotCheckedError, match="bin/check"):
        CommandAdapter({"test": ["bin/check"]}).ensure_ready(tmp_path / "tree", ["test"])


def test_a_project_file_that_is_a_link_is_not_read(tmp_path: Path) -> None:
    secret = write_files(tmp_path / "outside", {"p.toml": PROJECT}) / "p.toml"
    tree = write_files(tmp_path / "tree", {"go.mod": "module x\n"})
    (tree / "pyproject.toml").symlink_to(secret)
    assert only(tree) == "go"
