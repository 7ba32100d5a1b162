"""Whatever a project does to its test run: no verdict is better than the tests that really ran."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from codex_orchestrator.adapters.projects import find_projects
from codex_orchestrator.adapters.reports import read_report
from codex_orchestrator.model.suite_run import Outcome, SuiteRun, judge_tests
from codex_orchestrator.model.verdict import ValidationStatus
from support.missing import missing
from support.pattern_files import write_files

PASSED = ValidationStatus.PASSED
PYTEST = {"pytest.ini": "[pytest]\n", "test_a.py": "def test_a():\n    assert 0\n"}
UNITTEST = {
    "setup.py": "",
    "test_a.py": "import unittest\n\n\nclass T(unittest.TestCase):\n"
    "    def test_a(self):\n        self.fail()\n",
}
NODE = {
    "package.json": "{}",
    "a.test.js": "const test = require('node:test');\ntest('a', () => { throw new Error() });\n",
}
GO = {
    "go.mod": "module example.org/a\n\ngo 1.20\n",
    "a.go": "package a\n",
    "a_test.go": 'package a\n\nimport "testing"\n\nfunc TestA(t *testing.T) { t.Fail() }\n',
}
OUTCOME_HOOK = """\
import pytest


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    outcome.get_result().outcome = "passed"
"""
TEST_MAIN = "\n\nfunc TestMain(m *testing.M) { %s }\n"
GO_IMPORTS = 'import (\n\t"os"\n\t"testing"\n)'

CHEATS = {
    "pytest: every test skipped": (
        PYTEST,
        {"conftest.py": "import pytest\npytest.skip('no', allow_module_level=True)\n"},
    ),
    "pytest: a skip mark for all": (
        PYTEST,
        {"test_a.py": "import pytest\npytestmark = pytest.mark.skip\n\ndef test_a(): assert 0\n"},
    ),
    "pytest: xfail": (
        PYTEST,
        {"test_a.py": "import pytest\n@pytest.mark.xfail\ndef test_a(): assert 0\n"},
    ),
    "pytest: deselected by addopts": (PYTEST, {"pytest.ini": "[pytest]\naddopts = -k nothing\n"}),
    "pytest: only collected": (PYTEST, {"pytest.ini": "[pytest]\naddopts = --co\n"}),
    "pytest: os._exit in a test": (PYTEST, {"test_a.py": "import os\ndef test_a(): os._exit(0)\n"}),
    "pytest: os._exit at import": (PYTEST, {"test_a.py": "import os\nos._exit(0)\n"}),
    "pytest: atexit": (
        PYTEST,
        {"conftest.py": "import atexit, os\natexit.register(os._exit, 0)\n"},
    ),
    "pytest: pytest.exit": (
        PYTEST,
        {"conftest.py": "import pytest\ndef pytest_runtest_setup(item): pytest.exit('', 0)\n"},
    ),
    "pytest: the exit status is replaced": (
        PYTEST,
        {"conftest.py": "def pytest_sessionfinish(session): session.exitstatus = 0\n"},
    ),
    "pytest: a hook says passed": (PYTEST, {"conftest.py": OUTCOME_HOOK}),
    "pytest: a hook says passed in another process": (
        PYTEST | {"pytest.ini": "[pytest]\naddopts = -n 1\n"},
        {"conftest.py": OUTCOME_HOOK},
    ),
    "pytest: a hook says that it runs a test again": (
        PYTEST,
        {
            "conftest.py": OUTCOME_HOOK.replace('"passed"', '"rerun"'),
            "test_b.py": "def test_b(): pass\n",
        },
    ),
    "pytest: a hook takes the tests away": (
        PYTEST,
        {"conftest.py": "def pytest_collection_modifyitems(items): items.clear()\n"},
    ),
    "pytest: a hook runs nothing": (
        PYTEST,
        {"conftest.py": "def pytest_runtest_protocol(item): return True\n"},
    ),
    "pytest: an exit after the first test": (
        PYTEST,
        {
            "test_a.py": "import pytest\ndef test_0(): pass\ndef test_1(): pytest.exit('', 0)\n"
            "def test_a(): assert 0\n"
        },
    ),
    "pytest: a hook skips the protocol of some": (
        PYTEST,
        {
            "conftest.py": "def pytest_runtest_protocol(item):\n"
            "    return True if item.name == 'test_a' else None\n",
            "test_b.py": "def test_b(): pass\n",
        },
    ),
    "pytest: a module of that name": (PYTEST, {"pytest.py": "raise SystemExit(0)\n"}),
    "pytest: a reporting plugin is refused": (
        PYTEST,
        {"pytest.ini": "[pytest]\naddopts = -p no:terminal -p no:junitxml\n"},
    ),
    "unittest: a module of that name": (UNITTEST, {"unittest.py": "raise SystemExit(0)\n"}),
    "unittest: a module that it imports": (UNITTEST, {"argparse.py": "raise SystemExit(0)\n"}),
    "unittest: a json module that rewrites outcomes": (
        UNITTEST,
        {
            "json.py": "import atexit, os\natexit.register(os._exit, 0)\n"
            "def dumps(value): return str(value).replace('failed', 'passed').replace(\"'\", '\"')\n"
        },
    ),
    "unittest: os._exit in a test": (
        UNITTEST,
        {
            "test_a.py": "import os, unittest\nclass T(unittest.TestCase):\n"
            "    def test_a(self): os._exit(0)\n"
        },
    ),
    "unittest: load_tests returns nothing": (
        UNITTEST,
        {
            "test_a.py": UNITTEST["test_a.py"]
            + "\n\ndef load_tests(*_):\n    return unittest.TestSuite()\n"
        },
    ),
    "unittest: the run is stopped": (
        UNITTEST,
        {
            "test_a.py": "import unittest\nclass T(unittest.TestCase):\n"
            "    def test_0(self): self._outcome.result.stop()\n"
            "    def test_a(self): self.fail()\n"
        },
    ),
    "unittest: atexit": (
        UNITTEST,
        {"test_a.py": "import atexit, os\natexit.register(os._exit, 0)\n" + UNITTEST["test_a.py"]},
    ),
    "unittest: skipped": (
        UNITTEST,
        {"test_a.py": UNITTEST["test_a.py"].replace("class T", "@unittest.skip('')\nclass T")},
    ),
    "unittest: expected to fail": (
        UNITTEST,
        {
            "test_a.py": UNITTEST["test_a.py"].replace(
                "    def", "    @unittest.expectedFailure\n    def"
            )
        },
    ),
    "node: exit in a test": (
        NODE,
        {"a.test.js": "require('node:test')('a', () => process.exit(0));\n"},
    ),
    "node: exit at the start": (NODE, {"a.test.js": "process.exit(0);\n"}),
    "node: skip": (NODE, {"a.test.js": "require('node:test')('a', {skip: true}, () => {});\n"}),
    "node: todo": (
        NODE,
        {"a.test.js": "require('node:test')('a', {todo: true}, () => { throw 1 });\n"},
    ),
    "go: TestMain runs nothing": (
        GO,
        {
            "a_test.go": GO["a_test.go"].replace('import "testing"', GO_IMPORTS)
            + TEST_MAIN % "os.Exit(0)"
        },
    ),
    "go: TestMain hides the failure": (
        GO,
        {
            "a_test.go": GO["a_test.go"].replace('import "testing"', GO_IMPORTS)
            + TEST_MAIN % "m.Run(); os.Exit(0)"
        },
    ),
    "go: skipped": (GO, {"a_test.go": GO["a_test.go"].replace("t.Fail()", "t.Skip()")}),
    "go: a build tag": (GO, {"a_test.go": "//go:build never\n\n" + GO["a_test.go"]}),
}


def run(tmp_path: Path, files: dict[str, str], **variables: str) -> tuple[int, SuiteRun]:
    root = write_files(tmp_path / "project", files)
    logs = tmp_path / "logs"
    command = find_projects(root)[0].adapter.commands(root)["test"].writing_to(str(logs))
    logs.mkdir(exist_ok=True)
    (logs / command.report_file).unlink(missing_ok=True)
    environment = {name: os.environ[name] for name in ("PATH", "HOME")}
    done = subprocess.run(
        command.argv,
        cwd=root,
        env=environment | dict(command.env) | variables,
        capture_output=True,
        check=False,
        timeout=300,
    )
    return done.returncode, read_report(logs, command)


def status_of(code: int, suite: SuiteRun) -> ValidationStatus:
    return judge_tests(PASSED if code == 0 else ValidationStatus.FAILED, suite)[0]


def _require(runner: str) -> None:
    program = {"node": "node", "go": "go"}.get(runner)
    if program and not shutil.which(program):
        missing(f"{program} is not installed")


@pytest.mark.parametrize("name", CHEATS)
@pytest.mark.timeout(400)
def test_a_failing_test_cannot_be_made_a_pass(tmp_path: Path, name: str) -> None:
    _require(name.partition(":")[0])
    base, change = CHEATS[name]
    code, suite = run(tmp_path, base | change)
    assert status_of(code, suite) is not PASSED


@pytest.mark.parametrize(
    "files", [PYTEST, UNITTEST, NODE, GO], ids=["pytest", "unittest", "node", "go"]
)
@pytest.mark.timeout(400)
def test_a_failing_test_fails_and_is_named(tmp_path: Path, files: dict[str, str]) -> None:
    _require("go" if files is GO else "node" if files is NODE else "")
    code, suite = run(tmp_path, files)
    assert status_of(code, suite) is ValidationStatus.FAILED
    assert (
        len(suite.failures()) == 1
        if files is not GO
        else "example.org/a::TestA" in suite.failures()
    )
    assert suite.problem == ""


def test_pytest_outcomes_of_every_kind(tmp_path: Path) -> None:
    test = (
        "import pytest\n\n\ndef test_ok(): pass\n\n\n"
        "@pytest.mark.skip\ndef test_skip(): pass\n\n\n"
        "@pytest.mark.xfail\ndef test_xfail(): assert 0\n\n\n"
        "@pytest.mark.xfail\ndef test_xpass(): pass\n\n\n"
        "@pytest.mark.xfail(strict=True)\ndef test_strict(): pass\n\n\n"
        "@pytest.fixture\ndef broken():\n    yield\n    raise ValueError\n\n\n"
        "def test_teardown(broken): pass\n\n\n"
        "@pytest.mark.parametrize('a', ['x::y', 'b\\nc'])\ndef test_param(a): pass\n"
    )
    _, suite = run(tmp_path, {"pytest.ini": "[pytest]\n", "test_a.py": test})
    assert {
        name.removeprefix("test_a.py::"): str(found) for name, found in suite.outcomes.items()
    } == {
        "test_ok": "passed",
        "test_skip": "skipped",
        "test_xfail": "skipped",
        "test_xpass": "passed",
        "test_strict": "failed",
        "test_teardown": "failed",
        "test_param[x::y]": "passed",
        "test_param[b\\nc]": "passed",
    }


SUBTESTS = {
    "unittest": (
        "import unittest\n\n\nclass T(unittest.TestCase):\n    def test_a(self):\n"
        "        for n in (1, 2, 2):\n            with self.subTest(n=n):\n"
        "                self.assertEqual(n, 1)\n"
        "        with self.subTest('why'):\n            self.skipTest('no')\n"
    ),
    "pytest": (
        "import pytest\n\n\ndef test_a(subtests):\n    for n in (1, 2, 2):\n"
        "        with subtests.test(n=n):\n            assert n == 1\n"
        "    with subtests.test('why'):\n        pytest.skip('no')\n"
    ),
}


@pytest.mark.parametrize("runner", SUBTESTS)
def test_subtests_have_names_of_their_own(tmp_path: Path, runner: str) -> None:
    settings = {"pytest.ini": "[pytest]\n"} if runner == "pytest" else {"setup.py": ""}
    _, suite = run(tmp_path, {**settings, "test_a.py": SUBTESTS[runner]})
    test = "test_a.py::test_a" if runner == "pytest" else "test_a.T.test_a"
    assert {name.removeprefix(test): str(found) for name, found in suite.outcomes.items()} == {
        "": "failed",
        " subtest (n=1)": "passed",
        " subtest (n=2)": "failed",
        " subtest (n=2) #2": "failed",
        " subtest [why]": "skipped",
    }


def test_a_skip_reason_may_be_anything(tmp_path: Path) -> None:
    test = (
        "import unittest\nclass T(unittest.TestCase):\n"
        "    @unittest.skipIf(True, None)\n    def test_a(self): pass\n"
        "    def test_b(self): self.skipTest(ValueError('no'))\n"
        "    @unittest.skip(b'\\xff')\n    def test_c(self): pass\n"
        "    def test_d(self): pass\n"
    )
    code, suite = run(tmp_path, {"setup.py": "", "test_a.py": test})
    assert code == 0
    assert len(suite.named(Outcome.SKIPPED)) == 3
    assert status_of(code, suite) is PASSED


def test_what_ran_before_an_exit_is_kept(tmp_path: Path) -> None:
    test = "import os\ndef test_a(): pass\ndef test_b(): assert 0\ndef test_c(): os._exit(0)\n"
    code, suite = run(tmp_path, {"pytest.ini": "[pytest]\n", "test_a.py": test})
    assert code == 0
    assert suite.failures() == ("test_a.py::test_b",)
    assert "has no end" in suite.problem


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_test_may_start_processes_of_its_own(tmp_path: Path, method: str) -> None:
    test = (
        "import multiprocessing, unittest\n\n\ndef double(x):\n    return 2 * x\n\n\n"
        "class T(unittest.TestCase):\n    def test_a(self):\n"
        f"        with multiprocessing.get_context({method!r}).Pool(1) as pool:\n"
        "            self.assertEqual(pool.map(double, [1, 2]), [2, 4])\n"
    )
    code, suite = run(tmp_path, {"setup.py": "", "test_a.py": test})
    assert status_of(code, suite) is PASSED


def test_a_test_that_is_run_again_counts_by_its_last_run(tmp_path: Path) -> None:
    conftest = (
        "from _pytest.runner import runtestprotocol\n\n\n"
        "def pytest_runtest_protocol(item, nextitem):\n"
        "    reports = runtestprotocol(item, nextitem=nextitem, log=False)\n"
        "    for report in reports:\n"
        "        if report.when == 'call': report.outcome = 'rerun'\n"
        "        item.ihook.pytest_runtest_logreport(report=report)\n"
        "    runtestprotocol(item, nextitem=nextitem, log=True)\n    return True\n"
    )
    test = "tries = []\n\n\ndef test_a():\n    tries.append(1)\n    assert len(tries) > 1\n"
    files = {"pytest.ini": "[pytest]\n", "conftest.py": conftest, "test_a.py": test}
    code, suite = run(tmp_path, files)
    assert suite.outcomes == {"test_a.py::test_a": Outcome.PASSED}
    assert status_of(code, suite) is PASSED


def test_parameters_from_a_set_give_the_same_tests_in_every_run(tmp_path: Path) -> None:
    test = (
        "import pytest\n\n\nclass A:\n    def __init__(self, value): self.value = value\n\n\n"
        "@pytest.mark.parametrize('a', [A(value) for value in {'r', 's', 't', 'u', 'v', 'w'}])\n"
        "def test_a(a): assert a.value != 's'\n"
    )
    files = {"pytest.ini": "[pytest]\n", "test_a.py": test}
    first, second = (run(tmp_path, files)[1].failures() for _ in range(2))
    assert first == second


def test_what_ran_in_other_processes_is_reported_once_for_each_test(tmp_path: Path) -> None:
    test = "import pytest\n\n\ndef test_a(): pass\n\n\ndef test_b(): pytest.skip()\n"
    files = {"pytest.ini": "[pytest]\naddopts = -n 2\n", "test_a.py": test}
    code, suite = run(tmp_path, files)
    assert suite == SuiteRun(
        {"test_a.py::test_a": Outcome.PASSED, "test_a.py::test_b": Outcome.SKIPPED}
    )
    assert status_of(code, suite) is PASSED
