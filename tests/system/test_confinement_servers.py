"""A contained child that its caller speaks to: how MCP servers are started."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from codex_orchestrator.model.confinement import Confinement, Network
from codex_orchestrator.model.errors import NotCheckedError
from codex_orchestrator.system.sandbox import orders
from codex_orchestrator.system.sandbox.child import contained_command
from codex_orchestrator.system.sandbox.orders import Orders
from codex_orchestrator.system.sandbox.plan import make_orders
from codex_orchestrator.system.sandbox.probe import ask_launcher
from support.workspace import ends, wait_for

ECHO = "while read line; do echo got $line $TOKEN; done; echo over"


@pytest.fixture(scope="module")
def probe():
    return ask_launcher()


def started(folder: Path, probe, script: str) -> subprocess.Popen[str]:
    (folder / "root").mkdir()
    for name in ("home", "tmp", "written"):
        (folder / "scratch" / name).mkdir(parents=True)
    bounds = Confinement(
        (str(folder / "scratch" / "written"),),
        (str(folder / "root"),),
        network=Network.OFF,
        environment={"TOKEN": "its-own"},
    )
    wanted = make_orders(
        bounds, probe, ["sh", "-c", script], cwd="/", scratch=str(folder / "scratch")
    )
    # What it starts it contains itself: neither layer may stand in the way.
    wanted = wanted._replace(
        report=str(folder / "report"),
        is_nested=True,
        layers=wanted.layers - {orders.LANDLOCK, orders.KEYRING},
    )
    return subprocess.Popen(
        contained_command(wanted),
        env={"PATH": "/usr/bin:/bin", "TOKEN": "its-own"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def reported(folder: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in (folder / "report").read_text().splitlines():
        name, _, value = line.partition("=")
        found.setdefault(name, []).append(value)
    return found


def test_it_is_spoken_to_and_gets_the_environment_of_its_caller(tmp_path, probe):
    with started(tmp_path, probe, ECHO) as server:
        output, _ = server.communicate("one\ntwo\n", timeout=60)
    assert output == "got one its-own\ngot two its-own\nover\n"
    assert server.returncode == 0
    report = reported(tmp_path)
    assert {orders.MOUNT, orders.SECCOMP} & {*report["layer"]} or not probe.works
    assert orders.LANDLOCK not in "".join(report["layer"])
    assert report["exit"] == ["0"]
    assert (tmp_path / "report").stat().st_mode & 0o777 == 0o600


def test_its_environment_is_not_on_a_command_line_that_everybody_may_read(tmp_path, probe):
    with started(tmp_path, probe, ECHO) as server:
        assert "its-own" not in " ".join(server.args)
        server.communicate(timeout=60)


def test_its_exit_code_is_passed_on(tmp_path, probe):
    with started(tmp_path, probe, "exit 7") as server:
        server.communicate(timeout=60)
    assert server.returncode == 7


def test_a_polite_signal_ends_it_and_all_that_it_started(tmp_path, probe):
    script = f"sleep 600 & echo up > {tmp_path}/scratch/written/up; wait; sleep 600"
    with started(tmp_path, probe, script) as server:
        wait_for(tmp_path / "scratch" / "written" / "up")
        first = int(reported(tmp_path)["pid"][0])
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=60)
        assert ends(first)


def test_a_killed_launcher_takes_its_namespace_along(tmp_path, probe):
    if orders.PID not in probe.works:
        pytest.skip("no pid namespace here")
    script = f"echo up > {tmp_path}/scratch/written/up; sleep 600"
    with started(tmp_path, probe, script) as server:
        wait_for(tmp_path / "scratch" / "written" / "up")
        first = int(reported(tmp_path)["pid"][0])
        server.kill()
        server.wait(timeout=60)
        assert ends(first)


def test_it_may_contain_its_own_children_once_more(tmp_path, probe):
    if orders.MOUNT not in probe.works:
        pytest.skip("no namespaces here")
    with started(tmp_path, probe, "unshare -Urmpf --mount-proc echo nested") as server:
        output, _ = server.communicate(timeout=60)
    assert output == "nested\n"


def test_a_program_that_is_not_there_is_said_on_standard_error(tmp_path):
    wanted = Orders(frozenset(), argv=("no-such-program",))
    done = subprocess.run(
        contained_command(wanted), env={}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 127
    assert "No such file or directory" in done.stderr


def test_an_argument_with_a_nul_byte_is_refused():
    with pytest.raises(NotCheckedError, match="null byte"):
        contained_command(Orders(frozenset(), argv=("a\0b",)))


def test_the_launcher_needs_nothing_but_the_standard_library_and_little_of_it():
    from codex_orchestrator.system.sandbox.child import LAUNCHER

    wanted = contained_command(Orders(frozenset(), argv=("true",)))
    assert wanted[3] == LAUNCHER
    done = subprocess.run(
        [*wanted[:3], "-X", "importtime", *wanted[3:]],
        env={},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    heavy = {"typing", "collections", "enum", "re", "json", "signal", "socket", "subprocess"}
    assert not heavy & loaded
    ours = {name for name in loaded if name.startswith("codex_orchestrator")}
    assert {name for name in ours if not name.startswith("codex_orchestrator.system.sandbox")} == {
        "codex_orchestrator",
        "codex_orchestrator.system",
        # `NamedTuple` without `typing` and `collections`.
        "codex_orchestrator.text",
        "codex_orchestrator.text.lean_typing",
    }
    assert os.path.isabs(LAUNCHER)
