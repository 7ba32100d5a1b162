"""Python projects: pytest where the project uses it, else unittest; ruff where it is configured."""

import os
import re
import sys
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from codex_orchestrator.adapters.interface import Detection, read_text
from codex_orchestrator.adapters.python_packages import find_packages
from codex_orchestrator.adapters.reports import LOADED, RUNNER, TEST_REPORT
from codex_orchestrator.model.check import LOG_DIR, CheckCommand
from codex_orchestrator.model.confinement_policy import confine_check
from codex_orchestrator.model.errors import NotCheckedError
from codex_orchestrator.model.task import CheckName
from codex_orchestrator.system.environment import child_environment
from codex_orchestrator.system.listing import list_files, other_trees, work_tree_of
from codex_orchestrator.system.process import run_process
from codex_orchestrator.system.sandbox.plan import program_places
from codex_orchestrator.system.sandbox.probe import Layers, probe_layers

# An interpreter that is named may be a script that starts ours.
_OWN = (sys.prefix, sys.base_prefix)
_LOOK = "import importlib.util, sys; sys.exit(importlib.util.find_spec(sys.argv[1]) is None)"
_PROJECT_FILES = ("setup.py", "setup.cfg", "Pipfile", "requirements.txt", "tox.ini", "pytest.ini")
_PROJECT_TABLE = re.compile(
    r"^\[(project|build-system|tool\.(poetry|pytest|setuptools))\b", re.MULTILINE
)
_PYTEST_TABLES = {
    "pyproject.toml": re.compile(r"^\[tool\.pytest\b", re.MULTILINE),
    "setup.cfg": re.compile(r"^\[tool:pytest\]", re.MULTILINE),
    "tox.ini": re.compile(r"^\[pytest\]", re.MULTILINE),
}
_DEPENDENCY_FILES = re.compile(
    r"(pyproject\.toml|setup\.(py|cfg)|tox\.ini|Pipfile|([\w./-]*/)?[\w-]*requirements?[\w-]*\.(txt|in)"
    r"|requirements/[\w-]+\.(txt|in))"
)
_PYTEST_NAME = re.compile(r"(?<![\w.-])pytest(?![\w-])")
_PYTEST_IMPORT = re.compile(r"^[ \t]*(import|from)[ \t]+pytest\b", re.MULTILINE)
_UNITTEST = re.compile(r"\bunittest\b")
_TEST_FILE = re.compile(r"(.*/)?(test_[^/]*|[^/]*_test|tests?)\.py")
_MAX_TEST_FILES = 200
_PROBE = Path(__file__).with_name("loaded_code")
_MEND = "install it with `pip install --editable`, or name its folder in pytest's `pythonpath`"


class PythonAdapter:
    """pytest or unittest, whichever the project uses."""

    id = "python"
    project_files = ("pyproject.toml", *_PROJECT_FILES)

    def detect(self, root: Path) -> Detection:
        """Look for a project file, then for Python files."""
        files = list_files(root)
        has_tests = any(_TEST_FILE.fullmatch(path) for path in files)
        if _PROJECT_TABLE.search(read_text(root / "pyproject.toml")):
            return Detection(2, "pyproject.toml describes a Python project", has_tests)
        for name in _PROJECT_FILES:
            if (root / name).is_file():
                return Detection(2, f"{name} is there", has_tests)
        first = next((path for path in files if path.endswith(".py")), "")
        if first:
            return Detection(1, f"{first} is Python", has_tests)
        return Detection(0, "no Python file", has_tests=False)

    def holds(self, root: Path, folder: str) -> bool:
        """Answer no: tests of a project in a folder need its own path and settings."""
        return False

    def one_test(self, command: CheckCommand, name: str) -> tuple[str, ...]:
        """Return what runs one test, by pytest's node id or unittest's dotted name."""
        if command.shown[2] == "pytest":
            return ("python", "-m", "pytest", name)
        return (*command.shown, "-k", name)

    def commands(self, root: Path, *, python: str = "") -> Mapping[CheckName, CheckCommand]:
        """Return `test`, and `lint` where ruff is configured.

        Packages under `src/` and at the top are found without being installed, before an
        installed copy of them.
        """
        interpreter = python or sys.executable
        environment = _environment(root, interpreter)
        found: dict[CheckName, CheckCommand] = {}
        runner, arguments, shown = _pytest() if why_pytest(root) else _unittest(root)
        report = f"{LOG_DIR}/{TEST_REPORT}"
        found["test"] = CheckCommand(
            name="test",
            argv=(interpreter, str(RUNNER), runner, report, *arguments),
            shown=("python", "-m", runner, *shown),
            report=f"lines:{TEST_REPORT}",
            loaded=LOADED,
            must_measure=True,
            mend=_MEND,
            env=environment,
            read=(*_OWN, str(RUNNER), str(_PROBE)),
            first_test="write tests/test_NAME.py with a function `test_…` or a unittest.TestCase",
        )
        if _uses_ruff(root):
            argv = ("-m", "ruff", "check", "--no-cache", "--output-format=concise", ".")
            found["lint"] = CheckCommand(
                name="lint",
                argv=(interpreter, *argv),
                shown=("python", *argv),
                timeout_s=300,
                env=environment,
                read=_OWN,
            )
        return found

    def ensure_ready(
        self,
        root: Path,
        checks: Sequence[CheckName],
        *,
        python: str = "",
        layers: Layers = probe_layers,
    ) -> None:
        """Make sure that the interpreter has pytest or ruff when a check needs it.

        Raises:
            NotCheckedError: a check is not configured, or its tool is not installed.
        """
        interpreter = python or sys.executable
        known = self.commands(root, python=python)
        for name in checks:
            if name not in known:
                raise NotCheckedError(
                    f"the Python adapter has no `{name}` for this project",
                    fix="configure ruff for `lint`, or take the check out of the task",
                )
            module = known[name].shown[2]
            if module != "unittest" and not _has_module(interpreter, module, layers):
                raise NotCheckedError(
                    f"`{name}` needs {module}, and {interpreter} does not have it",
                    fix=f"install it there: {interpreter} -m pip install {module}",
                )


