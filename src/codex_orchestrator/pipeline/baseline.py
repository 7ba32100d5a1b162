"""The baseline: what the checks say of the base commit, before anything is changed."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from codex_orchestrator.model.check import CheckCommand, CheckRun
from codex_orchestrator.model.suite_run import Outcome, SuiteRun, cut_names
from codex_orchestrator.model.validation import SETUP_LOGS, Baseline, Validation
from codex_orchestrator.pipeline.run import OpenTree, open_tree
from codex_orchestrator.text.shown import counted

if TYPE_CHECKING:
    from codex_orchestrator.model.spending import Spending
    from codex_orchestrator.pipeline.record import RunRecord
    from codex_orchestrator.pipeline.request import RunRequest
    from codex_orchestrator.pipeline.services import Services
    from codex_orchestrator.workspace.baselines import KeptBaseline

FOLDER = "tests/base"
_MOST_NAMED = 10


class BaseChecks:
    """What is known of the base: by check, each of its runs there.

    `facts` is the record; `runs` has nothing of a check that says nothing of the base.
    """

    def __init__(
        self, request: "RunRequest", services: "Services", record: "RunRecord", spending: "Spending"
    ) -> None:
        self._request, self._services = request, services
        self._record, self._spending = record, spending
        self._folders = 0
        self._taken: set[str] = set()
        self._kept: set[str] = set()
        # Nothing that nobody has reviewed was started yet.
        self.git_settings = services.rooms.workspace.git_settings()
        self.facts = Baseline(state="off")
        self.runs: dict[str, list[CheckRun]] = {}

    def take_first(self, work: OpenTree) -> None:
        """Take the checks that run whatever is changed; see `take`."""
        is_one_place = len({command.folder for command in work.checks}) == 1
        sure = [c for c in work.checks if is_one_place or c.runs_always or c.folder == "."]
        self.take(work, sure)

    def take(self, work: OpenTree, commands: Sequence[CheckCommand]) -> None:
        """Run checks at the base that were not taken yet, unless that is off; record it.

        Args:
            work: the run's own work tree; it is not touched.
            commands: the checks; results that are kept from an earlier run are used.
        """
        if self._request.task.task.limits.baseline:
            new = [c for c in commands if c.name not in self._taken and not c.obstacle]
            self._taken |= {command.name for command in new}
            self.facts = self._take(work, new) if new else self.facts
        is_known = self._taken or not self._request.task.task.limits.baseline
        self._record.based(self.facts if is_known else None, work.provided.facts)

    def suites(self, check: str) -> list[SuiteRun]:
        """Return the reports of a check's runs at the base; none where it has no report there."""
        return [run.suite for run in self.runs.get(check, ()) if run.suite is not None]

    def known_failures(self) -> dict[str, tuple[str, ...]]:
        """Return the tests that fail at the base, by check; of many, the first ones."""
        found = {check: self.suites(check)[:1] for check in self.runs}
        return {check: suites[0].failures(limit=50) for check, suites in found.items() if suites}

    def renew(self, check: str) -> bool:
        """Run a check at the base instead of taking its kept result; say whether that was done."""
        if check not in self._kept:
            return False
        self._kept.remove(check)
        with self.open() as work:
            command = next(command for command in work.checks if command.name == check)
            self.runs[check] = [self.run_in(work, command)]
        return True

    def run_again(self, check: str) -> bool:
        """Run a check at the base once more; say whether that told something."""
        with self.open() as work:
            command = next(command for command in work.checks if command.name == check)
            done = self.run_in(work, command)
        if done.obstacle:
            return False
        self.runs[check].append(done)
        return True

    @contextmanager
    def open(self) -> Iterator[OpenTree]:
        """Open another work tree at the base; it is gone at the end."""
        run, workspace = self._record.manifest.run, self._services.rooms.workspace
        place = f"{run.id}.base"
        try:
            with open_tree(
                *(self._request, self._services, place),
                base_sha=run.base_sha,
                log_dir=self._record.folder / SETUP_LOGS / "base",
            ) as work:
                yield work
        finally:
            workspace.forget(place)

    def run_in(self, work: OpenTree, command: CheckCommand) -> CheckRun:
        """Run a check in a work tree, and leave its files as they were."""
        self._folders += 1
        folder = f"{FOLDER}/{self._folders}"
        state = work.tree.snapshot()
        done = run_check_once(
            self._services,
            work.tree.root,
            command,
            log_dir=self._record.folder / folder,
            deadline_s=self._spending.stage()(),
        )
        work.tree.take_back(state)
        return done.in_folder(str(self._folders))

    def _take(self, work: OpenTree, new: Sequence[CheckCommand]) -> Baseline:
        say, workspace = self._services.terminal.progress, self._services.rooms.workspace
        base_sha = self._record.manifest.run.base_sha
        names = [command.name for command in new]
        surroundings = work.provided.surroundings
        key = workspace.baseline_key(base_sha, new, root=work.tree.root, surroundings=surroundings)
        kept = workspace.kept_baseline(key)
        if kept and [known.result.name for known in kept.checks] != names:
            kept = None
        runs = _of_kept(kept) if kept else {}
        if not kept:
            with self.open() as base:
                for command in (one for one in base.checks if one.name in names):
                    say(f"base    running {command.name} on the base")
                    runs[command.name] = self.run_in(base, command)
        obstacles = [f"{name}: {found.obstacle}" for name, found in runs.items() if found.obstacle]
        if not kept and not obstacles:
            workspace.keep_baseline(key, _kept(runs))
        self._kept |= set(runs) if kept else set()
        self.runs |= {name: [found] for name, found in runs.items() if not found.obstacle}
        for name, found in runs.items():
            say(f"base    {name}: {found.obstacle or _summary(found)}")
        if obstacles:
            self._record.guardrail(
                "baseline",
                "noted",
                f"the base cannot be tested, so all that fails counts: {'; '.join(obstacles)}",
            )
        before = self.facts
        is_first = before.state == "off"
        reasons = [*filter(None, [before.reason]), *obstacles]
        done = tuple(Validation.of(found.result, FOLDER) for found in runs.values())
        return Baseline(
            state="untestable" if reasons else "tested",
            reason="; ".join(reasons),
            tree=workspace.tree_of(base_sha),
            # Checks that were taken later have a key of their own.
            key=key if is_first else None,
            is_cached=kept is not None and (is_first or before.is_cached),
            validations=(*before.validations, *done),
        )


