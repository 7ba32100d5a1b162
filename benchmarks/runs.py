"""Measure the record of runs: a sync with nothing to do, appends to the audit log, hashes.

    python benchmarks/runs.py [--runs 2000] [--records 20000] [--rounds 5]

Goals: a sync with nothing to do takes at most one walk with stat of the same folders; appending
to a long audit log takes at most 2 times as long as appending to a short one.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from codex_orchestrator.model.canonical import canonical_bytes, sha256_hex
from codex_orchestrator.model.receipt import Receipt
from codex_orchestrator.model.run import RunState
from codex_orchestrator.runs.audit import FileAuditLog
from codex_orchestrator.runs.audit_chain import Head, make_record
from codex_orchestrator.runs.audit_tail import remember_head
from codex_orchestrator.runs.outbox import Outbox
from codex_orchestrator.runs.store import FileRunStore
from codex_orchestrator.system.disk import DISK, Disk
from codex_orchestrator.verbs.sync_runs import SyncRequest, sync_runs
from support.runs_build import Ticking, make_manifest, records_of

URL = "file://out/catalog"
SYNC_GOAL = 1.0
APPEND_GOAL = 2.0


class NoSync(Disk):
    """Skips fsync: what is measured is our work, not the disk's."""

    def fsync(self, descriptor: int) -> None:
        del descriptor


def interleaved(cases: dict[str, Callable[[], object]], *, rounds: int) -> dict[str, float]:
    """Return the median seconds of each case, run round by round."""
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds + 1):
        for name, case in cases.items():
            start = time.perf_counter()
            case()
            taken[name].append(time.perf_counter() - start)
    return {name: statistics.median(seconds[1:]) for name, seconds in taken.items()}


def show(title: str, medians: dict[str, float], *, floor: str) -> None:
    """Print a table of medians and ratios to one of the cases."""
    print(f"### {title}\n\n| case | median ms | x |\n|---|---:|---:|")
    for name, seconds in medians.items():
        print(f"| {name} | {seconds * 1e3:.3f} | {seconds / medians[floor]:.2f} |")
    print()


def sync_with_nothing_to_do(root: Path, *, runs: int, rounds: int) -> float:
    """Return how many walks with stat a sync with nothing to do takes."""
    disk = NoSync()
    store, outbox = FileRunStore(root, disk=disk), Outbox(root, disk=disk)
    for number in range(runs):
        task_id, run_id = f"task-{number % 50}", f"20261122t{number:06}z-0000"
        manifest = make_manifest(run_id, task_id=task_id, state=RunState.FINISHED)
        store.create(task_id, run_id)
        digest = store.save(manifest)
        outbox.keep(
            Receipt(
                task_id=task_id,
                run_id=run_id,
                manifest_sha256=digest,
                catalog=URL,
                key="k",
                created=True,
                stored_at="2026-11-22T00:00:00.000Z",
            )
        )

    def opener() -> None:
        raise RuntimeError("there was something to do")

    def ours() -> None:
        if sync_runs(SyncRequest((), URL), records_of(root), opener).already_synced != runs:
            raise RuntimeError("a run was not synced")

    def walk(act: Callable[[str], object]) -> None:
        for top in (root / ".runs", root / "out"):
            for folder, _, names in os.walk(top):
                for name in names:
                    act(f"{folder}/{name}")

    def naive() -> None:
        for path in (root / ".runs").glob("*/*/manifest.json"):
            sha256_hex(path.read_bytes())

    medians = interleaved(
        {"walk + stat": lambda: walk(os.stat), "sync, 0 to do": ours, "read and hash all": naive},
        rounds=rounds,
    )
    show(f"Sync with nothing to do, {runs} runs", medians, floor="walk + stat")
    return medians["sync, 0 to do"] / medians["walk + stat"]


def appending(root: Path, *, records: int, rounds: int) -> float:
    """Return how many times longer an append to a long log takes than to a short one."""
    logs = {}
    for name, count in (("10 records", 10), (f"{records} records", records)):
        out = root / str(count) / "out"
        out.mkdir(parents=True, mode=0o700)
        head = Head()
        with (out / "audit.log").open("wb") as stream:
            for number in range(count):
                fields = {
                    "timestamp": "2026-11-22T00:00:00.000Z", "task_id": "t", "run_id": "r",
                    "level": "info", "event": "event", "details": {"n": number},
                }  # fmt: skip
                record, line = make_record(fields, head=head)
                stream.write(line)
                head = Head(record.seq, record.hash, head.end, head.end + len(line))
        remember_head(out / "audit.head.json", head, disk=DISK)
        logs[name] = FileAuditLog(out.parent, clock=Ticking(), disk=NoSync())

    def append(log: FileAuditLog) -> Callable[[], object]:
        return lambda: [log.append("event", task_id="t", run_id="r") for _ in range(20)]

    medians = interleaved({name: append(log) for name, log in logs.items()}, rounds=rounds)
    show("20 appends to the audit log, without fsync", medians, floor="10 records")
    short, long = medians.values()
    return long / short


def hashing(*, rounds: int) -> None:
    """Show what the canonical bytes of a manifest cost."""
    document = make_manifest(state=RunState.FINISHED).model_dump(mode="json", by_alias=True)

    def sorted_json() -> None:
        for _ in range(200):
            sha256_hex(json.dumps(document, sort_keys=True, separators=(",", ":")).encode())

    def canonical() -> None:
        for _ in range(200):
            sha256_hex(canonical_bytes(document))

    medians = interleaved({"sorted json": sorted_json, "RFC 8785": canonical}, rounds=rounds)
    show("Hash of a manifest, 200 times", medians, floor="sorted json")


def main() -> int:
    """Measure, print tables, and return 1 when a goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--records", type=int, default=20000)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        root = Path(folder)
        (root / "sync").mkdir()
        walks = sync_with_nothing_to_do(root / "sync", runs=args.runs, rounds=args.rounds)
        times = appending(root / "log", records=args.records, rounds=args.rounds)
    hashing(rounds=args.rounds)
    print(f"sync, 0 to do: {walks:.2f} walks (goal {SYNC_GOAL})")
    print(f"append to a long log: {times:.2f} x a short one (goal {APPEND_GOAL})")
    return int(walks > SYNC_GOAL or times > APPEND_GOAL)


if __name__ == "__main__":
    sys.exit(main())
