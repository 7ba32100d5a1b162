"""No run is approved on less than what was tested: the tests that ran, on what is delivered."""

import subprocess
from pathlib import Path

import pytest

from support.project import CommandLine, commit_all, make_project, write

SPEC = "tasks/specs/0001-logging.md"
TASK = """---
id: t1
title: A task
spec: {spec}
steps:
  - command: [python3, step.py]
checks: [test]
---
Do it.
"""
CASE = "import unittest\n\n\nclass T(unittest.TestCase):\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    repo = make_project(tmp_path / "repo")
    write(repo, "tasks/t1.md", TASK.format(spec=SPEC))
    write(repo, "step.py", "open('src/greeter/__init__.py', 'a').write('X = 1\\n')\n")
    return repo


def reviewed(repo: Path) -> tuple[str, str]:
    """Return the review's text and the patch of the only run."""
    (folder,) = (repo / ".runs/t1").iterdir()
    texts = [(folder / name).read_text("utf-8") for name in ("review.md", "diff.patch")]
    return texts[0], texts[1]


@pytest.mark.parametrize(
    "suite",
    # What the project under test has for tests; each is run, and executes nothing.
    [
        CASE + "    @unittest.skip('needs a database')\n    def test_a(self): pass\n",
        "import unittest\nraise unittest.SkipTest('not here')\n",
        CASE + "    @unittest.expectedFailure\n    def test_a(self): self.fail()\n",
        "import pytest\npytestmark = pytest.mark.skip(reason='no')\n\ndef test_a(): pass\n",
        "import pytest\npytest.importorskip('not_there_at_all')\n\ndef test_a(): pass\n",
    ],
    ids=["skip", "SkipTest", "expected failure", "pytest mark", "importorskip"],
)
def test_a_suite_in_which_no_test_is_executed_is_not_approved(
    project: Path, call: CommandLine, suite: str
) -> None:
    write(project, "tests/test_greeter.py", suite)
    commit_all(project, "skips")
    done = call("run", "t1", "--repo", str(project))
    assert done.code != 0
    assert "no test was executed" in done.err + reviewed(project)[0]


@pytest.mark.parametrize("reason", ["None", "ValueError('x')", "7"])
def test_a_skip_reason_may_be_any_value(project: Path, call: CommandLine, reason: str) -> None:
    test = CASE + f"    def test_a(self): self.skipTest({reason})\n    def test_b(self): pass\n"
    write(project, "tests/test_greeter.py", test)
    commit_all(project, "reasons")
    assert call("run", "t1", "--repo", str(project)).code == 0


@pytest.mark.parametrize(
    ("path", "rules"),
    [("src/lib/util.py", "lib/\n"), ("src/util.py", "util.*\n"), ("src/util.py", "")],
    ids=["a folder", "a name", "info/exclude"],
)
def test_a_new_file_that_git_ignores_is_not_tested_and_is_named(
    project: Path, call: CommandLine, path: str, rules: str
) -> None:
    module = path.removeprefix("src/").removesuffix(".py").replace("/", ".")
    step = (
        "import os\nos.makedirs('src/lib', exist_ok=True)\n"
        f"open({path!r}, 'w').write('x = 1\\n')\n"
        f"open('src/greeter/__init__.py', 'a').write('from {module} import x\\n')\n"
    )
    write(project, "step.py", step)
    if rules:
        write(project, ".gitignore", f".runs/\nout/\n{rules}")
    else:
        (project / ".git/info/exclude").write_text("util.py\n")
    commit_all(project, "ignores")
    done = call("run", "t1", "--repo", str(project))
    assert done.code == 1
    review, patch = reviewed(project)
    assert path in review
    assert path not in patch


CHEAT_PLUGIN = "def pytest_pyfunc_call(pyfuncitem): return True\\n"
ENTRY_POINTS = "[pytest11]\\ncheat = {}\\n"


