import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codex_orchestrator.model.audit import AuditRecord
from codex_orchestrator.model.canonical import canonical_bytes, sha256_hex
from codex_orchestrator.model.errors import InputError, ServiceError
from codex_orchestrator.runs.audit import FileAuditLog
from codex_orchestrator.runs.audit_chain import MAX_LINE
from support.faulty_disk import FaultyDisk
from support.runs_build import Ticking


def fill(log: FileAuditLog, count: int) -> list[AuditRecord]:
    return [log.append("event", task_id="t", run_id="r", details={"n": n}) for n in range(count)]


def lines(repo: Path) -> list[bytes]:
    return (repo / "out/audit.log").read_bytes().splitlines(keepends=True)


def rules(log: FileAuditLog) -> list[str]:
    return [finding.rule for finding in log.check().findings]


def test_records_form_a_chain_from_sixty_four_zeros(log: FileAuditLog, repo: Path) -> None:
    fill(log, 3)
    prev = "0" * 64
    for seq, line in enumerate(lines(repo)):
        record = json.loads(line)
        body = {name: value for name, value in record.items() if name != "hash"}
        assert (record["seq"], record["prev"]) == (seq, prev)
        assert record["hash"] == sha256_hex(canonical_bytes(body))
        prev = record["hash"]


def test_a_record_has_the_agreed_fields(log: FileAuditLog, repo: Path) -> None:
    log.append("run-started", task_id="t", run_id="r", level="error", details={"a": None})
    assert set(json.loads(lines(repo)[0])) == {
        "schema", "seq", "timestamp", "task_id", "run_id", "level", "event", "details", "prev",
        "hash",
    }  # fmt: skip


def test_a_whole_log_has_no_finding(log: FileAuditLog) -> None:
    records = fill(log, 5)
    check = log.check()
    assert check.findings == ()
    assert check.records == 5
    assert check.head == records[-1].anchor


def test_no_log_at_all_is_no_finding(log: FileAuditLog) -> None:
    assert log.check() == (0, None, ())


def test_appending_reads_one_record_however_long_the_log_is(
    log: FileAuditLog, repo: Path, tmp_path: Path
) -> None:
    fill(log, 2)
    # A log that a reader of the whole file would refuse: all but the last record is noise.
    data = (repo / "out/audit.log").read_bytes()
    start = data.index(b"\n") + 1
    noise = b"\0" * 5_000_000 + b"\n"
    (repo / "out/audit.log").write_bytes(noise + data[start:])
    head = json.loads((repo / "out/audit.head.json").read_bytes())
    shift = len(noise) - start
    head |= {"start": head["start"] + shift, "end": head["end"] + shift}
    (repo / "out/audit.head.json").write_text(json.dumps(head))
    assert log.append("event", task_id="t", run_id="r").seq == 2
    assert rules(log) == ["audit-damaged"]


@pytest.mark.parametrize("head", [None, b"", b"{}", b'{"seq":0}'])
def test_a_lost_head_file_is_found_again_by_reading_the_log(
    head: bytes | None, log: FileAuditLog, repo: Path
) -> None:
    fill(log, 3)
    (repo / "out/audit.head.json").unlink()
    if head is not None:
        (repo / "out/audit.head.json").write_bytes(head)
    assert log.append("event", task_id="t", run_id="r").seq == 3
    assert log.check().findings == ()


def test_a_head_file_that_is_behind_is_brought_forward(log: FileAuditLog, repo: Path) -> None:
    fill(log, 1)
    behind = (repo / "out/audit.head.json").read_bytes()
    fill(log, 3)
    (repo / "out/audit.head.json").write_bytes(behind)
    assert log.append("event", task_id="t", run_id="r").seq == 4
    assert log.check().findings == ()


