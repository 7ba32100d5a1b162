"""The layers are asked for once a machine; an answer is believed only when it is ours."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from codex_orchestrator.model.confinement import Network
from codex_orchestrator.system.sandbox import orders, probe
from codex_orchestrator.system.sandbox.probe import Probe, probe_layers
from codex_orchestrator.verbs.check_containment import missing_containment

NONE = "/nonexistent"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    return private


def answer_in(folder: Path) -> Path:
    return next(folder.glob("layers-*"))


def test_an_answer_is_kept_and_given_again_without_asking(folder):
    first = probe_layers(folder, path=NONE)
    written = answer_in(folder).stat()
    begun = time.perf_counter()
    assert probe_layers(folder, path=NONE) == first
    assert answer_in(folder).stat() == written
    assert time.perf_counter() - begun < 1
    assert written.st_mode & 0o777 == 0o600


def test_what_works_and_what_is_refused_cover_every_layer(folder):
    found = probe_layers(folder, path=NONE)
    assert {*found.works, *found.refused} == {*orders.PROBED}
    assert not {*found.works} & {*found.refused}


def test_another_path_to_look_in_is_another_question(folder):
    probe_layers(folder, path=NONE)
    probe_layers(folder, path="/elsewhere")
    assert len(list(folder.glob("layers-*"))) == 2


def test_bubblewrap_that_was_installed_since_is_another_question(folder, tmp_path):
    tools = tmp_path / "tools"
    tools.mkdir()
    probe_layers(folder, path=str(tools))
    (tools / "bwrap").write_text("#!/bin/sh\nexit 1\n")
    (tools / "bwrap").chmod(0o755)
    probe_layers(folder, path=str(tools))
    assert len(list(folder.glob("layers-*"))) == 2


def test_a_setting_that_was_changed_since_is_another_question():
    source = (
        "from codex_orchestrator.system.sandbox.probe import _machine_key;"
        f"before = _machine_key({NONE!r});"
        "open('/proc/sys/user/max_net_namespaces', 'w').write('77');"
        f"print(before != _machine_key({NONE!r}))"
    )
    # In a user namespace of its own the setting is that namespace's.
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", sys.executable, "-c", source],
        capture_output=True,
        text=True,
        check=False,
    )
    if "unshare failed" in done.stderr:
        pytest.skip("no user namespaces here")
    assert done.stdout == "True\n", done.stderr


@pytest.mark.parametrize("damage", [b"", b"works=x\n", b"format=1\nworks=", b"\xff\xfe"])
def test_a_damaged_answer_is_asked_for_again(folder, damage):
    first = probe_layers(folder, path=NONE)
    answer_in(folder).write_bytes(damage)
    assert probe_layers(folder, path=NONE) == first


def test_an_answer_behind_a_link_is_not_believed(folder, tmp_path):
    first = probe_layers(folder, path=NONE)
    forged = tmp_path / "forged"
    forged.write_text("format=1\nlandlock_abi=0\nbubblewrap=\nend=\n")
    answer_in(folder).unlink()
    name = f"layers-{probe._machine_key(NONE)}"
    (folder / name).symlink_to(forged)
    assert probe_layers(folder, path=NONE) == first


def test_a_folder_that_others_can_write_to_keeps_nothing_and_is_not_believed(folder):
    probe_layers(folder, path=NONE)
    answer_in(folder).write_text("format=1\nlandlock_abi=0\nbubblewrap=\nend=\n")
    folder.chmod(0o777)
    assert probe_layers(folder, path=NONE).works
    assert answer_in(folder).read_text().endswith("bubblewrap=\nend=\n")


def test_a_folder_that_is_not_there_is_no_reason_to_end(tmp_path):
    assert probe_layers(tmp_path / "gone", path=NONE).works


def test_fewer_layers_can_be_chosen_and_none_that_do_not_work():
    found = Probe(frozenset({orders.USER, orders.LANDLOCK}), landlock_abi=3)
    assert found.only([orders.LANDLOCK, orders.MOUNT]).works == {orders.LANDLOCK}
    assert found.contains_files
    assert not Probe(frozenset({orders.SECCOMP})).contains_files


@pytest.mark.parametrize("abi", [1, 2])
def test_a_landlock_that_lets_files_be_emptied_does_not_contain_files_and_says_so(abi):
    found = Probe(frozenset({orders.LANDLOCK, orders.SECCOMP, orders.NET}), landlock_abi=abi)
    assert not found.contains_files
    assert found._replace(landlock_abi=3).contains_files
    assert found._replace(works=found.works | {orders.MOUNT}).contains_files
    missing = missing_containment(found, Network.LOOPBACK)
    assert f"landlock: ABI {abi} does not refuse to truncate files" in missing
    assert missing_containment(found._replace(landlock_abi=3), Network.LOOPBACK) == ""


def test_a_bubblewrap_that_hangs_counts_as_not_working_and_is_named(tmp_path):
    program = tmp_path / "bwrap"
    program.write_text("#!/bin/sh\nexec sleep 600\n")
    program.chmod(0o755)
    found = probe.with_bubblewrap(Probe(), path=str(tmp_path), patience_s=0.5)
    assert found.works == frozenset()
    assert found.refused[orders.BUBBLEWRAP] == f"{program} did not end within 0.5 s"


@pytest.mark.parametrize(
    ("layers", "bubblewrap", "wanted", "in_force"),
    [
        ({orders.NET}, "/usr/bin/bwrap", "off", "loopback"),
        ({orders.NET}, "", "off", "off"),
        ({orders.NET, orders.SECCOMP}, "/usr/bin/bwrap", "off", "off"),
        ({orders.SECCOMP}, "", "off", "off"),
        ({orders.SECCOMP}, "", "loopback", "open"),
        ({orders.NET}, "/usr/bin/bwrap", "open", "open"),
        (set(), "", "off", "open"),
    ],
)
def test_the_network_in_force_is_what_can_be_reached(layers, bubblewrap, wanted, in_force):
    found = Probe(frozenset(layers), bubblewrap=bubblewrap)
    assert found.network(Network(wanted)).value == in_force


def test_nothing_is_left_in_the_temporary_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    probe.ask_launcher()
    assert os.listdir(tmp_path) == []
