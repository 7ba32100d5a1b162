"""The ports: what the verbs need from the rooms, on one page; `cloud_builder.py` has one more.

Rooms never import each other; `compose.py` is where a port meets its room.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from codex_orchestrator.model.build import BuildReport, Change, TestExplanation
from codex_orchestrator.model.check import CheckCommand, CheckResult
from codex_orchestrator.model.cloud import FittedPatch
from codex_orchestrator.model.finding import Finding
from codex_orchestrator.model.manifest import Artifact, Engine, Manifest, SpecFacts
from codex_orchestrator.model.pattern import PatternAsset, PatternUse
from codex_orchestrator.model.plan import Plan, PlanItem
from codex_orchestrator.model.policy import Policy, Rails
from codex_orchestrator.model.receipt import AuditRecord
from codex_orchestrator.model.review import Review
from codex_orchestrator.model.spending import Spending
from codex_orchestrator.model.task import CheckName, Task
from codex_orchestrator.pipeline.repository import Repository
from codex_orchestrator.pipeline.state_carrier import StateCarrier, WorkPackStore

EventSink = Callable[[str, Mapping[str, str | int | bool]], None]
"""Takes one event of a run: its kind and its facts."""

Clock = Callable[[], str]
"""Returns the present moment as RFC 3339 text in UTC with milliseconds, `…T…Z`."""


class SpecGuard(Protocol):
    """Decides whether a spec allows work."""

    def check_task(self, task: Task, *, base_sha: str, as_of: str) -> tuple[Finding, ...]:
        """Check that the task's spec exists at the commit, is approved and fresh."""
        ...

    def spec_facts(self, task: Task, *, base_sha: str) -> SpecFacts:
        """Return path, blob and review date of the task's spec at the commit."""
        ...


class WorkTree(Protocol):
    """A git work tree that belongs to one run; the user's checkout is never touched."""

    @property
    def root(self) -> Path:
        """Absolute path of the work tree."""
        ...

    def change(self) -> Change:
        """Return all that differs from the base, new files included, ignored files left out."""
        ...

    def commit(self, message: str, *, branch: str) -> str:
        """Record the change as one commit on a new branch and return its object name."""
        ...

    def snapshot(self) -> str:
        """Keep what the tree holds now and return the name of the git tree object."""
        ...

    def keep(self, tree_id: str) -> None:
        """Keep what a snapshot of another work tree holds."""
        ...

    def restore(self, tree_id: str) -> None:
        """Make the tree hold what a snapshot kept."""
        ...

    def patch_between(self, old: str, new: str) -> bytes:
        """Return the patch that makes one snapshot of another; empty when they are equal."""
        ...

    def fit(self, patch: bytes, *, onto: str, is_ours: bool = False) -> FittedPatch:
        """Work out what a patch makes of a snapshot, and keep that like one; touch no file."""
        ...


class Workspace(Repository, StateCarrier, Protocol):
    """Gives work trees and runs checks in them."""

    def head_sha(self) -> str:
        """Return the commit that the user's checkout stands on."""
        ...

    def head_branch(self) -> str:
        """Return the branch that is checked out; "" when HEAD is detached."""
        ...

    def git_settings(self) -> Mapping[str, str]:
        """Return a digest of each git setting and hook that makes git run programs, by name."""
        ...

    def require_clean_checkout(self) -> None:
        """Raise InputError when tracked files of the user's checkout are changed."""
        ...

    def apply_to_checkout(self, patch: bytes) -> None:
        """Put a patch into the user's clean checkout, all of it or nothing."""
        ...

    def open(self, run_id: str, *, base_sha: str) -> AbstractContextManager[WorkTree]:
        """Make (or find again, on resume) the run's work tree; remove it at the end."""
        ...

    def forget_items(self, run_id: str) -> None:
        """Remove the work trees `RUN_ID.NAME` that a killed run left; its own one stays."""
        ...

    def run_check(
        self, root: Path, command: CheckCommand, *, log_dir: Path, deadline_s: float
    ) -> CheckResult:
        """Run one check; its whole process group is gone when this returns."""
        ...


