"""Run a project's tests and write what became of each, line by line, to a report.

A program of its own, which the project's interpreter may run: standard library and pytest only. A
report that is written while tests run keeps what happened before a test ends the process; its last
line says that the end was reached.

    python test_runner.py pytest REPORT [arguments of pytest]
    python test_runner.py unittest REPORT [START [TOP]]
"""

import os
import sys

# The tree under test comes first on the path, and a file of its own must not stand in for the
# modules that judge it. So they are loaded before it can.
_TREE = os.path.abspath(os.curdir)
_OURS = os.path.dirname(os.path.abspath(__file__))
_OUTSIDE = {_TREE, *map(os.path.abspath, os.environ.get("PYTHONPATH", "").split(os.pathsep))}
_PATH = [entry for entry in sys.path if os.path.abspath(entry) != _OURS]
# The folders of packages that the adapter names come before the top of the tree.
_WITH_TREE = _PATH if _TREE in map(os.path.abspath, _PATH) else [_TREE, *_PATH]
# A process that a test starts by `multiprocessing` loads this file under another name.
if __name__ == "__main__":
    sys.path[:] = [entry for entry in _PATH if os.path.abspath(entry) not in _OUTSIDE]

import json  # noqa: E402
import runpy  # noqa: E402
import unittest  # noqa: E402
import unittest.loader  # noqa: E402
from collections.abc import Iterable  # noqa: E402
from typing import Any  # noqa: E402

PROBE = os.path.join(_OURS, "loaded_code", "sitecustomize.py")
_PLUGIN = os.path.join(_OURS, "loaded_code", "codex_orchestrator_pytest.py")
PASSED, FAILED, SKIPPED, DESELECTED = "passed", "failed", "skipped", "deselected"
# What is no test, and holds tests that could not be run.
BROKEN = "broken"
NO_TESTS = 5
_GRAVITY = (SKIPPED, PASSED, FAILED)
# Between the name of a test and the words for one of its subtests, which readers know.
_SUBTEST = " subtest "


class Report:
    """JSON lines, written at once by each process of a run; of several results the worst counts."""

    def __init__(self, path: str, *, is_new: bool = True) -> None:
        self.path = os.path.abspath(path)
        new = os.O_CREAT | os.O_EXCL if is_new else 0
        self._handle = os.open(path, os.O_WRONLY | os.O_APPEND | new, 0o600)
        self._process = os.getpid()
        if is_new:
            self._write({"schema": "test-report.v1"})

    def result(self, name: str, outcome: str) -> None:
        """Add what became of a test."""
        self._write({"test": name, "outcome": outcome})

    def plugin(self, path: str) -> None:
        """Add a file of the tree that hooks into pytest."""
        self._write({"plugin": path})

    def end(self) -> None:
        """Add the last line."""
        self._write({"end": True})

    def _write(self, line: dict[str, Any]) -> None:
        # A forked child of a test ends as a copy of this process.
        if os.getpid() == self._process:
            os.write(self._handle, json.dumps(line).encode() + b"\n")


