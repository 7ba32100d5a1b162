"""Runs, log, state and catalog against a pure model, with files lost and torn in between."""

import shutil
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
)

from codex_orchestrator.catalog.object_store import open_object_store
from codex_orchestrator.model.audit import AuditRecord
from codex_orchestrator.model.errors import InputError, LockedError
from codex_orchestrator.model.run import RunState
from codex_orchestrator.model.verification import Outcome
from codex_orchestrator.pipeline.finish import close_run
from codex_orchestrator.runs.audit import FileAuditLog
from codex_orchestrator.runs.store import FileRunStore
from codex_orchestrator.verbs.sync_runs import SyncRequest, sync_runs
from codex_orchestrator.verbs.verify_runs import verify_runs
from support.memory import memory_folder
from support.runs_build import Ticking, make_manifest, records_of

TASK = "0007-logging"
URL = "file://out/catalog"


class RunsMachine(RuleBasedStateMachine):
    """The model: attempt and state of each run, which of them were sent, and how many records."""

    open_runs = Bundle("open_runs")
    closed_runs = Bundle("closed_runs")

    def __init__(self) -> None:
        super().__init__()
        self._context = memory_folder()
        self.repo = self._context.__enter__()
        self.clock = Ticking()
        self.runs: dict[str, tuple[int, RunState]] = {}
        self.sent: set[str] = set()
        self.records = 0
        self.repairs = 0
        self.restart()

    def teardown(self) -> None:
        self._context.__exit__(None, None, None)

    @rule()
    def restart(self) -> None:
        """A new process knows only what stands on the disk."""
        self.store = FileRunStore(self.repo)
        self.audit = FileAuditLog(self.repo, clock=self.clock)

    @rule(target=open_runs)
    def start(self) -> str:
        run_id = f"20261122t{len(self.runs):06}z-0000"
        self.store.create(TASK, run_id)
        self._save(run_id, attempt=1)
        return run_id

    @rule(run_id=open_runs, attempt=st.integers(1, 4))
    def save(self, run_id: str, attempt: int) -> None:
        known, state = self.runs[run_id]
        if state is RunState.FINISHED or attempt < known:
            with pytest.raises((InputError, LockedError)):
                self.store.save(make_manifest(run_id, attempt=attempt))
        else:
            self._save(run_id, attempt=attempt)

    @rule(run_id=consumes(open_runs), target=closed_runs)
    def close(self, run_id: str) -> Any:
        attempt, _ = self.runs[run_id]
        manifest = make_manifest(run_id, attempt=attempt, state=RunState.FINISHED)
        plan = self.store.artifact(
            make_manifest(run_id, attempt=attempt), "plan.json", run_id.encode(), kind="plan"
        )
        manifest = manifest.model_copy(update={"artifacts": (plan,)})
        for _ in range(2):
            close_run(manifest, store=self.store, audit=self.audit)
        self.runs[run_id] = (attempt, RunState.FINISHED)
        self.records += 1
        return multiple(run_id)

    @rule()
    def sync(self) -> None:
        due = {run for run, (_, state) in self.runs.items() if state is RunState.FINISHED}
        catalog = open_object_store(URL, repo=self.repo, clock=self.clock)
        records = records_of(self.repo, store=self.store, audit=self.audit)
        report = sync_runs(SyncRequest((), URL), records, lambda: catalog)
        assert report.failed == ()
        assert {receipt.run_id for receipt in report.synced} == due - self.sent
        self.records += len(due - self.sent)
        self.sent = due

    @rule()
    def lose_receipts(self) -> None:
        shutil.rmtree(self.repo / "out" / TASK / "receipts", ignore_errors=True)
        if self.sent:
            # Sent again, and neither a second object nor a second record comes of it.
            before, records, self.sent = self.sent, self.records, set()
            self.sync()
            self.records = records + len(self.sent - before)

    @rule()
    def lose_caches(self) -> None:
        self.store.rebuild(TASK)
        (self.repo / "out" / TASK / "state.json").unlink()
        (self.repo / "out" / "audit.head.json").unlink(missing_ok=True)
        self.store.rebuild(TASK)

    @rule(tail=st.binary(min_size=1, max_size=60).filter(lambda data: b"\n" not in data))
    def tear_the_log(self, tail: bytes) -> None:
        if not self.records:
            return
        with (self.repo / "out/audit.log").open("ab") as stream:
            stream.write(tail)
        self.audit.append("later", task_id=TASK, run_id="")
        self.records += 1
        self.repairs += 1

    @rule(run_id=closed_runs, at=st.integers(0, 10_000), bit=st.integers(0, 7))
    def flip(self, run_id: str, at: int, bit: int) -> None:
        folder = self.repo / ".runs" / TASK / run_id
        for name in ("plan.json", "manifest.json"):
            good = (folder / name).read_bytes()
            bad = bytearray(good)
            bad[at % len(good)] ^= 1 << bit
            (folder / name).write_bytes(bad)
            report = verify_runs(run_id, records_of(self.repo, audit=self.audit))
            assert report.outcome is Outcome.FAILED
            assert name in report.runs[0].findings[0].path
            (folder / name).write_bytes(good)

    @invariant()
    def what_stands_is_what_was_told(self) -> None:
        stored = {run.run_id: run.summary for run in self.store.list()}
        assert {
            run_id: (summary.attempt, summary.state)
            for run_id, summary in stored.items()
            if summary
        } == self.runs
        found: list[AuditRecord] = []
        check = self.audit.check(found.append)
        assert not check.has_errors
        assert len(found) == self.records + self.repairs
        finished = [run for run, (_, state) in self.runs.items() if state is RunState.FINISHED]
        for run_id in finished[-2:]:
            records = records_of(self.repo, store=self.store, audit=self.audit)
            report = verify_runs(run_id, records)
            assert report.outcome is Outcome.PASSED, report
        objects = list((self.repo / "out/catalog/manifests").rglob("*.json"))
        assert len(objects) == len(self.sent)

    def _save(self, run_id: str, *, attempt: int) -> None:
        manifest = make_manifest(run_id, attempt=attempt)
        self.store.summarize(manifest, self.store.save(manifest))
        self.runs[run_id] = (attempt, RunState.RUNNING)


TestRuns = RunsMachine.TestCase
TestRuns.settings = settings(
    max_examples=15,
    stateful_step_count=20,
    deadline=None,
    # Tracing every line to explain a failure would take longer than all tests together.
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
)
