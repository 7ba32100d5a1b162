"""The papers tell the truth: tables, help texts, links and examples agree with the program."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from codex_orchestrator.cli.commands import COMMANDS, app
from codex_orchestrator.guard.case import Case
from codex_orchestrator.guard.config import GuardConfig
from codex_orchestrator.guard.dates import parse_day
from codex_orchestrator.guard.view_reader import ViewReader
from codex_orchestrator.guard.views import View
from codex_orchestrator.model.errors import ExitCode
from codex_orchestrator.system.git import Git
from codex_orchestrator.system.git_output import Change
from support.examples import documented

PAPERS = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "AGENTS.md", "CHANGELOG.md", "docs")


def papers(root: Path) -> list[Path]:
    found = [root / name for name in PAPERS if name.endswith(".md")]
    return found + sorted((root / "docs").rglob("*.md"))


def readme(root: Path) -> str:
    return (root / "README.md").read_text(encoding="utf-8")


def leaves(
    group: click.Group, words: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, f"{name} is listed and not there"
        if isinstance(command, click.Group):
            yield from leaves(command, (*words, name))
        if not isinstance(command, click.Group) or command.invoke_without_command:
            yield (*words, name), command


def test_the_exit_code_table_is_the_one_of_the_program(root: Path) -> None:
    rows = re.findall(r"^\| (\d+) \| ", readme(root), flags=re.MULTILINE)
    assert [int(row) for row in rows] == [int(code) for code in ExitCode]


def test_the_made_parts_of_readme_are_as_they_would_be_made(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "scripts/fill_readme.py", "--check"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_every_command_has_help_with_an_example_that_its_own_parser_takes() -> None:
    commands = dict(leaves(app))
    assert len(commands) >= len(COMMANDS)
    without = []
    for words, command in commands.items():
        call = " ".join(("codex-orchestrator", *words))
        wide = click.Context(command, info_name=call, terminal_width=1000, max_content_width=1000)
        shown = command.get_help(wide).partition("Example")[2]
        examples = re.findall(rf"(?:^|: |& |\$ )\s*{call}(?= |$)([^&|;#\n]*)", shown, re.MULTILINE)
        if not examples:
            without.append(call)
        for example in examples:
            # Names of options and number of values; the files that examples name are not here.
            command.make_parser(wide).parse_args(shlex.split(example))
    assert not without, "their --help shows no example"


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "AGENTS.md", "docs"])
def test_commands_in_the_papers_exist(root: Path, name: str) -> None:
    path = root / name
    files = sorted(path.rglob("*.md")) if path.is_dir() else [path]
    known = {words[0] for words, _ in leaves(app)}
    for file in files:
        text = file.read_text(encoding="utf-8")
        for word in re.findall(r"(?:`|\$ |^    )codex-orchestrator ([a-z]+)", text, re.MULTILINE):
            assert word in known, f"{file.name} names `codex-orchestrator {word}`"


def test_every_link_within_the_project_leads_somewhere(root: Path) -> None:
    broken = [
        f"{paper.name}: {target}"
        for paper in papers(root)
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", paper.read_text("utf-8"))
        if "://" not in target and not (paper.parent / target).exists()
    ]
    assert not broken


def test_every_decision_is_listed_and_short(root: Path) -> None:
    folder = root / "docs" / "decisions"
    listed = re.findall(r"\((\d{4}-[a-z0-9-]+\.md)\)", (folder / "README.md").read_text("utf-8"))
    assert sorted(listed) == sorted(path.name for path in folder.glob("0*.md"))
    assert [name for name in listed if len((folder / name).read_text("utf-8")) > 6000] == []


def test_the_rules_for_agents_stay_under_100_lines(root: Path) -> None:
    assert len((root / "AGENTS.md").read_text(encoding="utf-8").splitlines()) < 100


def test_the_changelog_begins_with_what_is_unreleased(root: Path) -> None:
    headings = re.findall(r"^## (.*)$", (root / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert headings[0] == "Unreleased"


@pytest.mark.parametrize(("day", "count"), [("2026-11-27", 1), ("2026-11-28", 0)])
def test_the_rule_in_the_papers_finds_what_it_says(root: Path, day: str, count: int) -> None:
    view = View("range", "", "", "")
    case = Case(
        source=ViewReader(Git(str(root), os.environ), view, has_lists=False),
        config=GuardConfig(),
        today=parse_day(day) or 0,
        changes=(Change("migrations/0007.sql", "M", "100644", "100644", "0" * 40, "1" * 40),),
        specs={},
        edits=(),
    )
    findings = list(documented("A guard rule")["NoMigrationOnFriday"]().check(case, None))
    assert [finding.rule for finding in findings] == ["TEAM001"] * count
