"""Which tests a check ran, by name, on code from where, and what that says about the check."""

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Literal, NamedTuple

from codex_orchestrator.model.verdict import ValidationStatus
from codex_orchestrator.text.shown import one_line


class Outcome(StrEnum):
    """What became of a test. A test that failed as it was expected to counts as skipped.

    What is `broken` is no test: a file, a class or a package whose tests could not be run.
    """

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    DESELECTED = "deselected"
    BROKEN = "broken"


class SuiteRun(NamedTuple):
    """What a report says of a run of tests.

    `outcomes` holds what became of each test by its name. `problem` says why the report proves
    nothing, "" when it is whole: it is missing, cannot be read, or ends before the run did.
    `plugins` holds the files of the work tree that hook into the test runner.
    """

    outcomes: Mapping[str, Outcome]
    problem: str = ""
    plugins: tuple[str, ...] = ()

    def named(self, outcome: Outcome) -> tuple[str, ...]:
        """Return the names of the tests with an outcome, in their order."""
        return tuple(name for name, found in self.outcomes.items() if found is outcome)

    def failures(self, *, limit: int = 500) -> tuple[str, ...]:
        """Return what failed or is broken; beyond `limit`, a last line counts the rest."""
        failed = (*self.named(Outcome.FAILED), *self.named(Outcome.BROKEN))
        return cut_names(failed, limit=limit)

    @property
    def executed(self) -> int:
        """The number of tests that ran, whatever came of it."""
        ran = (Outcome.PASSED, Outcome.FAILED)
        return sum(outcome in ran for outcome in self.outcomes.values())


CodeOrigin = Literal["work-tree", "elsewhere"]
_THIRD_PARTY = frozenset(
    ["site-packages", "dist-packages", "node_modules", ".venv", "venv", ".tox", ".nox", ".eggs"]
)


def cut_names(names: Sequence[str], *, limit: int = 500) -> tuple[str, ...]:
    """Return some names; beyond `limit`, a last line counts the rest."""
    rest = (f"and {len(names) - limit} more",) if len(names) > limit else ()
    return (*names[:limit], *rest)


_GRAVITY = (Outcome.DESELECTED, Outcome.SKIPPED, Outcome.PASSED, Outcome.FAILED, Outcome.BROKEN)
MAX_NAME = 300


SUBTEST = " subtest "
"""What stands in a name between a test and the words for one of its subtests."""


def add_outcome(
    outcomes: dict[str, Outcome],
    name: str,
    outcome: Outcome,
    *,
    numbers: Counter[str] | None = None,
) -> None:
    """Add what became of a test.

    A name is shown in one line. One of more than 300 characters is cut, and ends in a digest.

    Args:
        outcomes: what is known of others; it is added to.
        name: the test's name in the report.
        outcome: what became of it.
        numbers: how often each name occurred so far, where each occurrence is a test of its own:
            it is added to, and names after the first get a number. With None they are results of
            one test, of which the worst counts.
    """
    start = name[:MAX_NAME]
    shown = start if start.isascii() and start.isprintable() else one_line(start, limit=None)
    if len(name) > MAX_NAME or len(shown) > MAX_NAME:
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        shown = f"{shown[: MAX_NAME - 14]}~{digest}"
    if numbers is not None:
        numbers[shown] += 1
        shown += f" #{numbers[shown]}" if numbers[shown] > 1 else ""
    if shown in outcomes:
        outcome = max(outcomes[shown], outcome, key=_GRAVITY.index)
    outcomes[shown] = outcome


def judge_tests(status: ValidationStatus, run: SuiteRun) -> tuple[ValidationStatus, str]:
    """Return what a check's exit code and its report prove together, and why it is no more.

    A failure is one by the exit code or by any failed test; success needs both a good exit code
    and a whole report in which a test was executed.
    """
    if status not in (ValidationStatus.PASSED, ValidationStatus.FAILED):
        return status, ""
    failed = run.failures()
    if not run.executed and not failed and not run.problem:
        skipped = len(run.named(Outcome.SKIPPED))
        left_out = len(run.named(Outcome.DESELECTED))
        counts = f"{skipped} were skipped, {left_out} deselected"
        return ValidationStatus.NOT_RUN, f"no test was executed: {counts}"
    if status is ValidationStatus.FAILED:
        return status, run.problem
    if failed:
        return ValidationStatus.FAILED, f"the exit code is 0, and {failed[0]} failed"
    if run.problem:
        return ValidationStatus.NOT_RUN, f"the exit code is 0, and {run.problem}"
    return status, ""


def judge_code(loaded: Mapping[str, str], *, trees: Sequence[str]) -> tuple[CodeOrigin | None, str]:
    """Return where code was loaded from, and what came from elsewhere; None if it is not known.

    Code is from elsewhere if it lies in another work tree of the repository, except in a folder of
    third parties there, or if an installed copy was loaded in place of the work tree's own.

    Args:
        loaded: the real paths of what was loaded, as far as it may matter; each with the work
            tree's own file of the same module where it stands in place of that, else with "". It
            is the work tree's own path where that file is not known.
        trees: real paths: the work tree that was checked, then the repository's other ones.
    """
    tree, *others = map(PurePosixPath, trees)
    for name, instead in loaded.items():
        path = PurePosixPath(name)
        if instead:
            meant = _below(PurePosixPath(instead), tree)
            what = meant if meant.parts else "this project"
            copy = f"{_installed_name(path)} was loaded, an installed copy of {what}"
            return "elsewhere", copy
        if path.is_relative_to(tree):
            continue
        for other in others:
            if path.is_relative_to(other) and _THIRD_PARTY.isdisjoint(_below(path, other).parts):
                shown = _below(path, other)
                return "elsewhere", f"{shown} was loaded from another work tree"
    return "work-tree" if loaded else None, ""


