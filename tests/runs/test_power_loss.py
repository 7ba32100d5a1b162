"""After a power loss at any moment, what was told is still there and nothing is torn."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from codex_orchestrator.model.canonical import sha256_hex
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.run import RunState
from codex_orchestrator.pipeline.finish import close_run
from codex_orchestrator.runs.audit import FileAuditLog
from codex_orchestrator.runs.audit_chain import Head, walk
from codex_orchestrator.runs.audit_tail import find_head, remembered_head
from codex_orchestrator.runs.documents import parse_manifest, parse_state
from codex_orchestrator.runs.store import FileRunStore
from support.power_loss import RecordingDisk, Remains, states
from support.runs_build import RUN, Ticking, make_manifest

TASK = "0007-logging"


def record(repo: Path, *, forget: str) -> RecordingDisk:
    """Take a run from start to end on a disk that writes down its calls."""
    disk = RecordingDisk(forget=forget)
    store = FileRunStore(repo, disk=disk)
    audit = FileAuditLog(repo, clock=Ticking(), disk=disk)
    store.create(TASK, RUN)
    disk.ack("created")
    disk.ack(f"log {audit.append('run-started', task_id=TASK, run_id=RUN).hash}")
    manifest = make_manifest()
    disk.ack(f"manifest {store.save(manifest)}")
    plan = store.artifact(manifest, "logs/plan.json", b"{}" * 50, kind="plan")
    disk.ack("artifact")
    finished = make_manifest(state=RunState.FINISHED, artifacts=(plan,))
    disk.ack(f"manifest {close_run(finished, store=store, audit=audit)}")
    disk.ack("state")
    disk.ack(f"log {audit.append('later', task_id=TASK, run_id=RUN).hash}")
    return disk


def judge(repo: Path, remains: Remains) -> str:
    """Say what was told and is lost, or what is torn; "" when all is well."""
    folder = f"{repo}/.runs/{TASK}/{RUN}"
    manifest = remains.files.get(f"{folder}/manifest.json")
    told = [word.partition(" ") for word in remains.acked]
    manifests = [value for kind, _, value in told if kind == "manifest"]
    if manifest is None and manifests:
        return "a told manifest is lost"
    if manifest is not None:
        try:
            parse_manifest(manifest, source=Path("manifest.json"))
        except InputError:
            return "the manifest is torn"
        if manifests and sha256_hex(manifest) != manifests[-1] and len(manifests) == 2:
            return "a told manifest is an older one"
    log = remains.files.get(f"{repo}/out/audit.log", b"")
    if {value for kind, _, value in told if kind == "log"} - log_hashes(log):
        return "a told record is lost"
    if cannot_append(log, remains.files.get(f"{repo}/out/audit.head.json"), repo):
        return "the log cannot be appended to"
    if ("artifact", "", "") in told and f"{folder}/logs/plan.json" not in remains.files:
        return "a told artifact is lost"
    if remains.files.get(f"{folder}/logs/plan.json", b"{}" * 50) != b"{}" * 50:
        return "an artifact is torn"
    state = remains.files.get(f"{repo}/out/{TASK}/state.json")
    if state is not None:
        try:
            parse_state(state, source=Path("state.json"))
        except InputError:
            return "the state is torn"
    return "a told state is lost" if ("state", "", "") in told and state is None else ""


def log_hashes(data: bytes) -> set[str]:
    """Return the hashes of the good records of a log."""
    descriptor = os.memfd_create("log")
    try:
        os.write(descriptor, data)
        found: set[str] = set()
        walk(descriptor, head=Head(), size=len(data), visit=lambda one: found.add(one.hash))
        return found
    finally:
        os.close(descriptor)


def cannot_append(log: bytes, head: bytes | None, repo: Path) -> bool:
    """Say whether the log, with the head that is remembered, would stop a writer."""
    side_file = repo / "head"
    side_file.write_bytes(head or b"")
    descriptor = os.memfd_create("log")
    try:
        os.write(descriptor, log)
        known = remembered_head(side_file)
        find_head(descriptor, log=repo / "audit.log", size=len(log), known=known)
    except InputError:
        return True
    finally:
        os.close(descriptor)
    return False


def problems(repo: Path, disk: RecordingDisk) -> Iterator[str]:
    """Judge every state that may be left; yield what is wrong, "" for a good one."""
    seen: set[int] = set()
    for remains in states(str(repo), disk.ops):
        key = hash((remains.acked, frozenset(remains.files.items())))
        if key not in seen:
            seen.add(key)
            yield judge(repo, remains)


@pytest.fixture
def lose_power(tmp_path: Path) -> Callable[[str], Iterator[str]]:
    repo = tmp_path.resolve()
    return lambda forget: problems(repo, record(repo, forget=forget))


def test_no_state_after_a_power_loss_lacks_what_was_told(
    lose_power: Callable[[str], Iterator[str]],
) -> None:
    found = list(lose_power(""))
    assert len(found) > 100
    assert set(found) == {""}


@pytest.mark.parametrize("forget", ["file", "folder", "log"])
def test_a_forgotten_sync_is_caught_by_the_model(
    forget: str, lose_power: Callable[[str], Iterator[str]]
) -> None:
    assert any(lose_power(forget))