def test_every_torn_tail_is_saved_cut_off_and_recorded(repo: Path) -> None:
    log = FileAuditLog(repo, clock=Ticking())
    fill(log, 2)
    head = (repo / "out/audit.head.json").read_bytes()
    whole = (repo / "out/audit.log").read_bytes()
    fill(log, 1)
    torn = (repo / "out/audit.log").read_bytes()[len(whole) :]
    for cut in sorted({*range(1, len(torn), 9), len(torn) - 1}):
        (repo / "out/audit.log").write_bytes(whole + torn[:cut])
        (repo / "out/audit.head.json").write_bytes(head)
        assert rules(log) == ["audit-damaged"]
        assert log.append("event", task_id="t", run_id="r").seq == 3
        repaired = json.loads(lines(repo)[2])
        assert (repaired["event"], repaired["details"]["length"]) == ("repaired", cut)
        assert (repo / "out" / repaired["details"]["saved"]).read_bytes() == torn[:cut]
        check = log.check()
        assert [found.rule for found in check.findings] == ["audit-repaired"]
        assert not check.has_errors


@pytest.mark.parametrize("tail", [b"\0" * 300, b"{}\n", b"\0\0\n", b"\xff"])
def test_other_noise_at_the_tail_is_a_torn_record(
    tail: bytes, log: FileAuditLog, repo: Path
) -> None:
    fill(log, 2)
    with (repo / "out/audit.log").open("ab") as stream:
        stream.write(tail)
    assert log.append("event", task_id="t", run_id="r").seq == 3
    assert not log.check().has_errors


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_changed_byte_of_a_told_record_stops_every_writer(
    repo: Path, data: st.DataObject
) -> None:
    shutil.rmtree(repo / "out", ignore_errors=True)
    log = FileAuditLog(repo, clock=Ticking())
    fill(log, 3)
    good = (repo / "out/audit.log").read_bytes()
    at = data.draw(st.integers(0, len(good) - 1))
    bad = bytearray(good)
    bad[at] ^= 1 << data.draw(st.integers(0, 7))
    (repo / "out/audit.log").write_bytes(bad)
    assert log.check().has_errors
    if at > good.rindex(b"\n", 0, -1):
        with pytest.raises(InputError, match="nothing was repaired"):
            log.append("event", task_id="t", run_id="r")
        assert (repo / "out/audit.log").read_bytes() == bytes(bad)


def test_a_bad_record_in_the_middle_stops_a_writer_that_lost_the_head(
    log: FileAuditLog, repo: Path
) -> None:
    fill(log, 3)
    (repo / "out/audit.head.json").unlink()
    kept = lines(repo)
    bad = kept[0] + kept[1].replace(b'"n":1', b'"n":7') + kept[2]
    (repo / "out/audit.log").write_bytes(bad)
    with pytest.raises(InputError, match=r"audit\.log:2: line at byte \d+ its hash") as caught:
        log.append("event", task_id="t", run_id="r")
    assert caught.value.fix
    assert (repo / "out/audit.log").read_bytes() == bad


@pytest.mark.parametrize("keep", [0, 1, 2])
def test_a_log_cut_at_a_record_boundary_is_noticed(
    keep: int, log: FileAuditLog, repo: Path
) -> None:
    fill(log, 3)
    (repo / "out/audit.log").write_bytes(b"".join(lines(repo)[:keep]))
    assert rules(log) == ["audit-cut"]
    with pytest.raises(InputError, match="nothing was repaired"):
        log.append("event", task_id="t", run_id="r")


def test_a_log_that_is_gone_is_noticed(log: FileAuditLog, repo: Path) -> None:
    fill(log, 3)
    (repo / "out/audit.log").unlink()
    assert rules(log) == ["audit-cut"]


def test_removed_and_swapped_records_are_noticed(log: FileAuditLog, repo: Path) -> None:
    fill(log, 4)
    first, second, third, last = lines(repo)
    for order in ((first, third, last), (second, first, third, last), (first, first, second)):
        (repo / "out/audit.log").write_bytes(b"".join(order))
        assert "audit-damaged" in rules(log)


