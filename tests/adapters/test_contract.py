"""What every language adapter keeps to: those that ship, and the one that the docs show."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from codex_orchestrator.adapters.command import CommandAdapter
from codex_orchestrator.adapters.go import GoAdapter
from codex_orchestrator.adapters.gradle import GradleAdapter
from codex_orchestrator.adapters.interface import LanguageAdapter
from codex_orchestrator.adapters.maven import MavenAdapter
from codex_orchestrator.adapters.node import NodeAdapter
from codex_orchestrator.adapters.projects import ADAPTERS
from codex_orchestrator.adapters.python import PythonAdapter
from codex_orchestrator.adapters.rust import RustAdapter
from codex_orchestrator.model.errors import NotCheckedError
from codex_orchestrator.model.task import CheckName
from support.examples import documented
from support.pattern_files import write_files


class Example(NamedTuple):
    """An adapter, a project of its kind, and its strength there."""

    adapter: LanguageAdapter
    project: Mapping[str, str]
    strength: int = 2
    unknown: CheckName | None = None


EXAMPLES = [
    Example(PythonAdapter(), {"pytest.ini": "[pytest]\n", "test_a.py": ""}, unknown="build"),
    Example(NodeAdapter(), {"package.json": '{"scripts": {"test": "jest"}}'}, unknown="lint"),
    Example(GoAdapter(), {"go.mod": "module x\n", "a_test.go": "package x\n"}),
    Example(RustAdapter(), {"Cargo.toml": "[package]\n"}),
    Example(MavenAdapter(), {"pom.xml": "<project/>"}, unknown="lint"),
    Example(GradleAdapter(), {"build.gradle": ""}, unknown="lint"),
    Example(
        CommandAdapter({"test": ["no-such-program"]}), {"Makefile": ""}, strength=0, unknown="lint"
    ),
    Example(
        documented("A language adapter")["ZigAdapter"](),
        {"build.zig": ""},
        unknown="lint",
    ),
]
each_adapter = pytest.mark.parametrize(
    "of", EXAMPLES, ids=[type(of.adapter).__name__ for of in EXAMPLES]
)


def test_every_adapter_that_ships_is_here() -> None:
    assert {type(adapter) for adapter in ADAPTERS} < {type(of.adapter) for of in EXAMPLES}
    assert len({of.adapter.id for of in EXAMPLES}) == len(EXAMPLES)


@each_adapter
def test_a_folder_that_holds_nothing_is_no_project_and_the_reason_is_given(
    of: Example, tmp_path: Path
) -> None:
    assert of.adapter.detect(tmp_path).strength == 0
    assert of.adapter.detect(tmp_path).reason
    assert of.adapter.id


@each_adapter
def test_a_project_is_found_by_reading_files_and_running_nothing(
    of: Example, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(tmp_path, of.project)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    monkeypatch.setenv("PATH", str(tmp_path / "no-programs"))
    assert of.adapter.detect(tmp_path).strength == of.strength
    assert of.adapter.commands(tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


@each_adapter
def test_commands_are_argument_lists_under_their_own_name(of: Example, tmp_path: Path) -> None:
    write_files(tmp_path, of.project)
    commands = of.adapter.commands(tmp_path)
    assert "test" in commands
    for name, command in commands.items():
        assert command.name == name
        assert command.argv
        assert command.timeout_s > 0
        assert not any(str(tmp_path) in part or part[0] == "/" for part in command.recorded)


@each_adapter
def test_what_a_check_needs_and_is_missing_is_not_checked(
    of: Example, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(tmp_path, of.project)
    monkeypatch.setenv("PATH", str(tmp_path / "no-programs"))
    nowhere = str(tmp_path / "no-programs" / "python")
    with pytest.raises(NotCheckedError) as caught:
        of.adapter.ensure_ready(tmp_path, ["test"], python=nowhere)
    assert caught.value.fix


@each_adapter
def test_a_check_without_a_command_is_not_checked(of: Example, tmp_path: Path) -> None:
    write_files(tmp_path, of.project)
    if of.unknown is None:
        assert set(of.adapter.commands(tmp_path)) == {"test", "lint", "build"}
        return
    assert of.unknown not in of.adapter.commands(tmp_path)
    with pytest.raises(NotCheckedError) as caught:
        of.adapter.ensure_ready(tmp_path, [of.unknown])
    assert caught.value.fix
