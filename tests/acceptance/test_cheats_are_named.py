"""A change that silences the tests that it breaks is not approved, and what it did is named."""

import json
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from support.project import CommandLine, commit_all, make_project, write

TASK = """---
id: t1
title: A task
spec: tasks/specs/0001-logging.md
steps:
  - command: [python3, step.py]
checks: [test]
{more}---
Do it.
"""
BREAK = "sub('src/greeter/__init__.py', 'hello', 'bye')\n"
STEP = """import os, pathlib
def sub(path, old, new):
    file = pathlib.Path(path)
    text = file.read_text()
    assert old in text, path
    file.write_text(text.replace(old, new))
def put(path, text):
    pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(path).write_text(text)
"""
TEST = "tests/test_greeter.py"
UNITTEST = {
    TEST: "import unittest\n\nfrom greeter import greet\n\n\nclass T(unittest.TestCase):\n"
    "    def test_a(self):\n        self.assertEqual(greet('a'), 'hello a')\n\n"
    "    def test_b(self):\n        self.assertTrue(greet('b'))\n",
}
PYTEST = {
    TEST: "import pytest\n\nfrom greeter import greet\n\n\n"
    "def test_a():\n    assert greet('a') == 'hello a'\n\n\n"
    "def test_b():\n    assert greet('b')\n",
    "pyproject.toml": '[project]\nname = "x"\nversion = "0"\n\n[tool.pytest.ini_options]\n',
}
SNAPSHOT = {
    TEST: "import pathlib\n\nimport pytest\n\nfrom greeter import greet\n\n"
    "HERE = pathlib.Path(__file__).parent\n\n\ndef test_a():\n"
    "    assert greet('a') == (HERE / '__snapshots__/a.snap').read_text()\n\n\n"
    "def test_b():\n    assert greet('b')\n",
    "tests/__snapshots__/a.snap": "hello a",
}
NODE = {
    "package.json": '{"name": "x", "scripts": {"test": "node --test"}}\n',
    "src/a.js": "exports.greet = (name) => `hello ${name}`;\n",
    "tests/a.test.js": "const test = require('node:test');\n"
    "const assert = require('node:assert');\n"
    "const { greet } = require('../src/a.js');\n\n"
    "test('a', () => { assert.equal(greet('a'), 'hello a'); });\n"
    "test('b', () => { assert.ok(greet('b')); });\n",
}
GO = {
    "go.mod": "module x\n\ngo 1.20\n",
    "src/a.go": 'package src\n\nfunc Greet(name string) string { return "hello " + name }\n',
    "src/a_test.go": 'package src\n\nimport "testing"\n\nfunc TestA(t *testing.T) {\n'
    '\tif Greet("a") != "hello a" {\n\t\tt.Fatal("no")\n\t}\n}\n\n'
    'func TestB(t *testing.T) {\n\tif Greet("b") == "" {\n\t\tt.Fatal("no")\n\t}\n}\n',
}
MAKE = {
    **UNITTEST,
    "Makefile": "test:\n\tPYTHONPATH=src python3 -m unittest discover -s tests\n",
    ".codex-orchestrator.toml": '[adapter]\ncommands = {test = ["make", "test"]}\n',
}
BREAK_JS = "sub('src/a.js', 'hello', 'bye')\n"
BREAK_GO = "sub('src/a.go', 'hello', 'bye')\n"


class Cheat(NamedTuple):
    """A project, what the step does to it, and the rule (or words) that names it."""

    files: dict[str, str]
    step: str
    named: str


LINE_ENDS = {
    ".gitattributes": "*.txt text\n",
    "src/data.txt": "a\nb\n\n\n",
    TEST: "import pathlib, unittest\n\n\nclass T(unittest.TestCase):\n"
    "    def test_size(self):\n        self.assertEqual("
    "pathlib.Path('src/data.txt').stat().st_size, 6)\n\n"
    "    def test_b(self):\n        self.assertTrue(True)\n",
}


