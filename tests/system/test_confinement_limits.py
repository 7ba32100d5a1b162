"""A check that takes too much, hides, or does not end: bounded, named, cleaned."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from codex_orchestrator.model.confinement_policy import reached_limit
from codex_orchestrator.system.sandbox import orders
from codex_orchestrator.system.sandbox.child import LAUNCHER, Child
from codex_orchestrator.system.sandbox.orders import Orders
from support.contained import SOURCES
from support.daemon import DAEMON
from support.workspace import ends, is_running, wait_for

MIB = 1 << 20
WITHOUT_NAMESPACES = [orders.LANDLOCK, orders.SECCOMP, orders.KEYRING]
BOTH = pytest.mark.parametrize("layers", [None, WITHOUT_NAMESPACES], ids=["all", "no-namespaces"])


def python(scene, source, **options):
    return scene.run(scene.python, "-I", "-S", "-c", source, **options)


# Each process forks one and ends: fifty such chains, for four seconds at most.
CHASERS = """
import os, time
until = time.monotonic() + 4
for _ in range(50):
    if os.fork() == 0:
        os.setsid()
        while time.monotonic() < until:
            if os.fork():
                os._exit(0)
        os._exit(0)
"""


@BOTH
def test_a_daemon_that_ignores_signals_is_gone_when_the_check_is(scene, layers):
    (scene.tree / "pid").unlink(missing_ok=True)
    outcome = python(scene, DAEMON, layers=layers)
    assert (outcome.exit, outcome.survivors) == (0, 0), outcome
    assert outcome.left == 1
    if layers is not None:
        assert not is_running(int((scene.tree / "pid").read_text()))


def test_a_fork_storm_ends_with_its_pid_namespace_at_once(scene):
    outcome = python(scene, CHASERS)
    assert (outcome.exit, outcome.survivors) == (0, 0), outcome
    assert outcome.seconds < 3


def test_a_fork_bomb_meets_the_limit_of_processes_and_ends(scene):
    source = "import os\nwhile True:\n    os.fork()\n"
    outcome = python(scene, source, bounds={"limits": {"processes": 60}}, timeout_s=3)
    assert outcome.survivors == 0
    assert outcome.exit != 0
    known = outcome.limit or reached_limit(
        {"processes": 60}, exit_code=outcome.exit, output=outcome.output
    )
    assert known == "limits.processes" or outcome.ended == "time"


@BOTH
def test_a_check_that_ignores_the_polite_signal_is_killed_at_its_time_limit(scene, layers):
    source = "import signal, time\nsignal.signal(15, signal.SIG_IGN)\nprint('up', flush=True)\n"
    source += "while True: time.sleep(1)\n"
    outcome = python(scene, source, layers=layers, timeout_s=1, grace_s=0.2)
    assert outcome.ended == "time"
    assert outcome.exit == -9
    assert outcome.survivors == 0


@BOTH
def test_a_check_may_tidy_up_when_it_is_asked_to_end(scene, layers):
    source = "import signal, sys, time\n"
    source += "signal.signal(15, lambda *_: (print('tidy', flush=True), sys.exit(7)))\n"
    source += "print('up', flush=True)\nwhile True: time.sleep(0.05)\n"
    outcome = python(scene, source, layers=layers, timeout_s=2, grace_s=5)
    assert (outcome.exit, outcome.output) == (7, "up\ntidy\n")


@BOTH
def test_an_allocation_of_30_gb_is_refused_and_the_limit_named(scene, layers):
    limits = {"memory_bytes": 512 * MIB}
    outcome = python(scene, "x = bytearray(30 * 2**30)", layers=layers, bounds={"limits": limits})
    assert outcome.exit == 1
    named = reached_limit(limits, exit_code=outcome.exit, output=outcome.output)
    assert named == "limits.memory_bytes"


def test_memory_that_is_mapped_and_not_allocated_at_once_is_bounded_too(scene):
    source = (
        "import mmap\nheld = [mmap.mmap(-1, 2**26, flags=mmap.MAP_PRIVATE) for _ in range(64)]\n"
    )
    limits = {"memory_bytes": 512 * MIB}
    outcome = python(scene, source, bounds={"limits": limits})
    assert reached_limit(limits, exit_code=outcome.exit, output=outcome.output) == (
        "limits.memory_bytes"
    )


def test_a_hundred_thousand_open_files_are_refused_and_the_limit_named(scene):
    limits = {"files": 256}
    source = "import os\nheld = [os.open('/dev/null', 0) for _ in range(100_000)]\n"
    outcome = python(scene, source, bounds={"limits": limits})
    assert reached_limit(limits, exit_code=outcome.exit, output=outcome.output) == "limits.files"


def test_ten_gigabytes_of_output_are_cut_and_the_check_is_ended(scene):
    outcome = scene.run("yes", max_output=MIB, timeout_s=30)
    assert (outcome.ended, len(outcome.output)) == ("output", MIB)
    assert outcome.survivors == 0


@pytest.mark.parametrize("folder", ["/tmp", "/dev/shm", "$HOME"])
def test_private_folders_are_bounded_together_and_the_limit_named(scene, folder):
    limits = {"private_bytes": 16 * MIB}
    script = f"head -c 12M /dev/zero > /tmp/first && head -c 12M /dev/zero > {folder}/second"
    outcome = scene.run("sh", "-c", script, bounds={"limits": limits})
    assert outcome.exit == 1
    named = reached_limit(limits, exit_code=outcome.exit, output=outcome.output)
    assert named == "limits.private_bytes"


def test_a_check_that_fills_the_disk_is_ended_and_the_limit_named(scene):
    script = (
        "for n in 1 2 3 4 5 6 7 8 9; do head -c 100M /dev/zero > fill$n; sleep 0.2; done; sleep 60"
    )
    outcome = scene.run("sh", "-c", script, bounds={"limits": {"disk_bytes": 200 * MIB}})
    for file in scene.tree.glob("fill*"):
        file.unlink()
    assert outcome.limit == "limits.disk_bytes"
    assert outcome.seconds < 30
    assert outcome.survivors == 0


def test_a_file_that_grows_too_large_ends_the_check_and_the_limit_is_named(scene):
    limits = {"file_bytes": MIB}
    outcome = scene.run("sh", "-c", "exec head -c 2M /dev/zero > big", bounds={"limits": limits})
    assert outcome.exit == -signal.SIGXFSZ or "File too large" in outcome.output
    assert reached_limit(limits, exit_code=outcome.exit, output=outcome.output) == (
        "limits.file_bytes"
    )


def test_a_check_that_computes_too_long_is_ended_and_the_limit_named(scene):
    limits = {"cpu_s": 1}
    outcome = python(scene, "while True: pass", bounds={"limits": limits})
    assert outcome.exit == -signal.SIGXCPU
    assert reached_limit(limits, exit_code=outcome.exit, output="") == "limits.cpu_s"


def test_limits_cannot_be_raised_again(scene):
    source = "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (9999, 9999))\n"
    outcome = python(scene, source, bounds={"limits": {"files": 100}})
    assert "not allowed to raise maximum limit" in outcome.output


def test_when_memory_runs_out_the_check_goes_before_anything_else(scene):
    assert scene.run("cat", "/proc/self/oom_score_adj").output == "1000\n"


def test_a_check_without_any_layer_still_has_its_limits(scene):
    outcome = scene.run("sh", "-c", "ulimit -n", layers=[], bounds={"limits": {"files": 123}})
    assert outcome.output == "123\n"
    assert outcome.layers == [orders.LIMITS]


@pytest.mark.parametrize("layers", [None, WITHOUT_NAMESPACES, []], ids=["all", "some", "none"])
def test_a_limit_that_does_not_bind_is_not_recorded_as_in_force(scene, layers):
    limits = {"processes": 5000, "private_bytes": 16 * MIB, "files": 99}
    outcome = scene.run("true", layers=layers, bounds={"limits": limits})
    unbound = set() if layers is None else {"private_bytes"}
    # The kernel bounds the processes of every user but root.
    unbound |= {"processes"} if layers is not None and scene.uid == 0 else set()
    assert limits.keys() - outcome.limits.keys() == unbound, outcome


def test_without_a_pid_namespace_a_fork_storm_is_ended_or_what_is_left_is_counted(scene):
    source = CHASERS.replace("range(50)", "range(20)") + "time.sleep(600)\n"
    outcome = python(scene, source, layers=WITHOUT_NAMESPACES, timeout_s=0.5, grace_s=0.2)
    assert outcome.ended == "time"
    assert outcome.exit is not None
    assert outcome.survivors is not None


# Ended children wait, the command among them, and no further signal will tell of it.
ENDED_COMMAND = """
import os, sys
sys.path.insert(0, sys.argv[1])
from codex_orchestrator.system.sandbox import reaping, watching
waker = watching.Waker(-1)
command = os.fork() or os._exit(5)
for _ in range(100):
    os.fork() or os._exit(0)