class PytestPlugin:
    """Reports what really happened to each test, whatever other hooks say of it."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._outcomes: dict[str, str] = {}
        self._real: dict[tuple[str, str], str] = {}
        self._collected: dict[str, None] = {}
        self._left: set[str] = set()
        self._again: set[str] = set()
        self._subtests: dict[str, list[tuple[str, str]]] = {}

    @property
    def has_run_all(self) -> bool:
        """Whether every test that was selected has been run to its end."""
        return not self._left

    def pytest_itemcollected(self, item: Any) -> None:
        """Remember a test; a hook may take it away without a word."""
        self._collected[item.nodeid] = None

    def pytest_collection_finish(self, session: Any) -> None:
        """Report tests that an option or a hook left out."""
        self._left = {item.nodeid for item in session.items}
        for name in self._collected:
            if name not in self._left:
                self._report.result(name, DESELECTED)

    def pytest_collectreport(self, report: Any) -> None:
        """Report a file that cannot be collected."""
        if report.failed:
            self._report.result(report.nodeid or "collection", BROKEN)

    def pytest_runtest_makereport(self, item: Any, call: Any) -> Any:
        """Remember how a phase really ended; a hook of the project may say something else."""
        import pytest

        outcome = yield
        skips = (pytest.skip.Exception, pytest.xfail.Exception, unittest.SkipTest)
        raised = call.excinfo and call.excinfo.value
        is_expected = hasattr(outcome.get_result(), "wasxfail") and item.get_closest_marker("xfail")
        if raised:
            is_skip = isinstance(raised, skips) or is_expected
            self._real[item.nodeid, call.when] = SKIPPED if is_skip else FAILED

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Take one phase of a test; its worst phase counts."""
        name = report.nodeid
        found = self._real.pop((name, report.when), report.outcome)
        if report.outcome == "rerun":
            # Whoever says so runs the test again; if not, it has not been run to its end.
            self._outcomes.pop(name, None)
            self._subtests.pop(name, None)
            self._again.add(name)
            return
        if (context := getattr(report, "context", None)) is not None:
            subtest = f"{name}{_SUBTEST}{_words_of(context)}"
            self._subtests.setdefault(name, []).append((subtest, found))
        if report.when == "call":
            self._again.discard(name)
        if report.when == "call" or found != PASSED:
            self._outcomes[name] = max(self._outcomes.get(name, SKIPPED), found, key=_weight)
        if report.when == "teardown" and name not in self._again:
            self._left.discard(name)
            self._report.result(name, self._outcomes.pop(name, SKIPPED))
            numbers: dict[str, int] = {}
            for subtest, became in self._subtests.pop(name, ()):
                self._report.result(_numbered(subtest, numbers), became)


def _words_of(context: Any) -> str:
    """Return the words for a subtest of pytest: its message and its values."""
    values = ", ".join(f"{name}={value!s}" for name, value in dict(context.kwargs or {}).items())
    words = [f"[{context.msg}]"] if context.msg is not None else []
    return " ".join([*words, *([f"({values})"] if values else [])]) or "(<subtest>)"


def _numbered(name: str, numbers: dict[str, int]) -> str:
    """Return a name, with its number where it occurred before."""
    numbers[name] = numbers.get(name, 0) + 1
    return f"{name} #{numbers[name]}" if numbers[name] > 1 else name


def _weight(outcome: str) -> int:
    return _GRAVITY.index(outcome) if outcome in _GRAVITY else 0


