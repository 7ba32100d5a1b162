"""The examples of docs/how-to/several-projects.md give the checks that the page shows."""

import re
from pathlib import Path

import pytest

from codex_orchestrator.adapters.choose import LanguageAdapters
from codex_orchestrator.adapters.projects import ADAPTERS, MOST_PROJECTS
from codex_orchestrator.model.config import AdapterConfig, parse_config
from codex_orchestrator.model.config_file import ConfigTable, parse_table
from support.pattern_files import write_files
from support.project import git
from support.sdists import ROOT

PAGE = (ROOT / "docs/how-to/several-projects.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```toml\n(.*?)^```\n```text\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
FILES = PAGE.split("```")[1].split()
POM = "<project><modules><module>app</module><module>lib</module></modules></project>"
TEXTS = {
    "pyproject.toml": "[project]\nname = 'tea'\n",
    "tests/test_tea.py": "import unittest\n",
    "web/package.json": '{"scripts": {"test": "jest"}}',
    "crates/Cargo.toml": "[workspace]\nmembers = ['tea']\n",
    "java/pom.xml": POM,
}


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The page's repository, for somebody who has used Maven before."""
    (tmp_path / "home/.m2/repository").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder = tmp_path / "repo"
    folder.mkdir()
    git(folder, "init", "-q")
    return write_files(folder, {path: TEXTS.get(path, "") for path in FILES})


@pytest.mark.parametrize(("text", "shown"), EXAMPLES)
def test_an_example_gives_the_checks_that_stand_below_it(repo: Path, text: str, shown: str) -> None:
    table = parse_table(text.encode(), name="pyproject.toml") or ConfigTable("pyproject.toml")
    adapters = LanguageAdapters(parse_config(table).adapter, repo=repo, table=table)
    _, commands = adapters.commands(repo, wanted=None, checks=[])
    found = [one for one in commands.values() if one.kind == "test"]
    lines = [f"check {one.name}: {' '.join(one.recorded)}\n" for one in found]
    assert "".join(lines) == shown


def test_the_page_names_every_key_every_adapter_and_the_bound(tmp_path: Path) -> None:
    assert len(FILES) == 15
    assert len(EXAMPLES) == 9
    keys = re.findall(r"^\| `(\w+)` \|.*\|.*\|$", PAGE.split("### Names")[0], re.MULTILINE)
    assert {*keys} == {*AdapterConfig.model_fields}
    assert all(f"`{adapter.id}`" in PAGE for adapter in ADAPTERS)
    assert f"More than {MOST_PROJECTS} projects" in PAGE
    for adapter in ADAPTERS:
        first = adapter.commands(tmp_path)["test"].first_test
        assert first, adapter.id
