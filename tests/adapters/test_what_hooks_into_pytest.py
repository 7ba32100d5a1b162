"""By whatever way a file of the work tree hooks into pytest, the report of the tests names it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from codex_orchestrator.adapters.reports import RUNNER, parse_lines
from codex_orchestrator.model.suite_run import SuiteRun
from support.pattern_files import write_files

HOOK = "def pytest_pyfunc_call(pyfuncitem):\n    return True\n"
BASE = {"pytest.ini": "[pytest]\npythonpath = src\n", "test_a.py": "def test_a(): pass\n"}
PLUG, SETTINGS = "src/greeter/plug.py", "pytest.ini"
METADATA = "Metadata-Version: 2.1\nName: x\nVersion: 0\n"

WAYS = {
    "a test file names it": (
        {PLUG: HOOK, "test_a.py": f"pytest_plugins = ['greeter.plug']\n{BASE['test_a.py']}"},
        PLUG,
    ),
    "a test file names it, in another process": (
        {
            PLUG: HOOK,
            "test_a.py": f"pytest_plugins = ['greeter.plug']\n{BASE['test_a.py']}",
            SETTINGS: f"{BASE[SETTINGS]}addopts = -n 1\n",
        },
        PLUG,
    ),
    "an entry point": (
        {
            "src/plug.py": HOOK,
            "src/x-0.dist-info/METADATA": METADATA,
            "src/x-0.dist-info/entry_points.txt": "[pytest11]\nx = plug\n",
        },
        "src/plug.py",
    ),
    "it stands in place of an installed plugin": (
        {"src/pytest_timeout.py": HOOK},
        "src/pytest_timeout.py",
    ),
    "an option": ({PLUG: HOOK, SETTINGS: f"{BASE[SETTINGS]}addopts = -p greeter.plug\n"}, PLUG),
    "hooks that conftest.py takes from elsewhere": (
        {"src_hooks.py": HOOK, "conftest.py": "from src_hooks import *\n"},
        "src_hooks.py",
    ),
    "a hook in a wrapper of conftest.py": (
        {
            "src_hooks.py": HOOK,
            "conftest.py": "import functools\nimport src_hooks\n\n\n"
            "@functools.wraps(src_hooks.pytest_pyfunc_call)\n"
            "def pytest_pyfunc_call(pyfuncitem):\n"
            "    return src_hooks.pytest_pyfunc_call(pyfuncitem)\n",
        },
        "src_hooks.py",
    ),
    "an object that a test registers": (
        {
            PLUG: "class P:\n    def pytest_runtest_teardown(self, item): pass\n",
            "test_a.py": "from greeter.plug import P\n\n\ndef test_a(request):\n"
            "    request.config.pluginmanager.register(P())\n",
        },
        PLUG,
    ),
    "a hook that is replaced after it was registered": (
        {
            PLUG: HOOK,
            "conftest.py": "def pytest_runtest_call(): pass\n",
            "test_a.py": "from greeter.plug import pytest_pyfunc_call\n\n\n"
            "def test_a(request):\n"
            "    for found in request.config.hook.pytest_runtest_call.get_hookimpls():\n"
            "        if found.plugin.__name__.endswith('conftest'):\n"
            "            found.function = pytest_pyfunc_call\n",
        },
        PLUG,
    ),
}


def run(root: Path) -> SuiteRun:
    """Run pytest on a project as its check does."""
    report = root.parent / "report.jsonl"
    environment = {name: os.environ[name] for name in ("PATH", "HOME")}
    # As the check finds the packages of a project that is not installed.
    environment["PYTHONPATH"] = str(root / "src")
    argv = (sys.executable, str(RUNNER), "pytest", str(report))
    subprocess.run(argv, cwd=root, env=environment, capture_output=True, check=False, timeout=300)
    return parse_lines(report.read_bytes())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.timeout(400)
def test_a_file_that_hooks_into_pytest_is_named(tmp_path: Path, way: str) -> None:
    files, plugin = WAYS[way]
    suite = run(write_files(tmp_path / "project", BASE | files))
    assert suite.problem == ""
    assert plugin in suite.plugins


def test_both_a_link_and_what_it_leads_to_are_named(tmp_path: Path) -> None:
    root = write_files(tmp_path / "project", BASE | {"src/data.txt": HOOK})
    (root / "conftest.py").symlink_to("src/data.txt")
    assert set(run(root).plugins) == {"conftest.py", "src/data.txt"}


def test_a_module_that_only_tests_use_is_no_plugin(tmp_path: Path) -> None:
    files = {"src/helper.py": "X = 1\n", "test_a.py": "import helper\n\n\ndef test_a(): pass\n"}
    assert run(write_files(tmp_path / "project", BASE | files)).plugins == ()
