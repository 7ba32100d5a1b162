"""`pyproject.toml` may be edited like any file; our own table in it needs a person."""

from pathlib import Path

import pytest

from codex_orchestrator.model.config import changes_own_table
from support.project import CommandLine, git, make_project, task_with

TASK = "tasks/logging.md"
PYPROJECT = """[project]
name = "greeter"
version = "1"
[tool.codex-orchestrator.policy]
run = ["make"]
"""
STEPS = '[{command: [python3, tools/edit.py]}, {pattern: py-print-to-logging, paths: ["src/**"]}]'
EDIT = """from pathlib import Path
path = Path("pyproject.toml")
path.write_text(path.read_text().replace({old!r}, {new!r}))
"""


def project(folder: Path, *, old: str, new: str) -> Path:
    files = {
        "pyproject.toml": PYPROJECT,
        "tools/edit.py": EDIT.format(old=old, new=new),
        TASK: task_with(steps=STEPS),
    }
    return make_project(folder / "repo", **files)


def test_an_edit_of_the_project_table_needs_nobody(tmp_path: Path, call: CommandLine) -> None:
    repo = project(tmp_path, old='version = "1"', new='version = "2"')
    done = call("run", "logging", "--repo", str(repo))
    assert done.code == 0, done.err


def test_an_edit_of_our_table_waits_for_a_person_before_any_check(
    tmp_path: Path, call: CommandLine
) -> None:
    repo = project(tmp_path, old='["make"]', new='["make", "sh"]')
    done = call("run", "logging", "--repo", str(repo))
    assert done.code == 6
    assert "--approve edit:pyproject.toml" in done.err
    [folder] = repo.glob(".runs/logging/2*")
    assert not list(folder.glob("tests/round-*"))
    done = call(
        "run", "--resume", folder.name, "--approve", "edit:pyproject.toml", "--repo", str(repo)
    )
    assert done.code == 0, done.err
    branch = git(repo, "branch", "--list", "codex-orchestrator/*").strip()
    assert "pyproject.toml" in git(repo, "diff", "--name-only", "main", branch)


OURS = b"[tool.codex-orchestrator]\nbranch_prefix = 'a/'\n"


@pytest.mark.parametrize(
    ("before", "after", "differs"),
    [
        (None, None, False),
        (None, b"[project]\nname = 'x'\n", False),
        (None, OURS, True),
        (OURS, None, True),
        (OURS, b"", True),
        (OURS, OURS + b"# a comment\n[project]\n", False),
        (b"[project]\n" + OURS, OURS, False),
        (OURS, b"tool.codex-orchestrator.branch_prefix = 'a/'\n", False),
        (OURS, b'[tool."codex-orchestrator"]\nbranch_prefix = "b/"\n', True),
        (OURS, b"no toml [", True),
        (b"no toml [", b"no toml [", False),
        (OURS, OURS + b"\xff", True),
        (b"tool = 1\n", b"[tool]\n", True),
    ],
)
def test_our_table_differs_when_what_it_sets_differs(
    before: bytes | None, after: bytes | None, differs: bool
) -> None:
    assert changes_own_table(before, after) is differs