@pytest.mark.parametrize(
    "planted",
    [
        {
            "cheat.egg-info/entry_points.txt": ENTRY_POINTS.format("node_modules.cheat"),
            "node_modules/cheat.py": CHEAT_PLUGIN,
        },
        {
            "src/x.egg-info/entry_points.txt": ENTRY_POINTS.format("build.x"),
            "build/x.py": CHEAT_PLUGIN,
        },
        {"__pycache__/conftest.py": CHEAT_PLUGIN, ".eggs/conftest.py": CHEAT_PLUGIN},
    ],
    ids=["a plugin of installed modules", "a plugin of a build", "caches"],
)
def test_what_tools_leave_behind_takes_no_part_in_the_tests(
    project: Path, call: CommandLine, planted: dict[str, str]
) -> None:
    files = planted | {"cheat.py": CHEAT_PLUGIN, ".venv/x/x.py": CHEAT_PLUGIN}
    step = "import os\n"
    for path, text in files.items():
        step += f"os.makedirs(os.path.dirname({path!r}) or '.', exist_ok=True)\n"
        step += f"open({path!r}, 'w').write('{text}')\n"
    step += "os.remove('cheat.py')\n"
    step += "text = open('src/greeter/__init__.py').read()\n"
    step += "open('src/greeter/__init__.py', 'w').write(text.replace('hello', 'bye'))\n"
    write(project, "step.py", step)
    test = "from greeter import greet\n\n\ndef test_it(): assert greet('a') == 'hello a'\n"
    write(project, "tests/test_greeter.py", test)
    write(project, "pytest.ini", "[pytest]\n")
    write(project, ".gitignore", ".runs/\nout/\nbuild/\n")
    commit_all(project, "cheats")
    assert call("run", "t1", "--repo", str(project)).code == 1


def test_a_folder_that_the_task_installed_stays_and_is_named(
    project: Path, call: CommandLine
) -> None:
    step = (
        "import os\nos.makedirs('node_modules/tea')\n"
        "open('node_modules/tea/index.js', 'w').write('module.exports = 1;')\n"
        "open('src/greeter/__init__.py', 'a').write('X = 1\\n')\n"
    )
    write(project, "step.py", step)
    look = "import os, sys; sys.exit(not os.path.exists('node_modules/tea/index.js'))"
    config = f'[adapter]\ncommands = {{test = ["python3", "-c", "{look}"]}}\n'
    write(project, ".codex-orchestrator.toml", config)
    commit_all(project, "installs")
    assert call("run", "t1", "--repo", str(project)).code == 0
    review, patch = reviewed(project)
    assert "node_modules/" in review
    assert "node_modules" not in patch


def test_an_ignored_file_that_no_test_needs_does_not_stop_a_run(
    project: Path, call: CommandLine
) -> None:
    write(project, ".gitignore", ".runs/\nout/\n*.log\n")
    step = "open('src/greeter/__init__.py', 'a').write('X = 1\\n')\nopen('build.log', 'w')\n"
    write(project, "step.py", step)
    commit_all(project, "a log")
    done = call("run", "t1", "--repo", str(project))
    assert done.code == 0
    assert "build.log" in reviewed(project)[0]


@pytest.mark.parametrize(
    ("written", "expects_finding"),
    [("snapshot.txt", True), ("src/greeter/__init__.py", True), ("new.txt", False)],
    ids=["a snapshot", "the code itself", "a new file"],
)
def test_what_a_check_writes_is_not_delivered(
    project: Path, call: CommandLine, written: str, *, expects_finding: bool
) -> None:
    write(project, "snapshot.txt", "old\n")
    test = CASE + f"    def test_a(self): open({written!r}, 'a').write('# by a test\\n')\n"
    write(project, "tests/test_greeter.py", test)
    commit_all(project, "writes")
    assert call("run", "t1", "--repo", str(project)).code == 0
    review, patch = reviewed(project)
    assert "by a test" not in patch
    assert ("run/check-changed-file" in review) is expects_finding


def test_a_check_does_not_see_what_another_check_wrote(project: Path, call: CommandLine) -> None:
    first = "import pathlib; pathlib.Path('left.txt').write_text('x')"
    second = "import pathlib, sys; sys.exit(pathlib.Path('left.txt').exists())"
    config = (
        "[adapter]\ncommands = {"
        f'test = ["python3", "-c", "{first}"], lint = ["python3", "-c", "{second}"]}}\n'
    )
    write(project, ".codex-orchestrator.toml", config)
    write(project, "tasks/t1.md", TASK.format(spec=SPEC).replace("[test]", "[test, lint]"))
    commit_all(project, "two checks")
    assert call("run", "t1", "--repo", str(project)).code == 0


def test_the_delivered_branch_passes_the_tests_that_the_run_passed(
    project: Path, call: CommandLine
) -> None:
    commit_all(project, "task")
    assert call("run", "t1", "--repo", str(project)).code == 0
    branches = subprocess.run(
        ["git", "branch", "--list", "codex-orchestrator/*", "--format=%(refname:short)"],
        cwd=project,
        capture_output=True,
        text=True,
        check=True,
    )
    subprocess.run(["git", "checkout", "-q", branches.stdout.strip()], cwd=project, check=True)
    tests = ["python3", "-m", "unittest", "discover", "-q", "tests"]
    environment = {"PYTHONPATH": "src", "PATH": "/usr/bin:/bin"}
    subprocess.run(tests, cwd=project, env=environment, check=True)
