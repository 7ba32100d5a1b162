import errno
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from codex_orchestrator.model.manifest import Manifest
from codex_orchestrator.model.policy import Policy
from codex_orchestrator.model.run import RunState, Usage
from codex_orchestrator.model.spending import Spending
from codex_orchestrator.model.task import Limits, Task
from codex_orchestrator.pipeline.record import RunRecord
from codex_orchestrator.pipeline.run import Work
from codex_orchestrator.pipeline.run_rooms import RunRequest
from codex_orchestrator.runs.audit import FileAuditLog
from codex_orchestrator.runs.store import FileRunStore
from codex_orchestrator.system.disk import Disk
from codex_orchestrator.text.secrets import Redactor
from codex_orchestrator.workspace.worktree import GitWorkspace
from support.manifests import make_manifest
from support.project import CommandLine, make_project
from support.workspace import clock, git_environ


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / "repo")


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(capfd)


class FillableDisk(Disk):
    """Has no room left from when a test says so."""

    is_full = False

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        if self.is_full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(descriptor, data)


def make_record(folder: Path, base_sha: str, disk: Disk) -> RunRecord:
    made: Manifest = make_manifest()
    run = made.run.model_copy(update={"state": RunState.RUNNING, "base_sha": base_sha})
    manifest = made.model_copy(update={"run": run, "items": (), "artifacts": ()})
    store = FileRunStore(folder, disk=disk)
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
def disk() -> FillableDisk:
    return FillableDisk()


@pytest.fixture
def work(tmp_path: Path, disk: FillableDisk) -> Iterator[Work]:
    repo = make_project(tmp_path / "repo")
    workspace = GitWorkspace(
        repo, clock=clock, environ=git_environ(tmp_path / "home"), scratch=tmp_path / "scratch"
    )
    base_sha = workspace.head_sha()
    record = make_record(repo, base_sha, disk)
    task = Task(id="t", title="T", spec="tasks/specs/s.md")
    rooms: Any = SimpleNamespace(
        workspace=workspace,
        store=FileRunStore(repo),
        parallel=10,
        progress=lambda _line: None,
    )
    team: Any = SimpleNamespace(patterns_used=())
    spending = Spending(Limits(minutes=7), before=Usage(), monotonic=lambda: 0.0)
    with workspace.open(record.manifest.run.id, base_sha=base_sha) as tree:
        request = RunRequest(task, b"", "t.md")
        yield Work(request, rooms, record, tree, team, (), Policy(), spending)