CHEATS = {
    "line ends that only the work tree has": Cheat(
        LINE_ENDS,
        "pathlib.Path('src/data.txt').write_bytes(b'a\\r\\nb\\r\\n')",
        "T.test_size",
    ),
    "skip": Cheat(
        UNITTEST,
        f"{BREAK}sub('{TEST}', '    def test_a', '    @unittest.skip(\"x\")\\n    def test_a')",
        "run/test-lost",
    ),
    "xfail": Cheat(
        PYTEST, f"{BREAK}sub('{TEST}', 'def test_a', '@pytest.mark.xfail\\ndef test_a')", "xfail"
    ),
    "delete": Cheat(
        UNITTEST,
        f"{BREAK}text = open('{TEST}').read()\n"
        "start, end = text.index('    def test_a'), text.index('    def test_b')\n"
        f"put('{TEST}', text[:start] + text[end:])",
        "run/test-lost",
    ),
    "rename": Cheat(
        UNITTEST, f"{BREAK}sub('{TEST}', 'def test_a', 'def check_a')", "run/test-lost"
    ),
    "a class of another kind": Cheat(
        UNITTEST,
        f"{BREAK}sub('{TEST}', 'class T(unittest.TestCase)', 'class T')\n"
        f"open('{TEST}', 'a').write('\\n\\nclass U(unittest.TestCase):\\n"
        "    def test_c(self): pass\\n')",
        "run/test-lost",
    ),
    "deselected by addopts": Cheat(
        PYTEST,
        f"{BREAK}sub('pyproject.toml', 'ini_options]', 'ini_options]\\naddopts = \"-k test_b\"')",
        "run/test-settings-changed",
    ),
    "deselected in tox.ini": Cheat(
        {TEST: PYTEST[TEST], "tox.ini": "[pytest]\n"},
        f"{BREAK}open('tox.ini', 'a').write('addopts = -k test_b\\n')",
        "run/test-settings-changed",
    ),
    "a new pytest.ini": Cheat(
        PYTEST, f"{BREAK}put('pytest.ini', '[pytest]\\naddopts = -k test_b\\n')", "test-settings"
    ),
    "a pytest plugin of the change": Cheat(
        PYTEST,
        f"{BREAK}put('src/greeter/plug.py', "
        "'def pytest_pyfunc_call(pyfuncitem):\\n    return 1\\n')\n"
        f"sub('{TEST}', 'import pytest\\n', 'import pytest\\n\\n"
        'pytest_plugins = ["greeter.plug"]\\n\')',
        "hooks into pytest",
    ),
    "npm script": Cheat(
        NODE,
        BREAK_JS + "sub('package.json', 'node --test', 'node --test --test-name-pattern=b')",
        "run/test-settings-changed",
    ),
    "Makefile target": Cheat(
        MAKE, BREAK + "put('Makefile', 'test:\\n\\ttrue\\n')", "run/test-settings-changed"
    ),
    "a script of the check": Cheat(
        {
            **UNITTEST,
            "Makefile": "test:\n\tsh ./scripts/test.sh\n",
            "scripts/test.sh": "PYTHONPATH=src exec python3 -m unittest discover -s tests\n",
            ".codex-orchestrator.toml": '[adapter]\ncommands = {test = ["make", "test"]}\n',
        },
        BREAK + "put('scripts/test.sh', 'exit 0\\n')",
        "scripts/test.sh",
    ),
    "a program of the check": Cheat(
        {
            **UNITTEST,
            "runtests.py": "import sys, unittest\nsys.path.insert(0, 'src')\n"
            "unittest.main(module=None, argv=['x', 'discover', '-s', 'tests'])\n",
            ".codex-orchestrator.toml": "[adapter]\n"
            'commands = {test = ["python3", "runtests.py"]}\n',
        },
        BREAK + "put('runtests.py', 'exit(0)\\n')",
        "runtests.py",
    ),
    "settings behind a link": Cheat(
        PYTEST,
        BREAK + "put('src/p.txt', '[pytest]\\naddopts = -k test_b\\n')\n"
        "os.symlink('src/p.txt', 'pytest.ini')",
        "run/test-settings-changed",
    ),
    "an early end beside a known failure": Cheat(
        {
            TEST: UNITTEST[TEST].replace(
                "def test_a", "def test_0(self): self.fail()\n    def test_a"
            )
        },
        "sub('src/greeter/__init__.py', '    return', "
        "'    import os\\n    os._exit(1)\\n    return')",
        "no end",
    ),
    "os._exit": Cheat(
        UNITTEST,
        f"{BREAK}sub('{TEST}', '    def test_a', '    def test_0(self):\\n        "
        "import os\\n        os._exit(0)\\n\\n    def test_a')",
        "no end",
    ),
    "atexit": Cheat(
        PYTEST,
        f"{BREAK}sub('{TEST}', 'import pytest\\n', 'import atexit\\nimport os\\nimport pytest\\n"
        "atexit.register(os._exit, 0)\\n')",
        "test_a",
    ),
    "shadowed unittest": Cheat(
        UNITTEST,
        BREAK + "put('src/unittest.py', 'class TestCase: pass\\ndef main(*a, **k): pass\\n')",
        "unittest.py",
    ),
    "a module of the tests in place of the product": Cheat(
        UNITTEST,
        f"{BREAK}put('tests/greeter.py', 'def greet(name): return f\"hello {{name}}\"')",
        "it is loaded in place of src/greeter/",
    ),
    "planted spec": Cheat(
        {**UNITTEST, ".codex-orchestrator.toml": '[guard]\nunowned = "error"\n'},
        "text = open('tasks/specs/0001-logging.md').read()\n"
        "put('tasks/specs/0002-new.md', text.replace('0001-logging', '0002-new')"
        ".replace('src/**', 'app/**'))\nput('app/a.py', 'x = 1\\n')",
        "tasks/specs/0002-new.md",
    ),
    "snapshot rewritten": Cheat(
        SNAPSHOT, BREAK + "put('tests/__snapshots__/a.snap', 'bye a')", "run/snapshot-rewritten"
    ),
    "only": Cheat(
        NODE,
        BREAK_JS + "sub('tests/a.test.js', \"test('b'\", \"test.only('b'\")",
        "run/test-weakened",
    ),
    "assertion removed": Cheat(
        UNITTEST,
        f"{BREAK}sub('{TEST}', \"self.assertEqual(greet('a'), 'hello a')\", \"greet('a')\")",
        "run/test-weakened",
    ),
    "assertion swallowed": Cheat(
        PYTEST,
        f"{BREAK}sub('{TEST}', \"    assert greet('a') == 'hello a'\", \"    try:\\n        "
        "assert greet('a') == 'hello a'\\n    except AssertionError:\\n        pass\")",
        "run/test-weakened",
    ),
    "test file emptied": Cheat(
        {**UNITTEST, "tests/test_other.py": UNITTEST[TEST]},
        f"{BREAK}put('{TEST}', '')\nsub('tests/test_other.py', 'hello a', 'bye a')",
        "run/test-lost",
    ),
    "load_tests": Cheat(
        {
            **UNITTEST,
            "tests/test_other.py": UNITTEST[TEST]
            .replace("hello a", "")
            .replace("Equal", "NotEqual"),
        },
        f"{BREAK}open('{TEST}', 'a').write('\\n\\ndef load_tests(loader, tests, pattern):\\n"
        "    return unittest.TestSuite()\\n')",
        "run/test-lost",
    ),
    "TestMain that returns": Cheat(
        GO,
        BREAK_GO + "open('src/a_test.go', 'a').write('\\nfunc TestMain(m *testing.M) {}\\n')",
        "run/test",
    ),
}