def _installed_name(path: PurePosixPath) -> str:
    # Records do not say where things lie on this machine.
    parts = path.parts
    starts = [number for number, part in enumerate(parts) if part in _THIRD_PARTY]
    return "/".join(parts[starts[-1] :]) if starts else path.name


def _below(path: PurePosixPath, folder: PurePosixPath) -> PurePosixPath:
    return path.relative_to(folder) if path.is_relative_to(folder) else path


class SuiteChange(NamedTuple):
    """Which tests a change broke, repaired or took away; each group in the order of the report.

    `new` fail or are broken with the change only. `known` failed or were broken at the base too,
    `fixed` failed there and pass now. `lost` were executed at the base and are not executed any
    more. `flaky` failed and passed on the same tree, and `flaky_now` did so with the change only.
    """

    new: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    flaky: tuple[str, ...] = ()
    flaky_now: tuple[str, ...] = ()


def compare_suites(base: Sequence[SuiteRun], now: Sequence[SuiteRun]) -> SuiteChange:
    """Compare the runs of a suite at the base with those of the change.

    Args:
        base: at least one run; of a test that ran several times all results count.
        now: at least one run, of which the first decides which tests were executed.
    """
    passed_before, failed_before = _ran(base)
    passed_now, failed_now = _ran(now)
    flaky_before = passed_before.keys() & failed_before
    flaky_after = passed_now.keys() & failed_now
    flaky = flaky_before | flaky_after
    always_before = failed_before.keys() - flaky
    broken = now[0].named(Outcome.BROKEN)
    # A run that was cut short may not have come to all that is broken.
    broken_before = {name for run in base for name in run.named(Outcome.BROKEN)}
    return SuiteChange(
        new=(
            *(n for n in failed_now if n not in failed_before and n not in flaky),
            *(n for n in broken if n not in broken_before),
        ),
        known=(
            *(n for n in failed_now if n in always_before),
            *(n for n in broken if n in broken_before),
        ),
        fixed=tuple(n for n in failed_before if n in passed_now and n not in flaky),
        lost=_lost(base[0], now[0]),
        flaky=tuple(sorted(flaky)),
        flaky_now=tuple(sorted(flaky_after - flaky_before)),
    )


def _ran(runs: Sequence[SuiteRun]) -> tuple[dict[str, None], dict[str, None]]:
    """Return the tests that passed in a run, and those that failed in one."""
    passed: dict[str, None] = {}
    failed: dict[str, None] = {}
    for run in runs:
        passed |= dict.fromkeys(run.named(Outcome.PASSED))
        failed |= dict.fromkeys(run.named(Outcome.FAILED))
    return passed, failed


def _lost(before: SuiteRun, now: SuiteRun) -> tuple[str, ...]:
    """Return the tests that are not executed any more.

    A case of a test with parameters has its values in its name. When they change, the case has
    another name; as long as the test has as many cases, none of them is lost. A subtest that does
    not occur any more is lost with its test only; one that is skipped is.
    """
    were, are = (passed | failed for passed, failed in (_ran([before]), _ran([now])))
    gone = [
        name
        for name in were
        if name not in are
        and (name in now.outcomes or SUBTEST not in name or name.partition(SUBTEST)[0] not in are)
    ]
    if not gone:
        return ()
    families_now = {name: _family(name, are) for name in are}
    families_before = {name: _family(name, were) for name in were}
    cases_before, cases_now = Counter(families_before.values()), Counter(families_now.values())
    return tuple(
        name
        for name in gone
        if cases_now[families_before[name]] < cases_before[families_before[name]]
    )


def _family(name: str, others: Collection[str]) -> str:
    """Return the test that a case belongs to; the name itself where it has no case in it."""
    if SUBTEST in name:
        return name
    if name.endswith("]"):
        return name.partition("[")[0]
    # A subtest of Go, whose test is reported too; its package has slashes as well.
    package, colons, test = name.rpartition("::")
    parent = f"{package}{colons}{test.partition('/')[0]}"
    return parent if colons and parent in others else name


def is_allowed(name: str, allowed: Sequence[str]) -> bool:
    """Say whether one of some names stands for a test: its own, its class, its file or a folder.

    The names may be spelled as any runner does: `tests/test_a.py::T::test_b` is also
    `test_a.T.test_b`, and `a.test.js > b` is `a.test.js::b`.
    """
    test = name.partition(SUBTEST)[0]
    given = [text.rstrip("/") for text in allowed if text.strip("/")]
    return name in given or any(_stands_for(text, test) for text in given)


def _stands_for(given: str, name: str) -> bool:
    is_dotted = not ("/" in name or "::" in name or " > " in name)
    marks = ("::", "[", "/", " > ", *((".",) if is_dotted else ()))
    if name == given or name.startswith(tuple(f"{given}{mark}" for mark in marks)):
        return True
    if is_dotted:
        return False
    # It begins with the module, or with a folder above it, and reaches into the module.
    wanted, parts = _parts(given), _parts(name)
    module = len(_parts(re.split("::| > ", name, maxsplit=1)[0])) - 1
    starts = range(max(0, module + 1 - len(wanted)), module + 1)
    return any(parts[start : start + len(wanted)] == wanted for start in starts)


def is_same_test(name: str, other: str) -> bool:
    """Say whether two names are of one test, as two runners spell it."""
    longer, shorter = sorted((_parts(name), _parts(other)), key=len, reverse=True)
    return name == other or (len(shorter) > 1 and longer[-len(shorter) :] == shorter)


def _parts(name: str) -> list[str]:
    return re.split(r"::| > |/|\.", re.sub(r"\.py(?=::|$)", "", name))
