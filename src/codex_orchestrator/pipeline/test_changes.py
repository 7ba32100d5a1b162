"""What the change does to the tests: findings about tests lost, weakened, flaky or promised."""

import re
from collections.abc import Iterator

from codex_orchestrator.model.finding import Finding, Severity
from codex_orchestrator.model.suite_run import is_allowed
from codex_orchestrator.pipeline.run import Run

_MOST = 20
_HOW = (
    "restore it; where it is meant, name it in the task's tests.may_change, or let a person "
    "grant it: --approve"
)
_TEST_FILE = re.compile(r"(^|/)test_[^/]*$|[._]test\.[a-z]+$|Tests?\.java$")
_TEST_FOLDERS = frozenset({"test", "tests", "spec", "__tests__", "testdata", "__snapshots__"})


def test_files_of(run: Run) -> tuple[str, ...]:
    """Return the changed files that tests consist of."""
    return tuple(
        path
        for path in run.tree.change().paths
        if _TEST_FILE.search(path) or _TEST_FOLDERS & set(path.split("/")[:-1])
    )


def find_test_changes(run: Run) -> Iterator[Finding]:
    """Find what the change did to tests that nobody allowed."""
    yield from _lost(run)
    yield from _flaky(run)
    yield from _promises(run)


def _lost(run: Run) -> Iterator[Finding]:
    for check, change in run.compared.items():
        lost = [n for n in change.lost if not is_allowed(n, run.policy.approved_tests)]
        for name in lost[:_MOST]:
            message = f"the check {check} executed {name} at the base, and does not execute it now"
            yield _error("run/test-lost", _file_of(name), message, f"{_HOW} tests:{name}")
        if len(lost) > _MOST:
            message = f"{len(lost) - _MOST} more tests of {check} are not executed any more"
            yield _error("run/test-lost", "", message, _HOW)


def _flaky(run: Run) -> Iterator[Finding]:
    for check, change in run.compared.items():
        for name in change.flaky[:_MOST]:
            is_new = name in change.flaky_now
            where = "with the change only" if is_new else "at the base too"
            yield Finding(
                "run/flaky-test",
                Severity.WARNING if is_new else Severity.NOTE,
                _file_of(name),
                0,
                f"{name} fails and passes on the same tree, {where} ({check})",
                "make it independent of time, order and chance",
            )


def _promises(run: Run) -> Iterator[Finding]:
    wanted, promises = run.task.tests, run.record.manifest.promises
    for one in promises:
        if (one.at_base, one.at_head) != ("failed", "passed"):
            message = (
                f"{one.name} had to go from red to green; at the base it {_became(one.at_base)}, "
                f"with the change it {_became(one.at_head)}"
            )
            fix = "write the test so that it fails without the change and passes with it"
            yield _error("run/promise-not-kept", _file_of(one.name), message, fix)
    if wanted.write_first and not any(one.at_base == "failed" for one in promises):
        message = "no new test fails at the base and passes with the change"
        yield _error("run/promise-not-kept", "", message, "write a test that shows the change")


def _became(colour: str | None) -> str:
    return {None: "did not run", "skipped": "was skipped"}.get(colour, colour or "")


def _file_of(name: str) -> str:
    """Return the file that a test's name begins with, "" where it begins with none."""
    path = name.partition("::")[0].partition(" > ")[0]
    return path if "." in path and "/" in path and " " not in path else ""


def _error(rule: str, path: str, message: str, fix: str) -> Finding:
    return Finding(rule, Severity.ERROR, path, 0, message, fix)
