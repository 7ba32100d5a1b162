"""Kill, fail or cut short one run's writers at each of their calls, then recover and compare.

    python kill_sweep.py WORKDIR [STRIDE]

Runs as a process of its own, single-threaded, so that forking is safe. Prints one JSON document:
how many points were tried, and what went wrong where.
"""

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from obstore.exceptions import GenericError
from obstore.store import LocalStore

from codex_orchestrator.catalog.attempts import RetryPolicy
from codex_orchestrator.catalog.object_store import ObjectStoreCatalog
from codex_orchestrator.catalog.objects import Objects
from codex_orchestrator.model.errors import InputError, OrchestratorError, ServiceError
from codex_orchestrator.model.run import RunState
from codex_orchestrator.model.verification import Outcome
from codex_orchestrator.pipeline.finish import close_run
from codex_orchestrator.runs.audit import FileAuditLog
from codex_orchestrator.runs.lock import lock_task
from codex_orchestrator.runs.outbox import Outbox
from codex_orchestrator.runs.store import FileRunStore
from codex_orchestrator.verbs.sync_runs import SyncRequest, sync_runs
from codex_orchestrator.verbs.verify_runs import verify_runs
from support.faulty_disk import FAULTS, CountingDisk, FaultyDisk
from support.runs_build import RUN, Ticking, make_manifest, pattern_use, records_of

TASK = "0007-logging"
NEXT_RUN = "20261122t201500z-0000"
CATALOG = "file://out/catalog"
QUICK = RetryPolicy(attempts=2, deadline_s=5.0, first_wait_s=0.0, longest_wait_s=0.0)


class SweptObjects(Objects):
    """The catalog's objects, whose calls are points of the sweep too."""

    def __init__(self, root: Path, disk: CountingDisk) -> None:
        super().__init__(LocalStore(prefix=root, mkdir=True), root=root)
        self._disk = disk

    def create(self, key: str, data: bytes) -> bool:
        try:
            return self._disk._call("create", lambda: super(SweptObjects, self).create(key, data))
        except OSError as error:
            raise GenericError(str(error)) from error


def whole_life(repo: Path, disk: CountingDisk, ack: Callable[[str], None], run_id: str) -> None:
    """Take one run from its folder to its receipt; tell `ack` what is durable."""
    clock = Ticking()
    store = FileRunStore(repo, disk=disk)
    audit = FileAuditLog(repo, clock=clock, disk=disk)
    with lock_task(repo, TASK, holder=run_id, operation="run", clock=clock, disk=disk):
        folder = store.create(TASK, run_id)
        ack("created")
        finish(store, audit, run_id, folder, attempt=1, ack=ack)
    sync(repo, disk, ack)


def finish(
    store: FileRunStore,
    audit: FileAuditLog,
    run_id: str,
    folder: Path,
    *,
    attempt: int,
    ack: Callable[[str], None],
) -> None:
    started = audit.append("run-started", task_id=TASK, run_id=run_id, details={"n": attempt})
    ack(f"logged {started.hash}")
    manifest = make_manifest(run_id, attempt=attempt, audit=started.anchor)
    ack(f"saved {store.save(manifest)}")
    plan = store.artifact(manifest, "plan.json", b"{}" * 700, kind="plan")
    (folder / "tests").mkdir(mode=0o700, exist_ok=True)
    (folder / "tests" / "log").write_bytes(b"3 passed\n")
    log = store.register(manifest, Path("tests/log"), kind="log")
    finished = make_manifest(
        run_id,
        attempt=attempt,
        state=RunState.FINISHED,
        audit=started.anchor,
        artifacts=(plan, log),
        patterns=(pattern_use(),),
    )
    ack(f"closed {close_run(finished, store=store, audit=audit)}")


def sync(repo: Path, disk: CountingDisk, ack: Callable[[str], None]) -> int:
    audit = FileAuditLog(repo, clock=Ticking(), disk=disk)
    objects = SweptObjects(repo / "out/catalog", disk)
    catalog = ObjectStoreCatalog(objects, url=CATALOG, clock=Ticking(), retry=QUICK)
    store, outbox = FileRunStore(repo, disk=disk), Outbox(repo, disk=disk)
    records = records_of(repo, store=store, audit=audit, outbox=outbox)
    report = sync_runs(SyncRequest((), CATALOG), records, lambda: catalog)
    if report.failed:
        raise ServiceError(report.failed[0].reason)
    ack("synced")
    return len(report.synced)


def recover(repo: Path) -> None:
    """Do what a user does after a crash: run it again, then sync again."""
    disk = CountingDisk()
    store = FileRunStore(repo)
    audit = FileAuditLog(repo, clock=Ticking())

    def quiet(_: str) -> None:
        return None

    with lock_task(repo, TASK, holder="recovery", operation="run", clock=Ticking()):
        try:
            manifest = store.load(RUN)
        except InputError:
            # Nothing of it was told to anybody: a new run takes its place.
            folder = store.create(TASK, NEXT_RUN)
            finish(store, audit, NEXT_RUN, folder, attempt=1, ack=quiet)
        else:
            if manifest.run.state is RunState.FINISHED:
                close_run(manifest, store=store, audit=audit)
            else:
                attempt = manifest.run.attempt + 1
                finish(store, audit, RUN, store.find(RUN), attempt=attempt, ack=quiet)
    sync(repo, disk, quiet)