class _UnittestResult(unittest.TextTestResult):
    """Keeps what became of each test, and reports it when the test ends."""

    report: Report

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._outcomes: dict[str, str] = {}
        self._subtests: dict[str, int] = {}

    def startTest(self, test: unittest.TestCase) -> None:  # noqa: N802 - unittest's name
        super().startTest(test)
        self._outcomes[test.id()] = PASSED

    def stopTest(self, test: unittest.TestCase) -> None:  # noqa: N802 - unittest's name
        super().stopTest(test)
        outcome = self._outcomes.pop(test.id(), PASSED)
        if type(test).__name__ == "_FailedTest":  # a file that cannot be loaded
            outcome = BROKEN
        self.report.result(test.id(), outcome)

    def addError(self, test: Any, err: Any) -> None:  # noqa: N802 - unittest's name
        super().addError(test, err)
        self._note(test, FAILED)

    def addFailure(self, test: Any, err: Any) -> None:  # noqa: N802 - unittest's name
        super().addFailure(test, err)
        self._note(test, FAILED)

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:  # noqa: N802 - as above
        super().addSubTest(test, subtest, err)
        self._subtest(subtest, PASSED if err is None else FAILED)
        if err is not None:
            self._note(test, FAILED)

    def addSkip(self, test: Any, reason: Any) -> None:  # noqa: N802 - unittest's name
        # A reason may be any value; unittest prints it.
        super().addSkip(test, str(reason))
        if hasattr(test, "test_case"):
            self._subtest(test, SKIPPED)
        else:
            self._note(test, SKIPPED)

    def addExpectedFailure(self, test: Any, err: Any) -> None:  # noqa: N802 - unittest's name
        super().addExpectedFailure(test, err)
        self._note(test, SKIPPED)

    def addUnexpectedSuccess(self, test: Any) -> None:  # noqa: N802 - unittest's name
        super().addUnexpectedSuccess(test)
        self._note(test, FAILED)

    def _subtest(self, subtest: Any, outcome: str) -> None:
        test = str(subtest.test_case.id())
        words = str(subtest.id()).removeprefix(test).strip()
        self.report.result(_numbered(f"{test}{_SUBTEST}{words}", self._subtests), outcome)

    def _note(self, test: Any, outcome: str) -> None:
        name = str(test.id())
        if name in self._outcomes:
            if outcome == FAILED or self._outcomes[name] != FAILED:
                self._outcomes[name] = outcome
        else:
            # A class or module that cannot be set up, or is skipped, starts no test of its own.
            self.report.result(name, BROKEN if outcome == FAILED else outcome)


def pytest_plugin(report: Report) -> PytestPlugin:
    """Return the plugin that adds to a report."""
    import pytest

    wrapper = pytest.hookimpl(hookwrapper=True, tryfirst=True)
    wrapper(PytestPlugin.pytest_runtest_makereport)
    return PytestPlugin(report)


def run_pytest(report: Report, arguments: list[str]) -> int:
    """Run pytest and return its exit code."""
    import pytest

    # Processes that pytest starts get the path and the options, and load the plugin as well.
    sys.path[:] = [os.path.join(_OURS, "loaded_code"), *_WITH_TREE]
    os.environ["CODEX_ORCHESTRATOR_REPORT"] = report.path
    plugin = pytest_plugin(report)
    sources = runpy.run_path(_PLUGIN)["PluginFiles"](report.plugin, _TREE)
    options = ["--rootdir=.", "-p", "codex_orchestrator_pytest"]
    code = int(pytest.main([*options, *arguments], plugins=[sources, plugin]))
    if plugin.has_run_all:
        report.end()
    return code


def run_unittest(report: Report, arguments: list[str]) -> int:
    """Run what unittest discovers and return 0, 1, or 5 when there is no test."""
    start, top = [*arguments, ".", "."][:2]
    sys.path[:] = _WITH_TREE
    _UnittestResult.report = report
    suite = unittest.TestLoader().discover(start, top_level_dir=top)
    result = unittest.TextTestRunner(resultclass=_UnittestResult, buffer=True).run(suite)
    if not result.shouldStop:
        report.end()
    if result.testsRun == 0 and not result.errors:
        print("no test was found", file=sys.stderr)  # noqa: T201 - a program of its own
        return NO_TESTS
    return 0 if result.wasSuccessful() else 1


def note_loaded(folders: Iterable[str]) -> None:
    """Write down where the packages lie whose code is tested."""
    if file := os.environ.get("CODEX_ORCHESTRATOR_LOADED"):
        places = sorted({os.path.realpath(folder) for folder in folders})
        with open(file, "a") as loaded:
            loaded.writelines(json.dumps({"loaded": place}) + "\n" for place in places)


def main() -> int:
    """Run the tests of the tree in the current folder and return the exit code."""
    runner, path, *arguments = sys.argv[1:]
    report = Report(path)
    run = {"pytest": run_pytest, "unittest": run_unittest}[runner]
    watching = runpy.run_path(PROBE)["watch_all"](_PATH)
    code = run(report, arguments)
    if watching:
        watching.take_modules()
    return code


if __name__ == "__main__":
    sys.exit(main())
