"""What results at the base are kept by: other programs of a check give another key."""

from collections.abc import Callable
from pathlib import Path

import pytest

from codex_orchestrator.model.check import CheckCommand
from codex_orchestrator.workspace.baselines import baseline_key
from support.pattern_files import write_files

NPM = CheckCommand(name="test", argv=("npm", "run", "test"), programs=("node", "npm"))


def key(folder: Path, command: CheckCommand = NPM) -> str:
    environment = {"PATH": str(folder / "bin")}
    return baseline_key("tree", [command], root=folder, environment=environment, facts=())


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A PATH with programs that are links, as package managers leave them."""
    files = {"lib/npm-cli.js": "#!/usr/bin/env node\n", "versions/20/node": "#!/bin/sh\n"}
    write_files(tmp_path, files | {"bin/other": "#!/bin/sh\n"})
    for name, target in (("npm", "lib/npm-cli.js"), ("node", "versions/20/node")):
        (tmp_path / "bin" / name).symlink_to(tmp_path / target)
    for place in ("lib/npm-cli.js", "versions/20/node", "bin/other"):
        (tmp_path / place).chmod(0o755)
    return tmp_path


def another_version(machine: Path) -> None:
    write_files(machine, {"versions/22/node": "#!/bin/sh\n"})
    (machine / "versions/22/node").chmod(0o755)
    (machine / "bin/node").unlink()
    (machine / "bin/node").symlink_to(machine / "versions/22/node")


def a_newer_file(machine: Path) -> None:
    with (machine / "lib/npm-cli.js").open("a") as file:
        file.write("// newer\n")


@pytest.mark.parametrize("change", [another_version, a_newer_file])
def test_another_version_of_a_program_gives_another_key(
    machine: Path, change: Callable[[Path], None]
) -> None:
    before = key(machine)
    assert key(machine) == before
    change(machine)
    assert key(machine) != before


def test_a_program_that_the_check_does_not_start_leaves_the_key_as_it_is(machine: Path) -> None:
    before = key(machine)
    (machine / "bin/other").write_text("#!/bin/sh\necho newer\n")
    assert key(machine) == before


def test_a_program_of_the_work_tree_is_known_by_the_content_of_the_tree(machine: Path) -> None:
    command = CheckCommand(name="test", argv=("./gradlew", "test"), programs=("./gradlew",))
    before = key(machine, command)
    write_files(machine, {"gradlew": "#!/bin/sh\n"})
    assert key(machine, command) == before


def test_checks_of_two_folders_have_two_keys(machine: Path) -> None:
    assert key(machine, NPM.model_copy(update={"folder": "web"})) != key(machine)
