"""Tests that have to go from red to green: whether they fail at the base and pass now."""

from collections.abc import Iterable, Mapping
from typing import Literal

from codex_orchestrator.model.check import CheckRun
from codex_orchestrator.model.suite_run import Outcome, SuiteRun, is_allowed, is_same_test
from codex_orchestrator.model.validation import PromisedTest
from codex_orchestrator.pipeline.run import Run
from codex_orchestrator.pipeline.test_changes import test_files_of

_MOST_NEW = 50
_Colour = Literal["passed", "failed", "skipped"]


def keep_promises(
    run: Run, tested: str, suites: Mapping[str, SuiteRun]
) -> tuple[PromisedTest, ...]:
    """Return what became of the tests that the task promises.

    A test that did not fail at the base is run on the code of the base with the tests of the
    change, so that one that the change brings can be seen to fail there.

    Args:
        run: the run, whose checks are done.
        tested: the recorded state that they ran on.
        suites: their reports.
    """
    wanted = run.task.tests
    now = {name: found for suite in suites.values() for name, found in suite.outcomes.items()}
    known = {
        name: found
        for check in suites
        for suite in run.base.suites(check)[:1]
        for name, found in suite.outcomes.items()
    }
    names = [_as_reported(name, [*now, *known]) for name in wanted.must_pass]
    promised = tuple(names)
    if wanted.write_first:
        new = [n for n, found in now.items() if found is Outcome.PASSED and n not in known]
        names += [name for name in new[:_MOST_NEW] if name not in names]
    if not any(now.get(name) is Outcome.PASSED for name in names):
        return tuple(PromisedTest(name=n, at_head=_colour(now.get(n))) for n in names)
    red = {name for name in names if known.get(name) is Outcome.FAILED}
    again = _run_at_base(run, tested, tuple(suites)) if red != set(names) else []
    found = [
        PromisedTest(
            name=name,
            at_base="failed" if name in red else _at_base(name, again),
            at_head=_colour(now.get(name)),
        )
        for name in names
    ]
    # Of the tests that nobody named, those count that do show the change.
    return tuple(test for test in found if test.name in promised or test.at_base == "failed")


def _as_reported(name: str, reported: Iterable[str]) -> str:
    """Return a test's name as a report has it; unittest leaves its folder out."""
    return next((known for known in reported if is_same_test(known, name)), name)


def _run_at_base(run: Run, tested: str, checks: tuple[str, ...]) -> list[CheckRun]:
    """Run checks on the code of the base with the tests of the change."""
    run.say("test", "running the tests of the change on the base")
    with run.base.open() as work:
        files = test_files_of(run)
        if files:
            base = work.tree.snapshot()
            work.tree.restore(work.tree.mixed(base, files, source=tested))
        return [run.base.run_in(work, command) for command in work.checks if command.name in checks]


def _at_base(name: str, runs: list[CheckRun]) -> _Colour | None:
    """Return what became of a test at the base.

    One that is not in the report has failed where its file could not be loaded, or nothing could.
    """
    for run in runs:
        if run.suite is None:
            continue
        if name in run.suite.outcomes:
            return _colour(run.suite.outcomes[name])
        could_not_load = is_allowed(name, [*map(_module, run.suite.named(Outcome.BROKEN))])
        if could_not_load or (run.result.exit_code and not run.suite.executed):
            return "failed"
    return None


def _module(name: str) -> str:
    """Return the file or module that could not be loaded, as the names of its tests begin."""
    folder, mark, rest = name.rpartition("::")
    return f"{folder}{mark}{rest.removeprefix('unittest.loader._FailedTest.')}"


def _colour(outcome: Outcome | None) -> _Colour | None:
    colours: dict[Outcome, _Colour] = {Outcome.PASSED: "passed", Outcome.FAILED: "failed"}
    return colours.get(outcome, "skipped") if outcome is not None else None