def judge_before(repo: Path, acked: list[str]) -> str:
    """Say what is wrong right after the crash: what was told must be there."""
    records: list[Any] = []
    check = FileAuditLog(repo, clock=Ticking()).check(records.append)
    hashes = {record.hash for record in records}
    wrong = [finding for finding in check.findings if "not complete" not in finding.message]
    if wrong:
        return f"log: {wrong[0].message}"
    for word in acked:
        kind, _, value = word.partition(" ")
        if kind == "logged" and value not in hashes:
            return "a told record is lost"
        stored = FileRunStore(repo).stored(TASK, RUN)
        if kind in ("saved", "closed") and stored.summary is None:
            return f"a told manifest is lost: {stored.problem}"
        if kind == "closed" and stored.summary and stored.summary.manifest_sha256 != value:
            return "a told manifest changed"
    if any(word.startswith("closed") for word in acked):
        report = verify_runs(RUN, records_of(repo))
        torn = any("not complete" in found.message for found in report.audit.findings)
        if report.runs[0].outcome is not Outcome.PASSED and not torn:
            return f"a closed run does not verify: {report.runs[0].findings}"
    return ""


def judge_after(repo: Path) -> str:
    """Say what is wrong after the recovery."""
    store, audit = FileRunStore(repo), FileAuditLog(repo, clock=Ticking())
    report = verify_runs(None, records_of(repo, store=store, audit=audit))
    if report.outcome is Outcome.FAILED:
        return report.model_dump_json()[:2000]
    finished = [run for run in report.runs if run.outcome is Outcome.PASSED]
    if not finished:
        return "no run passed"
    records: list[Any] = []
    audit.check(records.append)
    for run in finished:
        for event in ("run-finished", "synced"):
            count = sum(r.event == event and r.run_id == run.run_id for r in records)
            if count != 1:
                return f"{count} records {event} of {run.run_id}"
    objects = list((repo / "out/catalog/manifests").rglob("*.json"))
    receipts = list((repo / f"out/{TASK}/receipts").glob("*.json"))
    if not len(objects) == len(receipts) == len(finished):
        return f"{len(objects)} objects, {len(receipts)} receipts, {len(finished)} runs"
    if sync(repo, CountingDisk(), lambda _: None):
        return "a second sync sent something"
    if store.state(TASK) != store.rebuild(TASK):
        return "the state is not what the manifests say"
    return ""


def in_child(act: Callable[[Callable[[str], None]], None]) -> tuple[int, list[str]]:
    """Run something in a forked process; return its wait status and what it told."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code = 70
        try:
            os.close(reader)
            act(lambda word: os.write(writer, word.encode() + b"\n") and None)
            code = 0
        except OrchestratorError as error:
            code = int(error.exit_code)
        except BaseException as error:  # noqa: BLE001 - the boundary of a forked child
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
        os._exit(code)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        told = stream.read().decode().splitlines()
    return os.waitpid(child, 0)[1], told


def try_point(repo: Path, *, at: int, fault: str) -> str:
    """Have one fault, judge, recover, judge again; say what is wrong."""
    status, acked = in_child(lambda ack: whole_life(repo, FaultyDisk(at=at, fault=fault), ack, RUN))
    if os.WIFSIGNALED(status):
        if "kill" not in fault or os.WTERMSIG(status) != signal.SIGKILL:
            return f"ended by signal {os.WTERMSIG(status)}"
    elif os.WEXITSTATUS(status) not in ((0,) if fault == "short" else (0, 4)):
        return f"ended with exit code {os.WEXITSTATUS(status)}"
    problem = judge_before(repo, acked)
    if problem:
        return problem
    status, _ = in_child(lambda _ack: recover(repo))
    if status:
        return f"the recovery ended with {status}"
    return judge_after(repo)


def main(argv: list[str]) -> None:
    workdir = Path(argv[1])
    stride = int(argv[2]) if len(argv) > 2 else 1
    base = workdir / "base"
    base.mkdir(parents=True)
    counting = CountingDisk()
    # In a child too: the threads of the object store do not survive a fork.
    reader, writer = os.pipe()

    def count(_ack: Callable[[str], None]) -> None:
        whole_life(base, counting, lambda _: None, RUN)
        os.write(writer, json.dumps(counting.calls).encode())

    status, _ = in_child(count)
    os.close(writer)
    calls = json.loads(os.fdopen(reader, "rb").read()) if status == 0 else []
    bad, tried = [], 0
    for number, fault in enumerate(FAULTS):
        for at in range(number % stride, len(calls), stride):
            if fault.startswith("short") and calls[at] != "write":
                continue
            repo = workdir / f"{fault}-{at}"
            repo.mkdir()
            problem = try_point(repo, at=at, fault=fault)
            tried += 1
            if problem:
                bad.append({"at": at, "call": calls[at], "fault": fault, "problem": problem})
            shutil.rmtree(repo)
    sys.stdout.write(json.dumps({"calls": len(calls), "tried": tried, "bad": bad}))


if __name__ == "__main__":
    main(sys.argv)
