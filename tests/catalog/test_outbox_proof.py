"""Workers that are killed between the catalog and the receipt: one object and one record each."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from codex_orchestrator.model.audit import AuditRecord
from codex_orchestrator.runs.audit import FileAuditLog
from codex_orchestrator.runs.store import FileRunStore
from support.runs_build import Ticking, finish_run

RUNS = 24
WORKER = """
import os, random, signal, sys
from contextlib import nullcontext
from pathlib import Path
from obstore.exceptions import GenericError
from obstore.store import LocalStore
from codex_orchestrator.catalog.attempts import RetryPolicy
from codex_orchestrator.catalog.object_store import ObjectStoreCatalog
from codex_orchestrator.catalog.objects import Objects
from codex_orchestrator.verbs.sync_runs import SyncRequest, sync_runs
from codex_orchestrator.runs.audit import FileAuditLog
from codex_orchestrator.runs.outbox import Outbox
from codex_orchestrator.verbs.records import Records
from codex_orchestrator.runs.store import FileRunStore

repo, seed, life = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
rng = random.Random(seed)
clock = lambda: "2026-11-22T19:15:00.000Z"


class Lossy(Objects):
    def create(self, key, data):
        if rng.random() < 0.2:
            raise GenericError("request lost")
        created = super().create(key, data)
        if rng.random() < 0.2:
            raise GenericError("answer lost")
        return created


class Dying(ObjectStoreCatalog):
    sent = 0

    def push(self, manifest, data):
        receipt = super().push(manifest, data)
        Dying.sent += 1
        if Dying.sent == life:
            os.kill(os.getpid(), signal.SIGKILL)
        return receipt


root = repo / "out/catalog"
objects = Lossy(LocalStore(prefix=root, mkdir=True), root=root)
retry = RetryPolicy(attempts=12, deadline_s=60, first_wait_s=0, longest_wait_s=0)
catalog = Dying(objects, url="file://out/catalog", clock=clock, retry=retry)
log = FileAuditLog(repo, clock=clock)
report = sync_runs(
    SyncRequest((), "file://out/catalog"),
    Records(FileRunStore(repo), log, Outbox(repo), lambda task_id: nullcontext()),
    lambda: catalog,
)
sys.exit(int(report.exit_code))
"""


def test_killed_workers_and_a_lossy_catalog_leave_one_object_and_one_receipt_a_run(
    repo: Path,
) -> None:
    store, audit = FileRunStore(repo), FileAuditLog(repo, clock=Ticking())
    hashes = {
        finish_run(repo, f"20261122t1915{n:02}z-0000", store=store, audit=audit)
        for n in range(RUNS)
    }
    kills = 0
    for turn in range(20):
        workers = [
            subprocess.Popen(
                [sys.executable, "-c", WORKER, str(repo), str(turn * 2 + life), str(life)]
            )
            for life in (2 + turn * 5 % 7, 3 + turn * 3 % 5)
        ]
        ends = [worker.wait() for worker in workers]
        assert set(ends) <= {0, -signal.SIGKILL}
        kills += ends.count(-signal.SIGKILL)
        if ends == [0, 0]:
            break
    assert kills
    found: list[AuditRecord] = []
    assert not FileAuditLog(repo, clock=Ticking()).check(found.append).has_errors
    synced = [str(one.details["manifest_sha256"]) for one in found if one.event == "synced"]
    assert sorted(synced) == sorted(hashes)
    objects = sorted((repo / "out/catalog/manifests").rglob("*.json"))
    assert {path.stem for path in objects} == hashes
    receipts = list((repo / "out/0007-logging/receipts").glob("*.json"))
    assert {json.loads(path.read_text())["manifest_sha256"] for path in receipts} == hashes
    assert len(receipts) == RUNS
    assert os.listdir(repo / "out/catalog/incoming") == []
