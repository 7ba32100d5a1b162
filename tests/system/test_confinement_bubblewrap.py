"""Bubblewrap makes the namespaces where it may and other programs may not."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

from codex_orchestrator.system.sandbox import orders
from support.contained import lacking
from support.missing import missing
from support.sandbox_scene import Scene
from support.sandbox_table import ALLOWED

INSIDE = [orders.LANDLOCK, orders.SECCOMP, orders.KEYRING]
CLONE_REFUSED = "namespaces"


@pytest.fixture
def folder(scene: Scene) -> str:
    """The folder of a bubblewrap that the user of the scene can run: the system's, or Codex's."""
    program = shutil.which("bwrap") or _of_codex()
    if program is None:
        missing("there is no bubblewrap, and no Codex that brings one")
    copied = scene.base / "bubblewrap"
    copied.mkdir(exist_ok=True)
    shutil.copy(program, copied / "bwrap")
    return str(copied)


def _of_codex() -> str | None:
    found = find_spec("codex_cli_bin")
    place = Path(found.origin or "").with_name("codex-resources") / "bwrap" if found else None
    return str(place) if place and place.is_file() else None


def test_what_a_check_gets_at_is_the_same(scene, folder):
    # Other tests of this scene have let words through.
    scene.received()
    found, outcome = scene.attempts(assume=INSIDE, bubblewrap=folder)
    reached = {name for name, why in found.items() if not why}
    kept_root = {"read /etc/shadow"} if scene.uid == 0 else set()
    assert reached - kept_root == {"udp to the host", *ALLOWED}
    assert scene.received() == []
    assert orders.BUBBLEWRAP in outcome.layers
    assert {*orders.NAMESPACES} <= {*outcome.layers}
    assert orders.COPY_ON_WRITE not in outcome.layers
    assert outcome.network == "loopback"


def test_exit_codes_environment_folders_and_limits_are_those_of_any_check(scene, folder):
    script = "echo $HOME $TMPDIR $CANARY; ulimit -n; cat README; touch made; touch /tmp/x; exit 4"
    outcome = scene.run(
        "sh", "-c", script, assume=INSIDE, bubblewrap=folder, bounds={"limits": {"files": 99}}
    )
    assert outcome.exit == 4, outcome
    assert outcome.output == f"{scene.home} /tmp\n99\ntext\n"
    assert (scene.tree / "made").stat().st_uid == scene.uid
    (scene.tree / "made").unlink()


def test_a_check_that_does_not_end_is_killed_with_all_that_it_started(scene, folder):
    script = "trap '' TERM; sleep 600 & sleep 600 & wait; wait"
    outcome = scene.run(
        "sh", "-c", script, assume=INSIDE, bubblewrap=folder, timeout_s=1, grace_s=0.2
    )
    assert outcome.ended == "time"
    assert outcome.survivors == 0


def test_a_program_that_is_not_there_is_named(scene, folder):
    outcome = scene.run("no-such-program", assume=INSIDE, bubblewrap=folder)
    assert "No such file" in outcome.problem


def test_off_is_off_although_bubblewrap_switches_loopback_on(scene, folder):
    found, outcome = scene.attempts(assume=INSIDE, bubblewrap=folder, bounds={"network": "off"})
    assert {name for name in ALLOWED if not found[name]} == set()
    assert outcome.network == "off"


def test_off_without_seccomp_leaves_loopback_and_that_is_recorded(scene, folder):
    outcome = scene.run(
        "true", assume=[orders.LANDLOCK], bubblewrap=folder, bounds={"network": "off"}
    )
    assert outcome.exit == 0, outcome
    assert outcome.network == "loopback"


def test_git_cannot_be_trapped_and_its_credentials_are_not_seen(scene, folder):
    settings = scene.main / ".git" / "config"
    kept = settings.read_text()
    settings.write_text(kept + "[http]\n\textraheader = canary\n")
    try:
        script = (
            "git status; git config --list; mv .git x; echo evil > $(git rev-parse --git-dir)/x"
        )
        outcome = scene.run("sh", "-c", script, assume=INSIDE, bubblewrap=folder)
    finally:
        settings.write_text(kept)
    assert "canary" not in outcome.output
    assert "On branch one" in outcome.output
    assert (scene.tree / ".git").is_file()


def test_where_it_may_not_either_that_is_said_and_other_layers_stand(scene, folder):
    outcome = scene.run("true", wrap=lacking(CLONE_REFUSED), path=folder)
    assert outcome.exit == 0
    assert "bwrap" in outcome.refused[orders.BUBBLEWRAP]
    assert orders.BUBBLEWRAP not in outcome.layers
    assert orders.SECCOMP in outcome.layers


def test_where_the_launcher_can_it_is_not_asked(scene, folder):
    outcome = scene.run("true", path=folder)
    assert orders.BUBBLEWRAP not in [*outcome.layers, *outcome.refused]
    assert Path(folder, "bwrap").exists()
    assert os.path.isabs(folder)
