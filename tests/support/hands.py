"""Builders that a test plays: a real repository and record, and teams that do what a test says."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from codex_orchestrator.model.build import BuildReport
from codex_orchestrator.model.errors import InterruptedRunError
from codex_orchestrator.model.manifest import Manifest
from codex_orchestrator.model.pattern import PatternUse
from codex_orchestrator.model.plan import Plan, PlanItem
from codex_orchestrator.model.policy import Policy
from codex_orchestrator.model.run import RunState, Usage
from codex_orchestrator.model.spending import Spending
from codex_orchestrator.model.task import Limits, Task
from codex_orchestrator.pipeline.baseline import BaseChecks
from codex_orchestrator.pipeline.build.here import LocalBuilder
from codex_orchestrator.pipeline.record import RunRecord
from codex_orchestrator.pipeline.run import Run, open_tree
from support.manifests import make_manifest
from support.runs_build import pattern_use
from support.services import make_request, make_services
from support.workspace import make_repository

PATIENCE_S = 60.0
START = {"a.txt": "1\n2\n3\n4\n5\n6\n7\n8\n9\n"}


@dataclass(frozen=True)
class Hands:
    """What a builder of one item has: its work tree, what it was told, and a way to be stopped."""

    root: Path
    item: PlanItem
    feedback: str
    stopped: threading.Event

    def write(self, path: str, text: str) -> None:
        """Write a file."""
        (self.root / path).write_text(text)

    def line(self, number: int, text: str) -> None:
        """Change one line of `a.txt`."""
        lines = (self.root / "a.txt").read_text().splitlines()
        lines[number - 1] = text
        self.write("a.txt", "\n".join(lines) + "\n")

    def has(self, path: str) -> bool:
        """Say whether a file is there."""
        return (self.root / path).exists()

    def wait_to_be_stopped(self) -> None:
        """Be at work until somebody stops the team."""
        assert self.stopped.wait(PATIENCE_S), "nobody stopped it"
        raise InterruptedRunError("the agents were stopped")


Builder = Callable[[Hands], bool | None]


@dataclass
class Bench:
    """All builders by item id, and what was asked of them in order."""

    builders: dict[str, Builder] = field(default_factory=dict)
    asked: list[tuple[str, Path]] = field(default_factory=list)
    fed_back: dict[str, str] = field(default_factory=dict)
    now: int = 0
    most: int = 0
    open_teams: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def build(self, hands: Hands) -> BuildReport:
        """Let the builder of an item do its work; it is done unless it says False."""
        with self.lock:
            self.asked.append((hands.item.id, hands.root))
            self.fed_back[hands.item.id] = hands.feedback
            self.now += 1
            self.most = max(self.most, self.now)
        try:
            said = self.builders.get(hands.item.id, _writes_its_name)(hands)
        finally:
            with self.lock:
                self.now -= 1
        is_done = said is not False
        return BuildReport(
            item_id=hands.item.id, is_done=is_done, summary=f"did {hands.item.id}", notes=()
        )

    def count(self, name: str) -> int:
        """Count how often an item was asked for."""
        return sum(item == name for item, _ in self.asked)

    @contextmanager
    def open(self, *, root: Path, **_: Any) -> Iterator["InMemoryTeam"]:
        """Open a team, as an engine does."""
        with self.lock:
            self.open_teams += 1
        try:
            yield InMemoryTeam(self, root)
        finally:
            with self.lock:
                self.open_teams -= 1


def _writes_its_name(hands: Hands) -> None:
    hands.write(f"{hands.item.id}.txt", f"{hands.item.id}\n")


class InMemoryTeam:
    """A team whose builder is a function; the other agents are not asked."""

    def __init__(self, bench: Bench, root: Path) -> None:
        self._bench = bench
        self._root = root
        self._stopped = threading.Event()
        self.patterns_used: tuple[PatternUse, ...] = ()

    def build(self, task: Task, item: PlanItem, *, feedback: str) -> BuildReport:
        report = self._bench.build(Hands(self._root, item, feedback, self._stopped))
        self.patterns_used = (pattern_use(),)
        return report

    def stop(self) -> None:
        self._stopped.set()


def make_item(name: str, *after: str) -> PlanItem:
    """Make a plan item."""
    return PlanItem(id=name, title=f"Item {name}", instructions="Do it.", depends_on=after)


def make_plan(*items: PlanItem) -> Plan:
    """Make a plan of items."""
    return Plan(summary="a plan", items=items)


class Site:
    """A repository with a run that is about to build."""

    def __init__(self, folder: Path, *, limits: Mapping[str, int] | None = None) -> None:
        self.repo = folder / "repo"
        make_repository(self.repo, START)
        self.bench = Bench()
        self.said: list[str] = []
        self.when_said: dict[str, threading.Event] = {}
        self.services = make_services(self.repo, engine=self.bench, progress=self._hear)
        self.workspace = self.services.rooms.workspace
        self.store: Any = self.services.evidence.store
        self.limits = Limits(**(limits or {}))
        self.base_sha = self.workspace.head_sha()

    def begin(self, plan: Plan) -> RunRecord:
        """Make the record of a new run."""
        made: Manifest = make_manifest()
        run = made.run.model_copy(update={"state": RunState.RUNNING, "base_sha": self.base_sha})
        changes = {"run": run, "items": (), "artifacts": (), "plan": plan, "review": None}
        manifest = made.model_copy(update={**changes, "usage": Usage(), "verdict": None})
        self.store.create(manifest.task.id, run.id)
        record = self.record_of(manifest)
        record.begun()
        return record

    def record_of(self, manifest: Manifest) -> RunRecord:
        """Make the record that goes on with a manifest."""
        evidence = self.services.evidence._replace(store=self.store)
        services = self.services._replace(evidence=evidence)
        return RunRecord(manifest, self.store.find(manifest.run.id), services)

    @contextmanager
    def run(self, record: RunRecord) -> Iterator[Run]:
        """Open the run's work tree and main team."""
        task = Task(id="t", title="T", spec="tasks/specs/s.md", limits=self.limits)
        facts = record.manifest.run
        spending = Spending(task.limits, before=record.manifest.usage, monotonic=lambda: 0.0)
        request = make_request(task, self.repo)
        with (
            open_tree(
                *(request, self.services, facts.id),
                base_sha=facts.base_sha,
                log_dir=record.folder / "tests",
            ) as work,
            self.bench.open(root=work.tree.root) as team,
        ):
            base = BaseChecks(request, self.services, record, spending)
            yield Run(request, self.services, record, work, team, Policy(), spending, base)

    def build(self, record: RunRecord, plan: Plan) -> bool:
        """Build the plan of a run; say whether all of it was done."""
        with self.run(record) as run:
            return LocalBuilder(run).build(plan)

    def _hear(self, text: str) -> None:
        self.said.append(text.split(maxsplit=1)[1])
        if self.said[-1] in self.when_said:
            self.when_said[self.said[-1]].set()

    def is_killed_in(self, place: str) -> None:
        """Leave a work tree with dirt in it, as a process does that is killed."""
        with (
            suppress(KeyboardInterrupt),
            self.workspace.open(place, base_sha=self.base_sha) as tree,
        ):
            (tree.root / "dirt.txt").write_text("x\n")
            raise KeyboardInterrupt

    @property
    def trees(self) -> list[str]:
        """The ids of the work trees that stand."""
        return list(self.workspace.leftovers())


def files_of(run: Run) -> dict[str, str]:
    """Return the text of every file in the run's work tree."""
    root = run.tree.root
    return {path.name: path.read_text() for path in sorted(root.iterdir()) if path.name != ".git"}


def states_of(record: RunRecord) -> dict[str, str]:
    """Return the state of each item, in the order of the record."""
    return {item.id: str(item.state) for item in record.manifest.items}