def make(tmp_path: Path, files: dict[str, str], step: str, more: str = "") -> Path:
    """Make a project whose task's one step is a program."""
    repo = make_project(tmp_path / "repo", **files)
    if "package.json" in files or "go.mod" in files:
        shutil.rmtree(repo / "src/greeter")
        (repo / TEST).unlink()
        (repo / "pyproject.toml").unlink(missing_ok=True)
    write(repo, "tasks/t1.md", TASK.format(more=more))
    write(repo, "step.py", STEP + step + "\n")
    commit_all(repo, "a project")
    return repo


def review_of(repo: Path) -> str:
    (folder,) = (repo / ".runs/t1").iterdir()
    return (folder / "review.md").read_text("utf-8")


@pytest.mark.parametrize("cheat", CHEATS.values(), ids=CHEATS)
def test_a_cheat_is_not_approved_and_is_named(
    tmp_path: Path, call: CommandLine, cheat: Cheat
) -> None:
    repo = make(tmp_path, cheat.files, cheat.step)
    done = call("run", "t1", "--repo", str(repo))
    assert done.code in (1, 3, 6), done.err
    assert cheat.named in (done.err if done.code == 6 else review_of(repo))


class Honest(NamedTuple):
    """A project, what the step does to it, and what the task says besides."""

    files: dict[str, str]
    step: str
    more: str = ""


