import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from codex_orchestrator.model.policy import Policy
from codex_orchestrator.model.run import RunState, Usage
from codex_orchestrator.model.spending import Spending
from codex_orchestrator.model.task import Limits, Task
from codex_orchestrator.pipeline.baseline import BaseChecks
from codex_orchestrator.pipeline.record import RunRecord
from codex_orchestrator.pipeline.run import OpenTree, Run
from codex_orchestrator.runs.store import FileRunStore
from codex_orchestrator.system.disk import Disk
from support.manifests import make_manifest
from support.project import make_project
from support.services import IdleTeam, make_request, make_services


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / "repo")


class FillableDisk(Disk):
    """Has no room left from when a test says so."""

    is_full = False

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        if self.is_full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(descriptor, data)


@pytest.fixture
def disk() -> FillableDisk:
    return FillableDisk()


@pytest.fixture
def run(tmp_path: Path, disk: FillableDisk) -> Iterator[Run]:
    """A run that is about to build, in a real repository; nobody asks its team."""
    repo = make_project(tmp_path / "repo")
    services = make_services(repo, store=FileRunStore(repo, disk=disk))
    workspace = services.rooms.workspace
    base_sha = workspace.head_sha()
    made = make_manifest()
    facts = made.run.model_copy(update={"state": RunState.RUNNING, "base_sha": base_sha})
    manifest = made.replace(run=facts, items=(), artifacts=())
    run_id = manifest.run.id
    folder = services.evidence.store.create(manifest.task.id, run_id)
    record = RunRecord(manifest, folder, services)
    task = Task(id="t", title="T", spec="tasks/specs/s.md")
    spending = Spending(Limits(minutes=7), before=Usage(), monotonic=lambda: 0.0)
    with workspace.open(run_id, base_sha=base_sha) as tree:
        request = make_request(task, repo)
        config = request.settings.config.setup
        work = OpenTree(tree, (), workspace.set_up(tree, config, log_dir=folder / "tests")[1])
        base = BaseChecks(request, services, record, spending)
        yield Run(request, services, record, work, IdleTeam(), Policy(), spending, base)
