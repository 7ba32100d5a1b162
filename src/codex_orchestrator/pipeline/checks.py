"""Test the work: run the checks on what the branch will hold, and compare them with the base."""

import json
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Literal, NamedTuple

from pydantic import Field

from codex_orchestrator.model.canonical import canonical_bytes
from codex_orchestrator.model.check import CheckCommand, CheckResult, CheckRun
from codex_orchestrator.model.document import Document
from codex_orchestrator.model.errors import InputError, LimitReachedError, NotCheckedError
from codex_orchestrator.model.suite_run import Outcome, SuiteChange, compare_suites
from codex_orchestrator.model.validation import PromisedTest, Validation
from codex_orchestrator.model.verdict import ValidationStatus
from codex_orchestrator.pipeline.baseline import run_check_once
from codex_orchestrator.pipeline.guardrails import require_granted_change, require_no_secret
from codex_orchestrator.pipeline.run import OpenTree, Run, checks_in
from codex_orchestrator.system.durable import write_file
from codex_orchestrator.system.files import UnusableFileError, read_file

INSTALLED = ("node_modules", ".venv")
"""Folders in which a command of a task may have installed what the checks need."""
RUNS_AGAIN = 2
"""How often a suite with new failures is run again, with the change and at the base."""
_MOST_FAILURES_AGAIN = 20
_FACTS = "tests/checked.json"
_MAX_FACTS = 256 * 1024 * 1024


def run_checks(run: Run) -> tuple[CheckResult, ...]:
    """Run every check, and let the tester explain the results.

    Raises:
        ApprovalRequiredError: the change needs a person's approval; no check was run.
    """
    _require_small(run)
    require_no_secret(run.tree, run.services)
    require_granted_change(run.tree, run.policy, workspace=run.services.rooms.workspace)
    run.round += 1
    tested = run.tree.snapshot()
    # The checks see what the branch will hold, and each sees it as it was before the others.
    # Commands of the task may have installed something for them; that is named.
    keep = INSTALLED if any(step.command for step in run.task.steps) else ()
    hidden = [*run.hidden, *run.tree.drop_hidden(keep=keep)]
    hidden += run.services.rooms.workspace.let_stay(run.tree.root, keep)
    run.hidden = tuple(dict.fromkeys(hidden))
    from codex_orchestrator.pipeline.touched import needed_checks

    needed = needed_checks(run.checks, run.tree.change().paths)
    run.base.take(OpenTree(run.tree, run.checks, run.provided), needed)
    from codex_orchestrator.pipeline.test_changes import settings_of_base

    run.rewritten, run.compared, run.plugins, run.replaced = {}, {}, set(), {}
    # What decides which tests run is the base's, unless a person lets the change decide it.
    run.settings = settings_of_base(run, tested)
    judged = tested
    if run.settings:
        judged = run.tree.mixed(tested, tuple(run.settings), source=run.tree.base_sha)
    state = _Tested(tested, judged, keep)
    commands = _commands(run, needed)
    done = [_test(run, command, state) for command in commands]
    results = tuple(check.result for check in done)
    suites = {check.result.name: check.suite for check in done if check.suite is not None}
    promises: tuple[PromisedTest, ...] = ()
    if run.task.tests.has_promises:
        from codex_orchestrator.pipeline.promises import keep_promises

        promises = keep_promises(run, tested, suites)
    folder = f"tests/round-{run.round}"
    one_test = run.services.rooms.adapters.one_test
    validations = (
        Validation.of(result, folder, again=one_test(command, result.failures))
        for command, result in zip(commands, results, strict=True)
    )
    untouched = tuple(one.name for one in run.checks if one not in needed)
    run.record.tested(tuple(validations), promises, untouched)
    _require_bounded(run, results)
    _keep_facts(run, tested)
    explanation = run.team.explain(run.task, results)
    run.record.explained(explanation.summary)
    run.save_usage(tested=tested)
    return results


