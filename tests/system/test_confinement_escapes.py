"""What a hostile check gets at: nothing with all layers, and what the table says with fewer."""

import functools
import os
import re
from pathlib import Path

import pytest

from codex_orchestrator.system.sandbox import orders
from support.contained import lacking
from support.sandbox_scene import Scene
from support.sandbox_table import ALLOWED, COLUMNS, ROWS, measure

DOCUMENT = Path(__file__).parents[2] / "docs" / "threat-model.md"
TESTED_ABI = 7
LANDLOCK_CREATE, LANDLOCK_RESTRICT = 444, 446


def documented(title: str) -> dict[str, dict[str, str]]:
    """Return the table below a heading of the threat model: column, row, cell."""
    text = DOCUMENT.read_text("utf-8").split(f"#### {title}\n", 1)[1]
    lines = re.match(r"\s*((?:\|.*\n)+)", text)[1].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {
        column: {row[0]: row[place] for row in rows[2:]}
        for place, column in enumerate(rows[0])
        if place
    }


def needs_abi(scene: Scene, abi: int) -> None:
    """Skip a test that counts on what only a newer kernel refuses."""
    outcome = scene.run("true", layers=[orders.LANDLOCK])
    if f"landlock-{abi}" not in outcome.layers:
        pytest.skip(f"was measured with Landlock ABI {abi}, and here are {outcome.layers}")


@functools.cache
def newest_landlock(scene: Scene) -> dict[str, str]:
    """Return what is refused with the newest version, asked once for each user."""
    return scene.attempts(layers=[orders.LANDLOCK])[0]


@pytest.mark.parametrize("column", COLUMNS)
def test_the_table_in_the_threat_model_is_what_is_measured(scene, column):
    needs_abi(scene, TESTED_ABI)
    title = "Root" if scene.uid == 0 else "An ordinary user"
    assert measure(scene, column) == documented(title)[column]


def test_with_all_layers_a_check_gets_at_nothing_outside_and_may_serve_itself(scene):
    assert set(measure(scene, "all").values()) == {"refused"}
    found, outcome = scene.attempts()
    assert [found[name] for name in ALLOWED] == ["", ""]
    assert outcome.network == "loopback"
    assert scene.received() == []


def test_the_record_names_every_layer_in_the_order_of_its_set_up(scene):
    outcome = scene.run("true")
    nobody = [orders.OTHER_USER] if scene.uid == 0 else []
    assert outcome.layers == [
        orders.SUBREAPER,
        *orders.NAMESPACES,
        *nobody,
        orders.COPY_ON_WRITE,
        orders.NO_CAPABILITIES,
        orders.NO_NEW_PRIVILEGES,
        orders.KEYRING,
        f"{orders.LANDLOCK}-{TESTED_ABI}",
        orders.SECCOMP,
        orders.LIMITS,
    ]


def test_what_root_started_owns_nothing_but_what_it_was_given(scene):
    done = scene.run("sh", "-c", "id -u; touch made; stat -c %u made README; stat -c %u /etc")
    me = 65534 if scene.uid == 0 else scene.uid
    assert done.output.split() == [str(me), str(me), str(me), "65534"]
    assert (scene.tree / "made").stat().st_uid == scene.uid


def test_root_that_keeps_its_id_is_kept_from_the_same(scene):
    if scene.uid != 0:
        pytest.skip("only root can keep its id")
    layers = {*orders.PROBED} - {orders.OTHER_USER}
    found, outcome = scene.attempts(layers=layers)
    assert orders.OTHER_USER not in outcome.layers
    reached = {name for name, why in found.items() if not why}
    assert reached == {"udp to the host", *ALLOWED}
    assert scene.received() == []


def test_off_means_no_network_at_all(scene):
    found, outcome = scene.attempts(bounds={"network": "off"})
    reached = {name for name, why in found.items() if not why}
    # A datagram can be handed to an interface that is down; it arrives nowhere.
    assert reached <= {"udp to the host"}
    assert outcome.network == "off"
    assert scene.received() == []


def test_off_without_a_network_namespace_is_no_sockets_and_still_off(scene):
    found, outcome = scene.attempts(
        bounds={"network": "off"}, layers=[orders.LANDLOCK, orders.SECCOMP]
    )
    sockets = [*ROWS["TCP to servers of the host"], *ROWS["UDP to servers of the host"], *ALLOWED]
    assert [name for name in sockets if not found[name]] == []
    assert outcome.network == "off"
    assert scene.received() == []


def test_without_namespaces_only_pairs_that_stay_connected_can_be_made(scene):
    source = (
        "import socket\n"
        "for name in ('SOCK_STREAM', 'SOCK_SEQPACKET', 'SOCK_DGRAM', 'SOCK_RAW', 'SOCK_RDM'):\n"
        "    for flags in (0, socket.SOCK_NONBLOCK):\n"
        "        try:\n"
        "            socket.socketpair(socket.AF_UNIX, getattr(socket, name) | flags)\n"
        "        except OSError:\n"
        "            continue\n"
        "        print(name)\n"
    )
    outcome = scene.run(scene.python, "-I", "-c", source, layers=[orders.LANDLOCK, orders.SECCOMP])
    made = ["SOCK_STREAM", "SOCK_STREAM", "SOCK_SEQPACKET", "SOCK_SEQPACKET"]
    assert outcome.output.split() == made, outcome