os.waitid(os.P_PID, command, os.WEXITED | os.WNOWAIT)
watching.count_in_namespace()
reaping.count_descendants()
status, _ = reaping.follow(command, waker, watching.Watch({}))
print(os.waitstatus_to_exitcode(status))
"""


def test_counting_processes_does_not_lose_how_the_command_ended():
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", ENDED_COMMAND, str(SOURCES)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stdout == "5\n", done.stderr


@pytest.mark.parametrize("sent", [b"", b"12", b"12\nlayer="])
def test_a_launcher_whose_caller_dies_before_the_orders_are_sent_ends(sent):
    done = subprocess.run(
        [sys.executable, "-I", "-S", LAUNCHER, "2"],
        input=sent,
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 127


def test_without_namespaces_shared_memory_is_closed_while_private_folders_lie_there(scene):
    private = Path("/dev/shm", f"private-{os.getpid()}")
    private.mkdir(mode=0o700)
    os.chown(private, scene.uid, scene.uid)
    try:
        name = f"/dev/shm/made-{os.getpid()}"
        outcome = scene.run("touch", name, layers=WITHOUT_NAMESPACES)
        assert "Permission denied" in outcome.output
        assert scene.run("touch", name).exit == 0
        assert not os.path.exists(name)
    finally:
        private.rmdir()


def sleeper(folder: Path) -> Orders:
    return Orders(
        frozenset({*orders.PROBED}),
        argv=("sh", "-c", "echo up > up; sleep 600"),
        cwd=str(folder),
        environment=(("PATH", "/usr/bin:/bin"),),
        system=("/usr", "/etc"),
        links=tuple(
            (place, os.readlink(place))
            for place in ("/bin", "/lib", "/lib64")
            if os.path.islink(place)
        ),
        write=(str(folder),),
        network="loopback",
        landlock_abi=1,
        scratch=str(folder),
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="starts with root's layers")
def test_nothing_survives_a_launcher_that_is_killed(tmp_path):
    with Child(sleeper(tmp_path)) as child:
        while child.number("pid") is None:
            assert child.hear(), child.problem
        wait_for(tmp_path / "up")
        first = child.number("pid")
        os.kill(child.launcher_pid, signal.SIGKILL)
        assert ends(first)
        # How far its report came is chance.
        assert child.survivors == 0


def test_what_a_killed_launcher_leaves_without_a_pid_namespace_counts_as_survivors(tmp_path):
    wanted = sleeper(tmp_path)._replace(layers=frozenset({orders.SECCOMP}))
    with Child(wanted) as child:
        wait_for(tmp_path / "up")
        os.kill(child.launcher_pid, signal.SIGKILL)
        while child.hear():
            continue
        child.kill_group()
    assert child.survivors == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="starts with root's layers")
def test_nothing_survives_a_caller_that_dies(tmp_path):
    begun = time.monotonic()
    child = Child(sleeper(tmp_path))
    with child:
        while child.number("pid") is None:
            assert child.hear(), child.problem
        wait_for(tmp_path / "up")
        # What the kernel does to the descriptors of a process that ends.
        child.end()
        assert ends(child.number("pid"))
    assert time.monotonic() - begun < 30