KNOWN = {
    TEST: UNITTEST[TEST] + "\n    def test_c(self):\n        self.assertEqual(greet('c'), 'hi c')\n"
}
HONEST = {
    "a test renamed with permission": Honest(
        UNITTEST,
        f"sub('{TEST}', 'def test_a', 'def test_hello')",
        "tests: {may_change: [test_greeter.T.test_a]}\n",
    ),
    "a known failure left": Honest(KNOWN, "open('src/greeter/__init__.py', 'a').write('X = 1\\n')"),
    "a known failure fixed": Honest(
        KNOWN,
        f"sub('{TEST}', 'hi c', 'hello c')",
        "tests: {must_pass: [test_greeter.T.test_c]}\n",
    ),
    "a new test from red to green": Honest(
        UNITTEST,
        "open('src/greeter/__init__.py', 'a').write('\\n\\ndef leave():\\n    return 1\\n')\n"
        "put('tests/test_leave.py', 'import unittest\\n\\nfrom greeter import leave\\n\\n\\n"
        "class L(unittest.TestCase):\\n    def test_leave(self):\\n"
        "        self.assertEqual(leave(), 1)\\n')",
        "tests: {write_first: true, must_pass: ['tests/test_leave.py::L::test_leave']}\n",
    ),
    "a test that gets parameters": Honest(
        PYTEST,
        f"sub('{TEST}', \"def test_a():\", \"@pytest.mark.parametrize('n', ['a', 'c'])\\n"
        f'def test_a(n):")\n'
        f"sub('{TEST}', \"greet('a') == 'hello a'\", \"greet(n) == f'hello {{n}}'\")",
    ),
    "a test file removed with permission": Honest(
        {**UNITTEST, "tests/test_old.py": UNITTEST[TEST]},
        "os.remove('tests/test_old.py')\nopen('src/greeter/__init__.py', 'a').write('X = 1\\n')",
        "tests: {may_change: [tests/test_old.py]}\n",
    ),
    "a Makefile that no check reads": Honest(
        {**UNITTEST, "Makefile": "test:\n\ttrue\n"},
        "open('Makefile', 'a').write('clean:\\n\\trm -rf build\\n')",
    ),
    "the first Go tests": Honest(
        {name: text for name, text in GO.items() if name != "src/a_test.go"},
        f"put('src/a_test.go', {GO['src/a_test.go']!r})",
    ),
    "another expected value": Honest(PYTEST, f"{BREAK}sub('{TEST}', 'hello a', 'bye a')"),
    "a pytest plugin that stays as it is": Honest(
        {
            **PYTEST,
            "tests/conftest.py": "from greeter.hooks import *\n",
            "src/greeter/hooks.py": "def pytest_runtest_setup(item): pass\n",
        },
        "open('src/greeter/__init__.py', 'a').write('X = 1\\n')",
    ),
    "a module that becomes a package": Honest(
        {
            **PYTEST,
            "src/words.py": "WORD = 1\n",
            "tests/test_w.py": "import words\n\n\ndef test_w():\n    assert words.WORD == 1\n",
        },
        "os.mkdir('src/words')\nos.rename('src/words.py', 'src/words/__init__.py')",
    ),
    "a dependency and a version": Honest(
        PYTEST,
        "sub('pyproject.toml', 'version = \"0\"', 'version = \"1\"\\ndependencies = [\"x\"]')",
    ),
}


