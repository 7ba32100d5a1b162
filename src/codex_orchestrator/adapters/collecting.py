"""List the tests of a project without running them, where its runner can."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from codex_orchestrator.adapters.reports import RUNNER
from codex_orchestrator.model.check import CheckCommand

# How many tests unittest finds; what cannot be imported is an error.
_UNITTEST = """
import sys, unittest
loader = unittest.TestLoader()
found = loader.discover(sys.argv[1], top_level_dir=sys.argv[2]).countTestCases()
print(*loader.errors, f"{found} tests collected", sep="\\n")
sys.exit(2 if loader.errors else 0)
"""
_GO_TESTS = "{{len .TestGoFiles}} {{len .XTestGoFiles}} files of tests"
_NUMBER = re.compile(r"^(?:=+ )?(?:(\d+)(?:/\d+)? tests?|no tests) collected", re.MULTILINE)
_PER_FILE = re.compile(r"^\S.*: (\d+)$", re.MULTILINE)
_GO_FILES = re.compile(r"^(\d+) (\d+) files of tests$", re.MULTILINE)
_ERROR = re.compile(r"[\w.]*(Error|Exception)\b")
_NO_TESTS = 5
_TEST_FILES: Mapping[str, re.Pattern[str]] = {
    "node": re.compile(
        r"(.*/)?([^/]+[._-](test|spec)|test-[^/]+|test)\.[cm]?[jt]sx?|(.*/)?(test|tests|__tests__)/.*\.[cm]?[jt]sx?"
    ),
    "rust": re.compile(r".*\.rs"),
    "maven": re.compile(r"(.*/)?src/test/.*\.(java|kt|groovy|scala)"),
    "gradle": re.compile(r"(.*/)?src/test/.*\.(java|kt|groovy|scala)"),
}


class Listing(NamedTuple):
    """How the tests of a project are listed, and the words of a person for it."""

    command: CheckCommand
    shown: str


class Listed(NamedTuple):
    """How many tests, or files of tests, were found; None where the runner does not say.

    `problem` is why they could not be listed, "" for nothing.
    """

    number: int | None
    what: str = "tests"
    problem: str = ""


def listing_of(command: CheckCommand) -> Listing | None:
    """Return how the tests of a check are listed; None where its runner cannot without running."""
    program, *arguments = command.argv
    if command.shown[:2] == ("go", "test"):
        listing = ("go", "list", "-f", _GO_TESTS, *command.shown[2:])
        return _listing(command, listing, shown="go list ./...")
    if arguments[:1] != [str(RUNNER)]:
        return None
    runner, _, *options = arguments[1:]
    if runner == "pytest":
        argv: tuple[str, ...] = (program, "-m", "pytest", "--collect-only", *options)
        shown = "python -m pytest --collect-only -q"
    else:
        argv = (program, "-c", _UNITTEST, *options)
        shown = " ".join(command.shown)
    return _listing(command, argv, shown=shown)


def _listing(command: CheckCommand, argv: Sequence[str], *, shown: str) -> Listing:
    update = {"argv": tuple(argv), "report": "", "loaded": "", "must_measure": False}
    return Listing(command.model_copy(update=update), shown)


def read_listed(command: CheckCommand, exit_code: int | None, output: str) -> Listed:
    """Return what a listing found.

    Args:
        command: the command of the listing.
        exit_code: how it ended, None when it did not.
        output: the end of what it printed.
    """
    if command.argv[0] == "go":
        files = [int(count) for pair in _GO_FILES.findall(output) for count in pair]
        problem = "" if exit_code == 0 else _reason(output)
        return Listed(sum(files), "files of tests", problem)
    if exit_code == _NO_TESTS:
        return Listed(0)
    if exit_code != 0:
        return Listed(None, problem=_reason(output))
    if found := _NUMBER.search(output):
        return Listed(int(found[1] or 0))
    counts = [int(count) for count in _PER_FILE.findall(output)]
    return Listed(sum(counts) or None)


def count_test_files(adapter: str, paths: Sequence[str]) -> Listed:
    """Return how many files of tests a project has, by their names.

    Args:
        adapter: the id of its adapter.
        paths: the tracked files of the project.
    """
    pattern = _TEST_FILES.get(adapter)
    if pattern is None:
        return Listed(None)
    files = sum(pattern.fullmatch(path) is not None for path in paths)
    return Listed(files, "files that may hold tests" if adapter == "rust" else "files of tests")


def _reason(output: str) -> str:
    """Return the line of an output that says most likely what went wrong."""
    lines = [line.removeprefix("E ").strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if _ERROR.match(line)]
    return (errors or lines or ["it said nothing"])[-1][:300]
