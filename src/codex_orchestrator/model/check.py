"""A check: one command of an adapter or of the task, its result, and the record of it."""

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

from pydantic import Field

from codex_orchestrator.model.confinement import SandboxFacts
from codex_orchestrator.model.document import Document
from codex_orchestrator.model.suite_run import (
    CodeOrigin,
    Outcome,
    SuiteChange,
    SuiteRun,
    cut_names,
    judge_code,
    judge_tests,
)
from codex_orchestrator.model.task import MAX_OUTPUT_BYTES, InsidePath, Limits
from codex_orchestrator.model.verdict import ValidationStatus

LOG_DIR = "{log_dir}"
"""Placeholder in a command's arguments for the folder that it writes its report to.

Replaced when the command is run.
"""
_MOST_NAMED = 10


class CheckCommand(Document):
    """One command to run in a work tree, without a shell.

    In `argv` and `env` `{log_dir}` stands for a new folder that only this command can write.
    `report` names the report of the tests that it writes there, as `FORMAT:FILE`, or is ""; where
    `reports` has globs, it is a folder, to which the files of the work tree are copied that the
    command writes and these choose.
    `shown` is the command as it appears in records, without absolute paths; it is empty when
    `argv` has none. `env` has variables to set in addition to the allowed ones; `read` has paths
    outside the work tree that it reads besides the folders of its programs. `timeout_s` is in
    seconds; a command that prints more than `max_output_bytes` is ended.

    `loaded` is the file there that says which code was loaded from where, "" where that is not
    measured; a command that `must_measure` it proves nothing without. `trees` are real paths: the
    work tree, and the repository's other ones, whose code it must not load. `mend` says how to get
    its code loaded from the work tree.

    `adapter` is the id of its adapter. It runs in `folder`, relative to the top of the work tree,
    where its reports are too. With `runs_always` it runs whatever was changed. `uses` are paths
    outside of the folder that its project names, "." for all. `obstacle` says why it cannot run, ""
    if it can. `programs` are what it starts, by name or path, as far as its results depend on their
    versions. `first_test` says what to write where to have a test; with one of the `empty_codes`,
    and no report, there was none. `modules` are pairs of the end of a path, where an installed copy
    of a module lies, and the module's folder: what Java loads is in the reports.
    """

    name: str
    argv: tuple[str, ...]
    adapter: str = ""
    folder: InsidePath = "."
    runs_always: bool = False
    uses: tuple[InsidePath, ...] = ()
    obstacle: str = ""
    programs: tuple[str, ...] = ()
    first_test: str = ""
    empty_codes: tuple[int, ...] = ()
    modules: tuple[tuple[str, str], ...] = ()
    timeout_s: int = 600
    max_output_bytes: int = Field(default=MAX_OUTPUT_BYTES, ge=1)
    report: str = ""
    reports: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    read: tuple[str, ...] = ()
    loaded: str = ""
    must_measure: bool = False
    trees: tuple[str, ...] = ()
    mend: str = ""

    @property
    def report_file(self) -> str:
        """The report's path below the log folder, "" for none."""
        return self.report.partition(":")[2]

    @property
    def written(self) -> tuple[str, ...]:
        """The paths below the log folder of all that it writes there."""
        return tuple(path for path in (self.report_file, self.loaded) if path)

    @property
    def measures_code(self) -> bool:
        """Whether it is measured where the code was loaded from."""
        return bool(self.loaded or self.modules)

    @property
    def kind(self) -> str:
        """What is checked, such as `test`: the name without folder and adapter."""
        return self.name.partition("@")[0].partition(":")[0]

    @property
    def recorded(self) -> tuple[str, ...]:
        """The command as it appears in manifests and comments."""
        return self.shown or self.argv

    def writing_to(self, folder: str) -> "CheckCommand":
        """Return the command with a folder in the place of `{log_dir}`."""
        argv = tuple(item.replace(LOG_DIR, folder) for item in self.argv)
        env = tuple((name, value.replace(LOG_DIR, folder)) for name, value in self.env)
        return self.model_copy(update={"argv": argv, "env": env})

    def within(self, limits: Limits) -> "CheckCommand":
        """Return the command with no more time and output than a task allows."""
        timeout_s = min(self.timeout_s, limits.check_seconds)
        changes = {"timeout_s": timeout_s, "max_output_bytes": limits.output_bytes}
        return self.model_copy(update=changes)


class CheckTests(Document):
    """How many tests a check executed, by its report.

    `executed` are `passed` and `failed`; `skipped` were found and not executed. The other numbers
    come from comparing names with the baseline, and are None without one: `lost` were executed
    there and not here, `known` failed there too, `flaky` failed and passed on one tree. `names` is
    the file of the run folder that says which tests are counted where, "" for none.
    """

    executed: int = Field(ge=0)
    passed: int = Field(ge=0)
    failed: int = Field(ge=0)
    skipped: int = Field(ge=0)
    lost: int | None = Field(default=None, ge=0)
    known: int | None = Field(default=None, ge=0)
    flaky: int | None = Field(default=None, ge=0)
    names: InsidePath | Literal[""] = ""