@pytest.mark.parametrize("honest", HONEST.values(), ids=HONEST)
def test_an_honest_change_is_approved(tmp_path: Path, call: CommandLine, honest: Honest) -> None:
    repo = make(tmp_path, honest.files, honest.step, honest.more)
    done = call("run", "t1", "--repo", str(repo))
    assert done.code == 0, done.err + review_of(repo)


def test_a_flaky_test_blames_nobody_and_is_named(tmp_path: Path, call: CommandLine) -> None:
    counter = tmp_path / "count"
    files = {
        # It fails every second time that it is run.
        TEST: UNITTEST[TEST]
        + f"\n    def test_c(self):\n        with open({str(counter)!r}, 'a+') as file:\n"
        "            file.write('x')\n            self.assertTrue(file.tell() % 2)\n",
        ".codex-orchestrator.toml": '[policy]\nsandbox = "off"\n',
    }
    repo = make(tmp_path, files, "open('src/greeter/__init__.py', 'a').write('X = 1\\n')")
    done = call("run", "t1", "--repo", str(repo))
    assert done.code == 0, done.err + review_of(repo)
    assert "run/flaky-test" in review_of(repo)


def test_a_test_that_was_green_before_keeps_no_promise(tmp_path: Path, call: CommandLine) -> None:
    step = "open('src/greeter/__init__.py', 'a').write('X = 1\\n')"
    repo = make(tmp_path, UNITTEST, step, "tests: {must_pass: [test_greeter.T.test_a]}\n")
    assert call("run", "t1", "--repo", str(repo)).code == 1
    assert "run/promise-not-kept" in review_of(repo)


def test_a_person_may_grant_what_the_task_does_not_allow(tmp_path: Path, call: CommandLine) -> None:
    repo = make(tmp_path, UNITTEST, f"sub('{TEST}', 'def test_a', 'def test_hello')")
    grant = ("--approve", f"tests:{TEST}::T::test_a", "--approve", "tests:test_greeter.T.test_a")
    assert call("run", "t1", *grant, "--repo", str(repo)).code == 0


def test_a_base_that_never_ends_is_said_before_the_plan(tmp_path: Path, call: CommandLine) -> None:
    endless = {
        TEST: UNITTEST[TEST] + "\n    def test_c(self):\n        import time; time.sleep(99)\n"
    }
    step = f"sub('{TEST}', 'time.sleep(99)', 'self.assertTrue(1 + time.time())')"
    repo = make(tmp_path, endless, step, "limits: {check_seconds: 3}\n")
    done = call("run", "t1", "--repo", str(repo))
    assert done.code == 0, done.err
    assert done.err.index("ended after 3 s") < done.err.index("asking the planner")
    assert "could not be tested" in review_of(repo)


def test_a_baseline_is_taken_once_and_switched_off_visibly(
    tmp_path: Path, call: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    step = "open('src/greeter/__init__.py', 'a').write('X = 1\\n')"
    repo = make(tmp_path, UNITTEST, step)
    found = []
    for _ in range(2):
        done = call("run", "t1", "--format", "json", "--repo", str(repo))
        manifest = json.loads((repo / json.loads(done.out)["manifest_path"]).read_text())
        found.append((manifest["baseline"]["state"], manifest["baseline"]["is_cached"]))
    assert found == [("tested", False), ("tested", True)]
    write(repo, "tasks/t1.md", TASK.format(more="limits: {baseline: false}\n"))
    commit_all(repo, "off")
    done = call("run", "t1", "--format", "json", "--repo", str(repo))
    manifest = json.loads((repo / json.loads(done.out)["manifest_path"]).read_text())
    assert manifest["baseline"]["state"] == "off"
    assert manifest["validations"][0]["tests"]["lost"] is None