class _Facts(Document):
    """What the review needs of checks that ran on a state, beyond their results."""

    schema_: Literal["checked-work.v1"] = Field(alias="schema", default="checked-work.v1")
    tree: str
    hidden: tuple[str, ...]
    rewritten: dict[str, str]
    settings: dict[str, str]
    plugins: tuple[str, ...]
    replaced: dict[str, str] = Field(default_factory=dict)
    compared: dict[str, SuiteChange]


def _keep_facts(run: Run, tested: str) -> None:
    """Keep them in the run's folder, for an attempt that goes on; not where they hold a secret."""
    facts = _Facts(
        tree=tested,
        hidden=run.hidden,
        rewritten=run.rewritten,
        settings=run.settings,
        plugins=tuple(sorted(run.plugins)),
        replaced=run.replaced,
        compared=run.compared,
    )
    data = canonical_bytes(facts.model_dump(mode="json", by_alias=True))
    if run.services.evidence.redactor.redact_bytes(data) == data:
        write_file(run.record.folder / _FACTS, data)


def restore_facts(run: Run, tested: str) -> bool:
    """Take what an earlier attempt kept of the checks of a state; say whether it did."""
    from codex_orchestrator.model.versions import read_document

    path = run.record.folder / _FACTS
    try:
        data = read_file(path, max_bytes=_MAX_FACTS)
        facts = read_document(data, _Facts, path=_FACTS, fix="remove it")
    except (OSError, UnusableFileError, InputError):
        return False
    if facts.tree != tested:
        return False
    run.hidden, run.rewritten, run.settings = facts.hidden, facts.rewritten, facts.settings
    run.compared, run.plugins = facts.compared, set(facts.plugins)
    run.replaced = facts.replaced
    return True


class _Tested(NamedTuple):
    """The recorded state that is tested, the one that the checks see, and folders that stay."""

    tested: str
    judged: str
    keep: tuple[str, ...]


def _commands(run: Run, needed: Sequence[CheckCommand]) -> tuple[CheckCommand, ...]:
    """Return how the checks that are needed are run: as the base says.

    Where the base has no test, the change may say how its own are run. Where only folders moved,
    the command is the same, and what it is given fits the folders as they are. A project in a
    folder that the change brings, or its first tests, is checked as it says.
    """
    try:
        chosen = checks_in(run.request, run.services, run.tree.root, run.provided)
    except (InputError, NotCheckedError):
        return tuple(needed)
    now = {command.name: command for command in chosen}
    found = []
    for old in needed:
        new = now.get(old.name, old)
        suites = run.base.suites(old.name)
        is_untested = bool(suites) and not suites[0].executed
        found.append(new if new.argv == old.argv or is_untested else old)
    known = {command.folder for command in run.checks}
    return (*found, *(command for command in chosen if command.folder not in known))


def _test(run: Run, command: CheckCommand, state: _Tested) -> CheckRun:
    """Run a check; where it has new failures, again, to tell them from flaky tests."""
    run.say("test", f"running {command.name}")
    folder = run.record.folder / "tests" / f"round-{run.round}"

    def once(number: int) -> CheckRun:
        # The step's own files may differ from what the branch gives, for example in line ends.
        run.tree.restore(state.judged)
        log_dir = folder / f"again-{number}" if number else folder
        done = run_check_once(
            run.services, run.tree.root, command, log_dir=log_dir, deadline_s=run.spending.stage()()
        )
        changed = run.tree.take_back(state.tested, keep=state.keep)
        run.rewritten |= dict.fromkeys(changed, command.name)
        return done

    runs = [once(0)]
    change = _compare(run, command.name, runs)
    if change is not None and change.known and run.base.renew(command.name):
        # What excuses the change is not taken from a cache.
        change = _compare(run, command.name, runs)
    while change is not None and _may_be_flaky(run, change, runs, of=len(runs)):
        again = once(len(runs))
        if again.obstacle:
            break
        runs.append(again)
        change = _compare(run, command.name, runs)
    at_base = run.base.runs.get(command.name, [])
    while change is not None and _may_be_flaky(run, change, runs, of=len(at_base)):
        if not run.base.run_again(command.name):
            break
        change = _compare(run, command.name, runs)
    done = runs[0]
    run.plugins.update(done.suite.plugins if done.suite is not None else ())
    if at_base:
        from codex_orchestrator.pipeline.replaced_code import replaced_modules

        run.replaced.update(replaced_modules(at_base[0], done))
    if change is not None:
        run.compared[command.name] = change
        done = done._replace(result=_compared(run, runs, change))
    elif at_base and done.suite is None and done.result.status is ValidationStatus.FAILED:
        done = done._replace(result=done.result.failed_before(at_base[0].result.status))
    run.say("test", f"{command.name}: {done.result.status}")
    return done


