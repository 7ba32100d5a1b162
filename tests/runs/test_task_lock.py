import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from codex_orchestrator.model.errors import InputError, LockedError
from codex_orchestrator.runs.flock import Rank, hold_lock, is_locked
from codex_orchestrator.runs.lock import LockHolder, lock_task, read_holder
from support.runs_build import RUN, Ticking

TASK = "0007-logging"
HOLDER = """
import sys, time
from pathlib import Path
from codex_orchestrator.runs.lock import lock_task
clock = lambda: "2026-11-22T19:15:00.000Z"
with lock_task(Path(sys.argv[1]), "0007-logging", holder="run-a", operation="run", clock=clock):
    print("held", flush=True)
    sys.stdin.read()
"""


def lock(repo: Path, **more: object) -> AbstractContextManager[None]:
    return lock_task(repo, TASK, holder=RUN, operation="run", clock=Ticking(), **more)  # type: ignore[arg-type]


def record(repo: Path) -> Path:
    return repo / ".runs" / f"{TASK}.lock.json"


@pytest.fixture
def other_process(repo: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock until its standard input is closed."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(repo)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        assert process.stdin is not None
        process.stdin.close()


def test_the_holder_stands_beside_the_lock_and_goes_with_it(repo: Path) -> None:
    with lock(repo):
        holder = read_holder(record(repo))
        assert holder is not None
        assert (holder.id, holder.pid, holder.host) == (RUN, os.getpid(), socket.gethostname())
        assert holder.process_started
        assert is_locked(repo / ".runs" / f"{TASK}.lock")
    assert not record(repo).exists()
    assert not is_locked(repo / ".runs" / f"{TASK}.lock")


def test_the_lock_file_stays_after_the_lock(repo: Path) -> None:
    with lock(repo):
        inode = (repo / ".runs" / f"{TASK}.lock").stat().st_ino
    with lock(repo):
        assert (repo / ".runs" / f"{TASK}.lock").stat().st_ino == inode


def test_a_second_lock_in_the_same_process_is_refused(repo: Path) -> None:
    held = threading.Event()
    done = threading.Event()

    def hold() -> None:
        with lock(repo):
            held.set()
            done.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(30)
    try:
        with pytest.raises(LockedError, match=str(os.getpid())), lock(repo):
            pass
    finally:
        done.set()
        thread.join()


def test_a_locked_task_names_who_holds_it(repo: Path, other_process: subprocess.Popen[str]) -> None:
    with pytest.raises(LockedError) as caught, lock(repo):
        pass
    message = caught.value.message
    for part in ("run run-a", socket.gethostname(), str(other_process.pid), "2026-11-22T19:15"):
        assert part in message
    assert caught.value.exit_code == 5


def test_a_holder_of_a_newer_version_is_said_to_be_one(
    repo: Path, other_process: subprocess.Popen[str]
) -> None:
    newer = record(repo).read_text().replace("lock-holder.v2", "lock-holder.v3")
    record(repo).write_text(newer)
    with pytest.raises(LockedError, match=r"a newer version .*lock-holder\.v3"), lock(repo):
        pass
    assert record(repo).read_text() == newer


def test_waiting_ends_when_the_holder_ends(
    repo: Path, other_process: subprocess.Popen[str]
) -> None:
    told: list[str] = []

    def tell(holder: str, _waited_s: float) -> None:
        told.append(holder)
        assert other_process.stdin is not None
        other_process.stdin.close()

    with lock(repo, timeout_s=60.0, waiting=tell):
        holder = read_holder(record(repo))
        assert holder is not None
        assert holder.id == RUN
    assert "run-a" in told[0]


def test_a_killed_holder_leaves_the_lock_free(
    repo: Path, other_process: subprocess.Popen[str]
) -> None:
    other_process.send_signal(signal.SIGKILL)
    other_process.wait()
    assert record(repo).exists()
    with lock(repo):
        holder = read_holder(record(repo))
        assert holder is not None
        assert holder.id == RUN


def test_a_stopped_holder_keeps_the_lock(repo: Path, other_process: subprocess.Popen[str]) -> None:
    other_process.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(LockedError), lock(repo, timeout_s=0.05):
            pass
    finally:
        other_process.send_signal(signal.SIGCONT)


def put_record(repo: Path, **changes: object) -> None:
    """Leave the record of a holder that does not hold the kernel's lock."""
    with lock(repo):
        document = json.loads(record(repo).read_bytes())
    record(repo).write_text(json.dumps({**document, **changes}))


OTHER_BOOT = "00000000-1111-2222-3333-444444444444"


def test_a_killed_holder_is_taken_over_though_the_machine_has_another_name(repo: Path) -> None:
    put_record(repo, host="name-of-yesterday", pid=999_999_999)
    with lock(repo):
        pass


def test_a_holder_in_another_container_of_this_machine_has_ended_when_its_lock_is_free(
    repo: Path,
) -> None:
    # Its process number is that of a living process here, which is another one.
    started = Path(f"/proc/{os.getppid()}/stat").read_text().rpartition(")")[2].split()[19]
    put_record(repo, host="c1", pid_namespace="pid:[1]", pid=os.getppid(), process_started=started)
    with lock(repo):
        pass


def test_a_holder_on_another_machine_is_not_taken_over(repo: Path) -> None:
    put_record(repo, host="elsewhere", boot_id=OTHER_BOOT)
    with pytest.raises(LockedError, match="elsewhere") as caught, lock(repo):
        pass
    assert str(record(repo)) in caught.value.fix
    record(repo).unlink()
    with lock(repo):
        pass


def test_a_holder_before_the_last_start_of_this_machine_has_ended(repo: Path) -> None:
    put_record(repo, boot_id=OTHER_BOOT, pid=1, process_started="1")
    with lock(repo):
        pass


@pytest.mark.parametrize(("host", "is_taken_over"), [(socket.gethostname(), True), ("x", False)])
def test_a_record_of_the_version_before_knows_a_machine_by_its_name(
    repo: Path, host: str, is_taken_over: bool
) -> None:
    put_record(repo, host=host, pid=999_999_999)
    document = json.loads(record(repo).read_bytes())
    del document["boot_id"], document["pid_namespace"]
    record(repo).write_text(json.dumps({**document, "schema": "lock-holder.v1"}))
    holder = read_holder(record(repo))
    assert holder is not None
    assert holder.boot_id == ""
    with nullcontext() if is_taken_over else pytest.raises(LockedError), lock(repo):
        pass


def test_a_machine_that_tells_no_boot_is_known_by_its_name(repo: Path) -> None:
    put_record(repo, host="elsewhere", boot_id="", pid_namespace="")
    with pytest.raises(LockedError, match="elsewhere"), lock(repo):
        pass


def test_a_living_holder_on_this_host_is_not_taken_over(repo: Path) -> None:
    started = Path(f"/proc/{os.getppid()}/stat").read_text().rpartition(")")[2].split()[19]
    put_record(repo, pid=os.getppid(), process_started=started)
    with pytest.raises(LockedError, match=f"pid {os.getppid()}"), lock(repo):
        pass


def test_a_process_number_that_was_given_again_is_no_holder(repo: Path) -> None:
    put_record(repo, pid=os.getppid(), process_started="1")
    with lock(repo):
        pass


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff", b"x" * 20_000])
def test_a_record_that_cannot_be_read_is_no_holder(data: bytes, repo: Path) -> None:
    with lock(repo):
        pass
    record(repo).write_bytes(data)
    with lock(repo):
        assert read_holder(record(repo)) is not None


def test_a_task_id_that_is_none_has_no_lock(repo: Path) -> None:
    unknown = lock_task(repo, "../x", holder=RUN, operation="run", clock=Ticking())
    with pytest.raises(InputError), unknown:
        pass


def test_a_link_in_place_of_the_lock_file_is_not_followed(repo: Path) -> None:
    with lock(repo):
        pass
    path = repo / ".runs" / f"{TASK}.lock"
    path.unlink()
    path.symlink_to(repo / "elsewhere")
    with pytest.raises(Exception, match=r"cannot lock .*symbolic links"), lock(repo):
        pass
    assert not (repo / "elsewhere").exists()


def hold(path: Path, rank: Rank) -> AbstractContextManager[None]:
    return hold_lock(path, rank=rank, timeout_s=0, describe_holder=lambda: "", fix="")


def test_locks_are_taken_in_one_order_only(tmp_path: Path) -> None:
    task, audit = tmp_path / "task", tmp_path / "audit"
    with (
        hold(audit, Rank.AUDIT),
        pytest.raises(RuntimeError, match="lock order"),
        hold(task, Rank.TASK),
    ):
        pass
    with hold(task, Rank.TASK), hold(audit, Rank.AUDIT):
        assert is_locked(task)


def test_a_holder_says_what_a_person_asks() -> None:
    holder = LockHolder(
        id="r", operation="run", user="u", host="h", boot_id="", pid_namespace="", pid=1,
        process_started="", version="0",
        created="2026-11-22T19:15:00.000Z",
    )  # fmt: skip
    assert holder.describe() == "run r of u on h, pid 1, since 2026-11-22T19:15:00.000Z"


def test_eight_processes_never_hold_the_lock_at_once(repo: Path) -> None:
    worker = f"""
import os, sys, time
from pathlib import Path
from codex_orchestrator.runs.lock import lock_task
clock = lambda: "2026-11-22T19:15:00.000Z"
mark = Path(sys.argv[1]) / "mark"
for _ in range(6):
    repo = Path(sys.argv[1])
    with lock_task(repo, {TASK!r}, holder="x", operation="run", clock=clock, timeout_s=60):
        descriptor = os.open(mark, os.O_CREAT | os.O_EXCL)
        time.sleep(0.002)
        os.close(descriptor)
        mark.unlink()
"""
    processes = [subprocess.Popen([sys.executable, "-c", worker, str(repo)]) for _ in range(8)]
    assert [process.wait() for process in processes] == [0] * 8