class CheckResult(Document):
    """What one check did. `failures` names failing tests, as far as a report tells.

    `tests` is None where nothing but the exit code is known, `code` where it was not measured.
    `is_flooded` says that it was ended because it printed more than it may, and
    `failed_by_exit_code` that nothing but its exit code, or tests in spite of a good one, says that
    it failed. `sandbox` is what was in force while it ran, None when it did not.
    """

    name: str
    argv: tuple[str, ...]
    status: ValidationStatus
    exit_code: int | None
    duration_ms: int
    log_path: str
    output_tail: str = ""
    failures: tuple[str, ...] = ()
    is_flooded: bool = False
    failed_by_exit_code: bool = False
    detail: str = ""
    tests: CheckTests | None = None
    code: CodeOrigin | None = None
    sandbox: SandboxFacts | None = None

    def recorded(self, argv: tuple[str, ...], failures: tuple[str, ...]) -> "CheckResult":
        """Return the result as it may be shown: the recorded command, and the failing tests."""
        return self.model_copy(update={"argv": argv, "failures": failures})

    def with_log(self, log_path: str) -> "CheckResult":
        """Return the result with its log elsewhere."""
        return self.model_copy(update={"log_path": log_path})

    def without_log(self) -> "CheckResult":
        """Return the result without what the check printed."""
        return self.model_copy(update={"log_path": "", "output_tail": ""})

    def judged(self, suite: SuiteRun, *, first_test: str = "") -> "CheckResult":
        """Return the result as far as the tests that ran prove it.

        Args:
            suite: what the report says.
            first_test: what to write where there is no test at all.
        """
        status, why = judge_tests(self.status, suite)
        if status is ValidationStatus.NOT_RUN and not suite.outcomes and not suite.problem:
            why = f"no test was executed: there is no test; {first_test}" if first_test else why
        counts = Counter(suite.outcomes.values())
        tests = CheckTests(
            executed=suite.executed,
            passed=counts[Outcome.PASSED],
            failed=counts[Outcome.FAILED],
            skipped=counts[Outcome.SKIPPED] + counts[Outcome.DESELECTED],
        )
        detail = "; ".join(part for part in (why, self.detail) if part)
        is_by_tests = self.status is ValidationStatus.PASSED and status is ValidationStatus.FAILED
        changes = {"status": status, "detail": detail, "tests": tests}
        changes["failed_by_exit_code"] = self.failed_by_exit_code or is_by_tests
        return self.model_copy(update=changes)

    def with_code(self, loaded: Mapping[str, str], command: CheckCommand) -> "CheckResult":
        """Return the result with where its code came from; code from elsewhere proves nothing.

        Args:
            loaded: what the command loaded, see `judge_code`.
            command: knows the work trees, and how to load the right one's code.
        """
        if not command.measures_code:
            return self
        origin, problem = judge_code(loaded, trees=command.trees)
        if origin is None and command.must_measure and self.status is ValidationStatus.PASSED:
            problem = "it was not measured where the code was loaded from"
        changes: dict[str, object] = {"code": origin}
        if problem and self.status in (ValidationStatus.PASSED, ValidationStatus.FAILED):
            changes["status"] = ValidationStatus.NOT_RUN
            changes["detail"] = "; ".join(filter(None, [problem, command.mend, self.detail]))
        return self.model_copy(update=changes)

    def compared(self, change: SuiteChange, *, is_explained: bool, names: str) -> "CheckResult":
        """Return the result when only what is new counts against the change.

        Args:
            change: how the tests differ from those of the base, with names as they may be shown.
            is_explained: whether failing tests are all that the exit code can mean.
            names: the file of the run folder that holds the names.
        """
        if self.tests is None:
            return self
        counts = {"lost": len(change.lost), "known": len(change.known), "flaky": len(change.flaky)}
        tests = self.tests.model_copy(update={**counts, "names": names})
        known = f" ({', '.join(cut_names(change.known, limit=_MOST_NAMED))})"
        parts = [
            f"{text}: {len(found)}{known if found is change.known else ''}"
            for text, found in (
                ("new failures", change.new),
                ("failing at the base too", change.known),
                ("repaired", change.fixed),
                ("flaky", change.flaky),
                ("executed at the base, and not now", change.lost),
            )
            if found
        ]
        status = self.status
        is_of_tests = self.tests.executed and (change.known or change.flaky)
        is_excused = self.failed_by_exit_code and is_explained and is_of_tests
        if status is ValidationStatus.FAILED and is_excused and not change.new:
            status = ValidationStatus.PASSED
        detail = "; ".join(part for part in (", ".join(parts), self.detail) if part)
        changes = {"tests": tests, "status": status, "detail": detail}
        return self.model_copy(update={**changes, "failures": cut_names(change.new)})

    def failed_before(self, at_base: ValidationStatus) -> "CheckResult":
        """Return the failure of a check without a report, with a word on the base."""
        if at_base is not ValidationStatus.FAILED:
            return self
        text = "it fails at the base too; an exit code cannot tell what is new"
        detail = "; ".join(part for part in (text, self.detail) if part)
        return self.model_copy(update={"detail": detail})


class CheckRun(NamedTuple):
    """What a check did; `suite` is None where nothing but the exit code is known.

    `modules` are the modules that it loaded from the work tree, where that is measured: the paths
    of their files by their names.
    """

    result: CheckResult
    suite: SuiteRun | None = None
    modules: Mapping[str, tuple[str, ...]] = MappingProxyType({})

    def in_folder(self, name: str) -> "CheckRun":
        """Return the run with its log in a folder of that name."""
        log_path = self.result.log_path and f"{name}/{self.result.log_path}"
        return self._replace(result=self.result.with_log(log_path))

    @property
    def obstacle(self) -> str:
        """Why this says nothing about the code that it ran on; "" when it does."""
        if self.result.status is ValidationStatus.TIMED_OUT:
            return self.result.detail
        if self.suite is not None and self.suite.problem:
            return self.suite.problem
        if self.result.status in (ValidationStatus.PASSED, ValidationStatus.FAILED):
            return ""
        if self.suite is not None and not self.suite.executed and self.result.exit_code is not None:
            return ""  # it has no test that could be executed
        return self.result.detail or str(self.result.status)