def _summary(run: CheckRun) -> str:
    if run.suite is None:
        return f"{run.result.status} (exit code only)"
    # A failure that is no test's, such as a file that cannot be loaded, is known too.
    failed = len(run.suite.named(Outcome.FAILED)) + len(run.suite.named(Outcome.BROKEN))
    names = ", ".join(cut_names(run.result.failures, limit=_MOST_NAMED))
    known = f", {counted(failed, 'known failure')}: {names}" if failed else ""
    return f"{counted(run.suite.executed, 'test')} executed{known}"


def _kept(runs: Mapping[str, CheckRun]) -> "KeptBaseline":
    from codex_orchestrator.workspace.baselines import KeptBaseline, KeptCheck

    return KeptBaseline(
        checks=tuple(
            KeptCheck(
                result=run.result.without_log(),
                tests={outcome: run.suite.named(outcome) for outcome in Outcome}
                if run.suite is not None
                else None,
                modules=dict(run.modules),
            )
            for run in runs.values()
        )
    )


def _of_kept(kept: "KeptBaseline") -> dict[str, CheckRun]:
    found = {}
    for known in kept.checks:
        suite = None
        if known.tests is not None:
            names = {name: outcome for outcome, names in known.tests.items() for name in names}
            suite = SuiteRun(names)
        found[known.result.name] = CheckRun(known.result, suite, known.modules)
    return found


def run_check_once(
    services: "Services", root: Path, command: CheckCommand, *, log_dir: Path, deadline_s: float
) -> CheckRun:
    """Run a check, and judge it by its exit code and the tests that it executed.

    Args:
        services: what the run is done with.
        root: the work tree that it runs in.
        command: what is run.
        log_dir: where its log and its report are kept.
        deadline_s: seconds that the run still has.
    """
    result = services.rooms.workspace.run_check(
        root, command, log_dir=log_dir, deadline_s=deadline_s
    )
    suite = services.rooms.adapters.tests(command, log_dir, result.exit_code)
    if suite is not None:
        result = result.judged(suite, first_test=command.first_test)
    result = result.with_code(services.rooms.adapters.loaded(command, log_dir), command)
    redactor = services.evidence.redactor
    failures = tuple(map(redactor.redact, suite.failures() if suite is not None else ()))
    # Records do not say where programs lie on this machine.
    modules = services.rooms.adapters.modules(command, log_dir)
    return CheckRun(result.recorded(command.recorded, failures), suite, modules)