def why_pytest(root: Path) -> str:
    """Return what shows that a project's tests are run by pytest; "" when they are unittest's."""
    if (root / "pytest.ini").is_file() or (root / ".pytest.ini").is_file():
        return "pytest.ini"
    for name, table in _PYTEST_TABLES.items():
        if table.search(read_text(root / name)):
            return f"a table in {name}"
    paths = list_files(root)
    if any(path.rsplit("/", 1)[-1] == "conftest.py" for path in paths):
        return "conftest.py"
    tests = list(islice((path for path in paths if _TEST_FILE.fullmatch(path)), _MAX_TEST_FILES))
    uses_unittest = False
    for path in tests:
        text = read_text(root / path)
        if _PYTEST_IMPORT.search(text):
            return f"{path} imports it"
        uses_unittest = uses_unittest or _UNITTEST.search(text) is not None
    for path in paths:
        if _DEPENDENCY_FILES.fullmatch(path) and _PYTEST_NAME.search(read_text(root / path)):
            return f"{path} names it"
    return "test functions without unittest" if tests and not uses_unittest else ""


_Runner = tuple[str, tuple[str, ...], tuple[str, ...]]
"""How tests are run: by what, its arguments, and those that a person would give it."""


def _pytest() -> _Runner:
    options = ("-q", "-p", "no:cacheprovider")
    return "pytest", options, options


def _unittest(root: Path) -> _Runner:
    start = next((name for name in ("tests", "test") if (root / name).is_dir()), ".")
    top = "." if (root / start / "__init__.py").is_file() else start
    return "unittest", (start, top), ("discover", "-s", start, "-t", top)


def _environment(root: Path, interpreter: str) -> tuple[tuple[str, str], ...]:
    packages = find_packages(root, interpreter, others=other_trees(root))
    lists = (
        (os.path.realpath(work_tree_of(root)),),
        packages.roots,
        packages.sources,
        packages.names,
    )
    return (
        ("PYTHONPATH", os.pathsep.join(packages.path)),
        ("PYTHONDONTWRITEBYTECODE", "1"),
        ("PYTHONUNBUFFERED", "1"),
        # Parameters that come from a set give the same tests in every run.
        ("PYTHONHASHSEED", "0"),
        ("CODEX_ORCHESTRATOR_LOADED", f"{LOG_DIR}/{LOADED}"),
        ("CODEX_ORCHESTRATOR_CODE", "\n".join(os.pathsep.join(places) for places in lists)),
    )


def _uses_ruff(root: Path) -> bool:
    if (root / "ruff.toml").is_file() or (root / ".ruff.toml").is_file():
        return True
    return (
        re.search(r"^\[tool\.ruff\b", read_text(root / "pyproject.toml"), re.MULTILINE) is not None
    )


def _has_module(interpreter: str, module: str, layers: Layers) -> bool:
    if interpreter == sys.executable:
        from importlib.util import find_spec

        return find_spec(module) is not None
    environment = child_environment(os.environ)
    with TemporaryDirectory(prefix="codex-orchestrator-") as folder:
        done = run_process(
            [interpreter, "-I", "-c", _LOOK, module],
            cwd=Path(folder),
            bounds=confine_check(
                tree=folder,
                log_folder="",
                environ=environment,
                read=_OWN,
                programs=program_places(interpreter, path=environment["PATH"], cwd=folder),
            ),
            layers=layers(),
            timeout_s=60,
            log_path=Path(folder, "log"),
        )
    if done.problem or done.is_timed_out:
        raise NotCheckedError(
            f"the interpreter {interpreter} does not start: {done.problem or 'no answer'}",
            fix="set another one as `adapter.python` in the configuration",
        )
    return done.exit_code == 0
