"""`init` writes what is missing and nothing else; twice is once."""

import json
from pathlib import Path

import pytest
import yaml

from codex_orchestrator.model.config import parse_config
from codex_orchestrator.model.config_file import parse_table
from codex_orchestrator.model.task import parse_task
from support.project import CommandLine, git, write


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    return tmp_path


def files(repo: Path) -> dict[str, bytes]:
    return {
        path.relative_to(repo).as_posix(): path.read_bytes()
        for path in repo.rglob("*")
        if path.is_file() and ".git" not in path.parts
    }


def test_what_init_writes_is_valid_and_passes_its_own_readers(
    repo: Path, call: CommandLine
) -> None:
    assert call("init", "--repo", str(repo)).code == 0
    made = files(repo)
    table = parse_table(made[".codex-orchestrator.toml"], name=".codex-orchestrator.toml")
    assert table is not None
    parse_config(table)
    parse_task(made["tasks/0001-first-change.md"].decode(), source="t.md")
    hooks = yaml.safe_load(made[".pre-commit-config.yaml"])
    assert hooks["repos"][0]["hooks"][0]["id"] == "spec-guard"
    assert "jobs" in yaml.safe_load(made[".github/workflows/spec-guard.yml"])
    assert made[".gitignore"].decode().splitlines() == [".runs/", "out/", "dist/"]


def test_a_second_init_changes_nothing(repo: Path, call: CommandLine) -> None:
    call("init", "--repo", str(repo))
    before = files(repo)
    done = call("init", "--repo", str(repo), "--format", "json")
    assert {one["action"] for one in json.loads(done.out)["files"]} == {"kept"}
    assert files(repo) == before


def test_files_that_exist_are_kept_byte_for_byte(repo: Path, call: CommandLine) -> None:
    write(repo, ".pre-commit-config.yaml", "repos: []\n")
    write(repo, ".gitignore", "*.pyc\nout/")
    write(repo, "pyproject.toml", "[tool.codex-orchestrator]\n")
    done = call("init", "--repo", str(repo))
    assert files(repo)[".pre-commit-config.yaml"] == b"repos: []\n"
    assert files(repo)[".gitignore"] == b"*.pyc\nout/\n.runs/\ndist/\n"
    assert ".codex-orchestrator.toml" not in files(repo)
    assert "add the spec-guard hook yourself" in done.out


@pytest.mark.parametrize(
    "text", ["[tool\n", "x = " + "[" * 20_000, "x = " + "9" * 6000, "x = '\udcff'\n"]
)
def test_a_file_of_the_project_that_cannot_be_read_ends_init(
    repo: Path, call: CommandLine, text: str
) -> None:
    (repo / "pyproject.toml").write_text(text, encoding="utf-8", errors="surrogateescape")
    done = call("init", "--repo", str(repo))
    assert done.code == 2
    assert "pyproject.toml: " in done.err


def test_a_table_of_tools_that_is_none_configures_nothing(repo: Path, call: CommandLine) -> None:
    write(repo, "pyproject.toml", "tool = 3\n")
    assert call("init", "--repo", str(repo)).code == 0
    assert ".codex-orchestrator.toml" in files(repo)


def test_a_dry_run_writes_nothing(repo: Path, call: CommandLine) -> None:
    done = call("init", "--dry-run", "--repo", str(repo))
    assert files(repo) == {}
    assert "would create" in done.out


def test_init_does_not_write_through_a_link(
    repo: Path, tmp_path_factory: pytest.TempPathFactory, call: CommandLine
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (repo / "tasks").symlink_to(outside)
    done = call("init", "--repo", str(repo))
    assert done.code == 2
    assert "is a link" in done.err
    assert list(outside.iterdir()) == []