def test_a_record_is_written_once_per_key(log: FileAuditLog, repo: Path) -> None:
    def told(run_id: str, digest: str, note: int) -> AuditRecord:
        return log.append(
            "synced",
            task_id="t",
            run_id=run_id,
            once_by=("sha",),
            details={"sha": digest, "n": note},
        )

    first = told("r", "a", 1)
    assert told("r", "a", 2) == first
    assert told("r", "b", 3).seq == 1
    assert told("q", "a", 4).seq == 2
    again = FileAuditLog(repo, clock=Ticking())
    assert (
        again.append("synced", task_id="t", run_id="r", once_by=("sha",), details={"sha": "a"})
        == first
    )
    assert len(lines(repo)) == 3


def test_details_of_any_text_make_a_good_record(log: FileAuditLog) -> None:
    details = {"text": "\udcff\0\n\u202e" + "x" * 10_000}
    record = log.append("event", task_id="t", run_id="r", details=details)
    assert len(str(record.details["text"])) == 4000
    assert log.check().findings == ()


def test_a_record_longer_than_a_line_may_be_is_refused_before_it_is_written(
    log: FileAuditLog, repo: Path
) -> None:
    with pytest.raises(InputError, match=str(MAX_LINE)):
        log.append("e", task_id="t", run_id="r", details={f"k{n}": "x" * 4000 for n in range(20)})
    assert log.append("event", task_id="t", run_id="r").seq == 0


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_what_is_no_plain_file_is_no_log(kind: str, log: FileAuditLog, repo: Path) -> None:
    (repo / "out").mkdir(mode=0o700)
    path = repo / "out/audit.log"
    if kind == "link":
        path.symlink_to(repo / "elsewhere")
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    with pytest.raises((InputError, ServiceError), match=r"audit\.log"):
        log.append("event", task_id="t", run_id="r")
    assert not (repo / "elsewhere").exists()


def test_an_append_that_fails_leaves_the_log_as_it_was(repo: Path) -> None:
    fill(FileAuditLog(repo, clock=Ticking()), 2)
    before = (repo / "out/audit.log").read_bytes()
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 50, hard))
    try:
        with pytest.raises(ServiceError, match="disk full"):
            fill(FileAuditLog(repo, clock=Ticking()), 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (repo / "out/audit.log").read_bytes() == before
    assert fill(FileAuditLog(repo, clock=Ticking()), 1)[0].seq == 2


def test_a_short_write_still_makes_a_whole_record(repo: Path) -> None:
    fill(FileAuditLog(repo, clock=Ticking()), 1)
    disk = FaultyDisk(at=5, fault="short")
    FileAuditLog(repo, clock=Ticking(), disk=disk).append("event", task_id="t", run_id="r")
    assert disk.calls.count("write") == 3
    assert FileAuditLog(repo, clock=Ticking()).check()[2] == ()


def test_eight_processes_append_one_chain(repo: Path) -> None:
    worker = """
import sys
from pathlib import Path
from codex_orchestrator.runs.audit import FileAuditLog
log = FileAuditLog(Path(sys.argv[1]), clock=lambda: "2026-11-22T19:15:00.000Z")
for n in range(15):
    log.append("event", task_id="t", run_id=sys.argv[2], details={"n": n})
    log.append("once", task_id="t", run_id="r", once_by=("n",), details={"n": n})
"""
    processes = [
        subprocess.Popen([sys.executable, "-c", worker, str(repo), f"r{number}"])
        for number in range(8)
    ]
    assert [process.wait() for process in processes] == [0] * 8
    found: list[AuditRecord] = []
    assert FileAuditLog(repo, clock=Ticking()).check(found.append).findings == ()
    assert len(found) == 8 * 15 + 15
    for number in range(8):
        mine = [record.details["n"] for record in found if record.run_id == f"r{number}"]
        assert mine == list(range(15))
