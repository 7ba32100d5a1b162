"""Building in the cloud with a service that a test plays: what is decided of its answers."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from codex_orchestrator.credentials.redact import Redactor
from codex_orchestrator.model.approval import Policy
from codex_orchestrator.model.cloud import CloudDiff, CloudState, CloudSubmission, CloudTask
from codex_orchestrator.model.errors import ServiceError
from codex_orchestrator.model.manifest import Manifest
from codex_orchestrator.model.plan import Plan, PlanItem
from codex_orchestrator.model.run import ItemState, RunState, Usage
from codex_orchestrator.model.spending import Spending
from codex_orchestrator.model.task import Limits, Task
from codex_orchestrator.pipeline.build_in_cloud import build_in_cloud
from codex_orchestrator.pipeline.run_record import RunRecord
from codex_orchestrator.pipeline.run_rooms import RunRequest
from codex_orchestrator.pipeline.work import Work
from codex_orchestrator.runs.audit import FileAuditLog
from codex_orchestrator.runs.store import FileRunStore
from codex_orchestrator.workspace.worktree import GitWorkspace
from support.codex_cloud_server import file_diff
from support.manifests import make_manifest
from support.project import make_project
from support.workspace import clock, git_environ

PLAN = Plan(summary="a plan", items=(PlanItem(id="one", title="One", instructions="Do it."),))


class InMemoryCloud:
    """A service whose tasks end as a test says."""

    version = "0.0.0"

    def __init__(self, state: CloudState, *diffs: str) -> None:
        self.state = state
        self._diffs = tuple(CloudDiff(n, text.encode()) for n, text in enumerate(diffs, start=1))
        self.sent: list[int] = []
        self.deadlines: list[float] = []

    def submit(
        self,
        prompt: str,
        *,
        branch: str,
        number: int,
        record: Callable[[CloudSubmission], None],
        attempts: int = 1,
        starting_diff: bytes = b"",
    ) -> CloudSubmission:
        record(CloudSubmission(number))
        self.sent.append(number)
        submission = CloudSubmission(number, f"task_{number}")
        record(submission)
        return submission

    def find_lost(self, number: int) -> CloudSubmission | None:
        return None

    def watch(self, task_ids: Sequence[str], *, deadline_s: float) -> tuple[CloudTask, ...]:
        self.deadlines.append(deadline_s)
        return tuple(CloudTask(id_, self.state, "") for id_ in task_ids)

    def diffs(self, task_id: str, *, attempts: int) -> tuple[CloudDiff, ...]:
        return self._diffs[:attempts]


def make_record(folder: Path, base_sha: str) -> RunRecord:
    made: Manifest = make_manifest()
    run = made.run.model_copy(update={"state": RunState.RUNNING, "base_sha": base_sha})
    manifest = made.model_copy(update={"run": run, "items": (), "artifacts": ()})
    store = FileRunStore(folder)
    return RunRecord(
        manifest,
        store.create(manifest.task.id, run.id),
        store=store,
        audit=FileAuditLog(folder, clock=clock),
        clock=clock,
        redaction=Redactor(()),
        on_event=lambda _line: None,
    )


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Work]:
    repo = make_project(tmp_path / "repo")
    workspace = GitWorkspace(
        repo, clock=clock, environ=git_environ(tmp_path / "home"), scratch=tmp_path / "scratch"
    )
    base_sha = workspace.head_sha()
    record = make_record(repo, base_sha)
    task = Task(id="t", title="T", spec="tasks/specs/s.md")
    rooms: Any = SimpleNamespace(
        workspace=workspace, cloud_parallel=10, progress=lambda _line: None
    )
    team: Any = SimpleNamespace(patterns_used=())
    spending = Spending(Limits(minutes=7), before=Usage(), monotonic=lambda: 0.0)
    with workspace.open(record.manifest.run.id, base_sha=base_sha) as tree:
        request = RunRequest(task, b"", "t.md")
        yield Work(request, rooms, record, tree, team, (), Policy(), spending)


def test_what_is_unfinished_at_the_deadline_is_waited_for_again_and_not_sent_again(
    work: Work,
) -> None:
    cloud = InMemoryCloud("pending", file_diff("src/new.py", "x = 1"))
    with pytest.raises(ServiceError, match="has not finished item one") as caught:
        build_in_cloud(work, cloud, PLAN)
    assert "--resume RUN" in caught.value.fix
    assert cloud.deadlines == [420.0], "the run's own time is the deadline"
    cloud.state = "ready"
    assert build_in_cloud(work, cloud, PLAN)
    assert cloud.sent == [1]
    assert (work.tree.root / "src/new.py").read_text() == "x = 1\n"


@pytest.mark.parametrize(
    ("diff", "told"),
    [
        (file_diff("src/.env", "KEY=1"), "a file for secrets"),
        (file_diff("../out.py", "x"), "invalid path"),
        ("no diff", "No valid patches"),
    ],
)
def test_a_diff_that_may_not_be_is_tried_once_more_and_then_fails_the_item(
    work: Work, diff: str, told: str
) -> None:
    cloud = InMemoryCloud("ready", diff)
    before = work.tree.snapshot()
    assert not build_in_cloud(work, cloud, PLAN)
    assert cloud.sent == [1, 2]
    (item,) = work.record.manifest.items
    assert item.state is ItemState.FAILED
    assert all(told in one.problem for one in item.submissions)
    assert work.tree.snapshot() == before


def test_a_kill_between_merge_and_record_leaves_nothing_of_the_merge(work: Work) -> None:
    cloud = InMemoryCloud("ready", file_diff("src/new.py", "x = 1"))
    assert build_in_cloud(work, cloud, PLAN)
    work.record.item("one", ItemState.RUNNING)
    assert build_in_cloud(work, cloud, PLAN), "the same diff fits again"
    assert cloud.sent == [1]