def _compare(run: Run, check: str, runs: Sequence[CheckRun]) -> SuiteChange | None:
    """Compare the runs of a check with those of the base; None where one of them has no report."""
    suites = [done.suite for done in runs if done.suite is not None]
    base = run.base.suites(check)
    if not base or not suites:
        return None
    change = compare_suites(base, suites)
    # A run that ended early did not execute the rest, which says nothing of the rest.
    return change._replace(lost=()) if runs[0].obstacle else change


def _may_be_flaky(run: Run, change: SuiteChange, runs: Sequence[CheckRun], *, of: int) -> bool:
    """Say whether another run is worth its time, after `of` of them."""
    costs_s = 2 * RUNS_AGAIN * runs[0].result.duration_ms / 1000
    suite = runs[0].suite
    # What is broken is not flaky.
    failed = [n for n in change.new if suite and suite.outcomes.get(n) is Outcome.FAILED]
    return (
        0 < len(failed) <= _MOST_FAILURES_AGAIN
        and of <= RUNS_AGAIN
        and not runs[0].obstacle
        and costs_s < run.spending.remaining_s()
    )


def _compared(run: Run, runs: Sequence[CheckRun], change: SuiteChange) -> CheckResult:
    """Return the result of a check as the comparison with the base judges it."""
    first = runs[0].result
    at_base = {done.result.exit_code for done in run.base.runs[first.name]}
    is_explained = not runs[0].obstacle and (
        first.exit_code in (0, *at_base)
        or any(done.result.status is ValidationStatus.PASSED for done in runs[1:])
    )
    redact = run.services.evidence.redactor.redact
    shown = SuiteChange(*(tuple(map(redact, tests)) for tests in change))
    groups = {name: tests for name, tests in shown._asdict().items() if tests}
    names = ""
    if groups and first.log_path:
        stem = PurePosixPath(first.log_path).stem
        names = f"tests/round-{run.round}/{stem}.names.json"
        document = {"schema": "test-names.v1", **groups}
        data = json.dumps(document, indent=1, ensure_ascii=False).encode("utf-8", "replace")
        write_file(run.record.folder / names, data + b"\n")
    return first.compared(shown, is_explained=is_explained, names=names)


def _require_small(run: Run) -> None:
    """Check that the change is within the task's limits before it is used."""
    limits, change = run.task.limits, run.tree.change()
    lines = change.added_lines + change.removed_lines
    for name, found, most in (
        ("changed_files", len(change.paths), limits.changed_files),
        ("diff_lines", lines, limits.diff_lines),
    ):
        if found > most:
            raise LimitReachedError(
                f"limit of {most} {name.replace('_', ' ')} reached with {found}",
                fix=f"make smaller tasks, or raise limits.{name} in the task",
                reason=f"limits.{name}",
            )


def _require_bounded(run: Run, results: Sequence[CheckResult]) -> None:
    """Check that no check was ended because it printed too much."""
    for result in results:
        if result.is_flooded:
            raise LimitReachedError(
                f"check {result.name} printed more than {run.task.limits.output_bytes} bytes",
                fix="make it print less, or raise limits.output_bytes in the task",
                reason="limits.output_bytes",
            )