class PatternLibrary(Protocol):
    """The learning library as verbs see it."""

    def get(self, pattern_id: str) -> PatternAsset:
        """Return an asset; raises InputError that names near ids."""
        ...

    @property
    def assets(self) -> tuple[PatternAsset, ...]:
        """Every asset of the library."""
        ...

    def lint(self, root: Path, paths: Sequence[str]) -> tuple[Finding, ...]:
        """Run the library's lint rules on files."""
        ...

    def preview(self, pattern_id: str, root: Path, globs: Sequence[str]) -> PatternUse:
        """Say what applying a pattern would change, and change nothing."""
        ...


class Adapters(Protocol):
    """What the language adapters know about a project."""

    def commands(
        self, root: Path, *, wanted: str | None, checks: Sequence[CheckName]
    ) -> tuple[str, Mapping[str, CheckCommand]]:
        """Return the id of the adapter that fits and its commands by check name.

        The tools of the named checks are there when this returns.
        """
        ...

    def failures(self, report: Path) -> tuple[str, ...]:
        """Return the names of the failing tests in a JUnit report; empty when there is none."""
        ...


class AgentTeam(Protocol):
    """The four agents. Each call is one agent's turn loop under the run's limits."""

    @property
    def patterns_used(self) -> tuple[PatternUse, ...]:
        """What the builder's apply_pattern calls did so far."""
        ...

    def stop(self) -> None:
        """End the call at work, and each later one, with InterruptedRunError; for any thread."""
        ...

    def plan(self, task: Task, patterns: Sequence[PatternAsset]) -> Plan:
        """Ask the planner; it is shown which patterns the library holds."""
        ...

    def build(self, task: Task, item: PlanItem, *, feedback: str) -> BuildReport:
        """Ask the builder to carry out one item in the work tree."""
        ...

    def explain(self, task: Task, results: Sequence[CheckResult]) -> TestExplanation:
        """Ask the tester what the check results mean."""
        ...

    def review(
        self, task: Task, plan: Plan, change: Change, results: Sequence[CheckResult]
    ) -> Review:
        """Ask the reviewer."""
        ...


class AgentEngine(Protocol):
    """Opens a team for one run."""

    def open(
        self,
        task: Task,
        *,
        root: Path,
        log_dir: Path,
        policy: Policy,
        checks: Sequence[CheckCommand],
        rails: Rails,
        spending: Spending,
        on_event: EventSink,
    ) -> AbstractContextManager[AgentTeam]:
        """Start what the agents need (MCP server, client); all of it ends with the context."""
        ...

    def describe(self) -> Engine:
        """Return what does the work, with versions."""
        ...


class RunStore(WorkPackStore, Protocol):
    """Run folders and task state."""

    def create(self, task_id: str, run_id: str) -> Path:
        """Make the folder of a new run, durable and private."""
        ...

    def save(self, manifest: Manifest) -> str:
        """Write the manifest durably and return the SHA-256 of its canonical bytes."""
        ...

    def load(self, run_id: str) -> Manifest:
        """Read a manifest strictly."""
        ...

    def artifact(self, manifest: Manifest, name: str, data: bytes, *, kind: str) -> Artifact:
        """Write one file of the run folder and return its facts."""
        ...

    def register(self, manifest: Manifest, path: Path, *, kind: str) -> Artifact:
        """Return the facts of a file that stands in the run folder already."""
        ...

    def find(self, run_id: str) -> Path:
        """Return the folder of a run; a unique beginning of its id is enough."""
        ...

    def summarize(self, manifest: Manifest, manifest_sha256: str) -> None:
        """Put the run into the task's state file."""
        ...


class AuditLog(Protocol):
    """The hash-chained log in `out/audit.log`."""

    def append(
        self,
        event: str,
        *,
        task_id: str,
        run_id: str,
        level: str = "info",
        details: Mapping[str, str | int | bool | None] | None = None,
    ) -> AuditRecord:
        """Append one record, durable before it returns."""
        ...

    def append_once(
        self,
        event: str,
        *,
        task_id: str,
        run_id: str,
        key: tuple[str, ...],
        level: str = "info",
        details: Mapping[str, str | int | bool | None],
    ) -> AuditRecord:
        """Append a record unless one of the same event, task, run and `key` details is there."""
        ...

    def holds(self, event: str, *, run_id: str, details: Mapping[str, str]) -> bool:
        """Say whether a record of an event of a run with these details is there."""
        ...