@pytest.mark.parametrize("layers", [[orders.LANDLOCK], [orders.LANDLOCK, orders.SECCOMP]])
def test_without_a_mount_namespace_the_terminals_of_the_user_are_closed(scene, layers):
    master, slave = os.openpty()
    try:
        name = os.ttyname(slave)
        os.chown(name, scene.uid, -1)
        script = f"for how in '<' '>'; do (eval exec $how {name}) && echo got-at-it; done; true"
        outcome = scene.run("sh", "-c", script, layers=layers)
    finally:
        os.close(master)
        os.close(slave)
    assert "got-at-it" not in outcome.output
    assert outcome.output.count("Permission denied") == 2, outcome


def test_open_reaches_servers_of_the_host_and_no_daemon(scene):
    found, outcome = scene.attempts(bounds={"network": "open"})
    assert found["tcp to the host"] == ""
    assert "udp" in scene.received()
    assert found["unix socket of the host"]
    assert found["abstract socket of the host"]
    assert outcome.network == "open"


@pytest.mark.parametrize("layers", [[], [orders.LANDLOCK], [orders.LANDLOCK, orders.SECCOMP]])
def test_a_network_that_cannot_be_cut_is_recorded_as_open(scene, layers):
    assert scene.run("true", layers=layers, bounds={"network": "loopback"}).network == "open"


@pytest.mark.parametrize(
    ("abi", "more"),
    [
        (1, {"truncate", "signal of our parent", "abstract socket of the host"}),
        (2, {"truncate", "signal of our parent", "abstract socket of the host"}),
        (3, {"signal of our parent", "abstract socket of the host"}),
        (5, {"signal of our parent", "abstract socket of the host"}),
        (6, set()),
    ],
)
def test_an_older_landlock_refuses_less_and_is_recorded_by_its_version(scene, abi, more):
    needs_abi(scene, TESTED_ABI)
    newest = newest_landlock(scene)
    older, outcome = scene.attempts(layers=[orders.LANDLOCK], abi=abi)
    assert f"landlock-{abi}" in outcome.layers
    opened = {name for name in older if newest[name] and not older[name]}
    assert {name for name in opened if "grandparent" not in name} == more


def test_the_first_landlock_refuses_renames_across_folders_and_programs_copy_instead(scene):
    script = "mkdir -p a b; touch a/x; mv a/x b/x && test -e b/x && ! test -e a/x"
    outcome = scene.run("sh", "-c", script, layers=[orders.LANDLOCK], abi=1)
    assert outcome.exit == 0, outcome


@pytest.mark.parametrize(
    ("errno", "why"), [(38, "the kernel lacks it"), (95, "switched off at boot")]
)
def test_a_kernel_without_landlock_is_named_and_the_other_layers_stand(scene, errno, why):
    outcome = scene.run(
        "true", wrap=lacking(f"{LANDLOCK_CREATE}={errno}"), path=f"/lacking-{errno}"
    )
    assert outcome.refused[orders.LANDLOCK] == why
    assert not [layer for layer in outcome.layers if layer.startswith(orders.LANDLOCK)]
    assert orders.MOUNT in outcome.layers
    assert outcome.exit == 0


def test_a_landlock_that_is_half_there_is_named_and_not_claimed(scene):
    outcome = scene.run("true", wrap=lacking(f"{LANDLOCK_RESTRICT}=1"), path="/half")
    assert "enforce Landlock rules" in outcome.refused[orders.LANDLOCK]
    assert not [layer for layer in outcome.layers if layer.startswith(orders.LANDLOCK)]
    assert orders.MOUNT in outcome.layers


def test_where_namespaces_are_refused_the_other_layers_stand_and_it_is_said(scene):
    found, outcome = scene.attempts(wrap=lacking("namespaces"), path="/container")
    assert outcome.refused[orders.USER].startswith("enter namespaces: Operation not permitted")
    assert orders.SECCOMP in outcome.layers
    assert not {*orders.NAMESPACES} & {*outcome.layers}
    assert outcome.network == "open"
    for row in ("our environment, memory, descriptors", "unix sockets of the host, by path"):
        assert [name for name in ROWS[row] if not found[name]] == []
    assert found["read the key"]


def test_a_layer_that_was_there_yesterday_ends_the_start_and_runs_nothing(scene):
    known = [*orders.NAMESPACES, orders.LANDLOCK, orders.SECCOMP]
    outcome = scene.run("touch", "ran", assume=known, wrap=lacking(f"{LANDLOCK_RESTRICT}=1"))
    assert outcome.exit is None or outcome.exit == 127
    assert "enforce Landlock rules" in outcome.problem
    assert not (scene.tree / "ran").exists()
