"""Each adapter's commands on a small real project: exit codes, reports, and nothing left behind."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from codex_orchestrator.adapters.choose import LanguageAdapters
from codex_orchestrator.adapters.go import GoAdapter
from codex_orchestrator.adapters.projects import find_projects
from codex_orchestrator.adapters.python import PythonAdapter
from codex_orchestrator.adapters.reports import read_report
from codex_orchestrator.model.config import AdapterConfig
from codex_orchestrator.model.errors import NotCheckedError
from codex_orchestrator.model.suite_run import SuiteRun, judge_tests
from codex_orchestrator.model.task import CheckName
from codex_orchestrator.model.verdict import ValidationStatus
from support.missing import missing
from support.pattern_files import write_files

UNITTEST = """\
import unittest
from tea import brew


class Brewing(unittest.TestCase):
    def test_it_brews(self):
        self.assertEqual(brew(), {wanted!r})

    def test_parts(self):
        for part in ("a", "b"):
            with self.subTest(part=part):
                self.assertEqual(part, {part})
"""
PYTEST = (
    "import pytest\nfrom tea import brew\n\n\ndef test_it_brews():\n    assert brew() == {0!r}\n"
)


class Ran(NamedTuple):
    code: int
    output: str
    failures: tuple[str, ...]
    suite: SuiteRun


def run(root: Path, check: CheckName = "test", *, python: str = "") -> Ran:
    adapter = find_projects(root)[0].adapter
    adapter.ensure_ready(root, [check], python=python)
    command = adapter.commands(root, python=python)[check]
    logs = root.parent / f"{root.name}-logs"
    logs.mkdir(exist_ok=True)
    if command.report:
        (logs / command.report_file).unlink(missing_ok=True)
    command = command.writing_to(str(logs))
    done = subprocess.run(
        command.argv,
        cwd=root,
        env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **dict(command.env)},
        capture_output=True,
        text=True,
        check=False,
        timeout=command.timeout_s,
    )
    suite = read_report(logs, command) if command.report else SuiteRun({})
    return Ran(done.returncode, done.stdout + done.stderr, suite.failures(), suite)


def files_of(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*")}


@pytest.mark.parametrize("layout", ["tea.py", "src/tea.py"])
@pytest.mark.parametrize(
    ("test", "failing"),
    [
        (UNITTEST.format(wanted="tea", part="part"), ()),
        (
            UNITTEST.format(wanted="cup", part="'a'"),
            (
                "test_tea.Brewing.test_it_brews",
                "test_tea.Brewing.test_parts subtest (part='b')",
                "test_tea.Brewing.test_parts",
            ),
        ),
        (PYTEST.format("tea"), ()),
        (PYTEST.format("cup"), ("tests/test_tea.py::test_it_brews",)),
    ],
    ids=["unittest passes", "unittest fails", "pytest passes", "pytest fails"],
)
def test_python_tests_run_without_installing_the_project(
    tmp_path: Path, layout: str, test: str, failing: tuple[str, ...]
) -> None:
    root = write_files(
        tmp_path / "project",
        {
            "setup.py": "",
            layout: "def brew():\n    return 'tea'\n",
            "tests/test_tea.py": test,
        },
    )
    before = files_of(root)
    ran = run(root)
    assert ran.code == (1 if failing else 0), ran.output
    assert ran.failures == failing
    assert files_of(root) == before, "the tests left something in the work tree"


@pytest.mark.parametrize(
    "files", [{"setup.py": ""}, {"pytest.ini": "[pytest]\n"}, {"tests/__init__.py": ""}]
)
def test_no_test_at_all_is_not_a_pass(tmp_path: Path, files: dict[str, str]) -> None:
    ran = run(write_files(tmp_path / "project", files))
    assert ran.code == 5, ran.output


def test_a_test_module_that_cannot_be_imported_fails_and_is_named(tmp_path: Path) -> None:
    root = write_files(
        tmp_path / "project",
        {"setup.py": "", "tests/test_a.py": "import unittest\nimport nowhere_to_be_found\n"},
    )
    ran = run(root)
    assert ran.code == 1
    assert ran.failures == ("unittest.loader._FailedTest.test_a",)


def test_a_class_that_cannot_be_set_up_fails_and_is_named(tmp_path: Path) -> None:
    test = (
        "import unittest\n\n\nclass A(unittest.TestCase):\n    @classmethod\n"
        "    def setUpClass(cls):\n        raise ValueError\n\n"
        "    def test_a(self):\n        pass\n"
    )
    ran = run(write_files(tmp_path / "project", {"setup.py": "", "tests/test_a.py": test}))
    assert ran.code == 1
    assert ran.failures == ("setUpClass (test_a.A)",)


def test_unittest_outcomes_of_every_kind(tmp_path: Path) -> None:
    test = (
        "import unittest\n\n\nclass A(unittest.TestCase):\n"
        "    def test_error(self):\n        raise KeyError('\\x00 \\ud800')\n\n"
        "    @unittest.skip('no')\n    def test_skip(self):\n        pass\n\n"
        "    @unittest.expectedFailure\n    def test_surprise(self):\n        pass\n\n"
        "    @unittest.expectedFailure\n    def test_expected(self):\n        self.fail()\n"
    )
    ran = run(write_files(tmp_path / "project", {"setup.py": "", "test_a.py": test}))
    assert ran.code == 1
    assert ran.failures == ("test_a.A.test_error", "test_a.A.test_surprise")


def test_the_work_tree_comes_before_an_installed_copy(tmp_path: Path) -> None:
    write_files(tmp_path / "installed", {"tea.py": "def brew():\n    return 'installed'\n"})
    (tmp_path / "site").mkdir()
    root = write_files(
        tmp_path / "project",
        {
            "setup.py": "",
            "src/tea.py": "def brew():\n    return 'tea'\n",
            "tests/test_tea.py": PYTEST.format("tea"),
        },
    )
    # What an editable installation leaves behind: a path file that names the user's checkout.
    script = tmp_path / "python"
    script.write_text(
        f'#!/bin/sh\nexport PYTHONPATH="$PYTHONPATH:{tmp_path / "installed"}"\n'
        f'exec "{sys.executable}" "$@"\n'
    )
    script.chmod(0o755)
    ran = run(root, python=str(script))
    assert ran.code == 0, ran.output


def test_an_interpreter_without_pytest_is_not_checked(tmp_path: Path) -> None:
    script = tmp_path / "python"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
    script.chmod(0o755)
    root = write_files(tmp_path / "project", {"pytest.ini": ""})
    with pytest.raises(NotCheckedError, match="needs pytest") as caught:
        PythonAdapter().ensure_ready(root, ["test"], python=str(script))
    assert "pip install pytest" in caught.value.fix


def test_a_relative_interpreter_is_asked_in_the_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = write_files(
        tmp_path / "repo", {"bin/python": f'#!/bin/sh\nexec "{sys.executable}" "$@"\n'}
    )
    (repo / "bin/python").chmod(0o755)
    tree = write_files(tmp_path / "tree", {"pytest.ini": "", "test_a.py": "def test_a(): pass\n"})
    monkeypatch.chdir(write_files(tmp_path / "elsewhere", {"notes.txt": ""}))
    adapters = LanguageAdapters([AdapterConfig(python="bin/python")], repo=repo)
    _, commands = adapters.commands(tree, wanted=None, checks=["test"])
    done = subprocess.run([commands["test"].argv[0], "--version"], cwd=tree, check=False)
    assert done.returncode == 0


def test_ruff_is_the_lint_where_it_is_configured(tmp_path: Path) -> None:
    root = write_files(tmp_path / "project", {"ruff.toml": "", "a.py": "import os\n"})
    before = files_of(root)
    ran = run(root, "lint")
    assert ran.code == 1
    assert "a.py:1:8: F401" in ran.output
    assert files_of(root) == before
    write_files(root, {"a.py": "x = 1\n"})
    assert run(root, "lint").code == 0


@pytest.fixture
def node() -> None:
    if not shutil.which("npm"):
        missing("npm is not installed")


@pytest.fixture
def go() -> None:
    if not shutil.which("go"):
        missing("go is not installed")


needs_node = pytest.mark.usefixtures("node")
needs_go = pytest.mark.usefixtures("go")


@needs_node
@pytest.mark.parametrize(("code", "wanted"), [("0", 0), ("3", 3)])
def test_npm_runs_the_packages_own_script(tmp_path: Path, code: str, wanted: int) -> None:
    package = '{"name": "tea", "scripts": {"test": "node check.js"}}'
    root = write_files(
        tmp_path / "project",
        {"package.json": package, "check.js": f"process.exit({code});\n"},
    )
    assert run(root).code == wanted


@needs_node
@pytest.mark.parametrize(("value", "failing"), [("1", ()), ("2", ("tea.test.js > it brews",))])
def test_node_runs_its_own_test_runner(
    tmp_path: Path, value: str, failing: tuple[str, ...]
) -> None:
    test = (
        "const test = require('node:test');\nconst assert = require('node:assert');\n"
        f"test('it brews', () => assert.strictEqual(1, {value}));\n"
    )
    root = write_files(tmp_path / "project", {"package.json": "{}", "tea.test.js": test})
    ran = run(root)
    assert ran.code == (1 if failing else 0), ran.output
    assert ran.failures == failing


@needs_go
# The first test binary on a machine compiles the standard library's testing package.
@pytest.mark.timeout(400)
def test_go_runs_all_packages(tmp_path: Path) -> None:
    test = (
        'package tea\n\nimport "testing"\n\n'
        "func TestBrew(t *testing.T) {\n\tif Brew() != 1 {\n\t\tt.Fail()\n\t}\n}\n"
    )
    root = write_files(
        tmp_path / "project",
        {
            "go.mod": "module example.org/tea\n\ngo 1.20\n",
            "tea.go": "package tea\n\nfunc Brew() int { return 1 }\n",
            "tea_test.go": test,
        },
    )
    ran = run(root)
    assert ran.code == 0, ran.output
    assert run(root, "lint").code == 0
    write_files(root, {"tea.go": "package tea\n\nfunc Brew() int { return 2 }\n"})
    ran = run(root)
    assert ran.code == 1
    assert "--- FAIL: TestBrew" in ran.output


@needs_go
def test_a_module_without_tests_is_not_checked(tmp_path: Path) -> None:
    files = {"go.mod": "module example.org/tea\n", "tea.go": "package tea\n"}
    root = write_files(tmp_path / "project", files)
    GoAdapter().ensure_ready(root, ["test"])
    ran = run(root)
    assert ran.code == 0
    status, why = judge_tests(ValidationStatus.PASSED, ran.suite)
    assert status is ValidationStatus.NOT_RUN
    assert "no test was executed" in why
