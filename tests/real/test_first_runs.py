"""From a checkout to a first run, by the commands alone that `init` prints.

`make torture` goes this way in twelve repositories; the suite in two of them.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.project import commit_all, write
from support.real_repositories import REPOSITORIES, Edit, compose, pnpm

IS_TORTURE = os.environ.get("CODEX_ORCHESTRATOR_TESTS") == "torture"
NAMES = sorted(REPOSITORIES) if IS_TORTURE else ["npm", "python-src-layout"]
TASK = "tasks/0001-first-change.md"
STEP = """import pathlib, sys
path, old, new = sys.argv[1:]
file = pathlib.Path(path)
text = file.read_text()
assert text.count(old) == 1
file.write_text(text.replace(old, new))
"""
# What a person does with the spec and the task that the editor shows.
EDITOR = """#!/bin/sh
cp "$HERE/task.md" "$2"
"""


class Person:
    """Somebody at a shell in a repository, with the program installed."""

    def __init__(self, folder: Path, repo: Path) -> None:
        self._folder = folder
        self._repo = repo
        program = Path(sys.executable).with_name("codex-orchestrator")
        (folder / "bin").mkdir()
        (folder / "bin/codex-orchestrator").symlink_to(program)
        editor = write(folder, "bin/edit", EDITOR)
        editor.chmod(0o755)
        unwanted = ("GITHUB_", "OPENAI_", "CODEX_ORCH", "GIT_", "PYTHON", "VIRTUAL_ENV")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(unwanted)}
        path = f"{folder / 'bin'}:{kept['PATH']}"
        if (repo / "pnpm-workspace.yaml").exists():
            path = f"{pnpm().parent}:{path}"
        self._environ = {**kept, "PATH": path, "EDITOR": str(editor), "HERE": str(folder)}

    def wants(self, edit: Edit, task: str) -> None:
        """Write down a task; the editor puts it where it belongs."""
        step = f"[python3, tools/edit.py, {edit.path!r}, {_quoted(edit.old)}, {_quoted(edit.new)}]"
        write(
            self._folder,
            "task.md",
            f"---\nid: {task}\ntitle: A change\nspec: tasks/specs/0001-first-change.md\n"
            f"steps:\n  - command: {step}\nchecks: [test]\n"
            "limits: {repair_rounds: 0}\n---\nDo it.\n",
        )

    def types(self, line: str) -> subprocess.CompletedProcess[str]:
        """Run a line of a shell."""
        return subprocess.run(
            ["bash", "-c", line],
            cwd=self._repo,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def succeeds(self, line: str) -> str:
        """Run a line that must end well, and return what it printed."""
        done = self.types(line)
        assert done.returncode == 0, f"{line}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", NAMES)
def test_the_printed_commands_lead_to_an_approved_run_and_a_breaking_change_fails(
    tmp_path: Path, name: str
) -> None:
    given = REPOSITORIES[name]
    repo = compose(given, tmp_path / "repo")
    write(repo, "tools/edit.py", STEP)
    commit_all(repo, "tools")
    person = Person(tmp_path, repo)
    person.wants(given.good, "0001-first-change")

    printed = person.succeeds(
        "codex-orchestrator init --yes --source https://git.example/team/toolkit@v1.0.0"
    )
    chain = [
        line.strip() for line in printed.partition("\nnext:\n")[2].splitlines() if line.strip()
    ]
    assert chain[-1] == "codex-orchestrator run 0001-first-change", printed
    for line in chain[:-1]:
        person.succeeds(line)
    person.succeeds("codex-orchestrator doctor")
    assert "passed" in person.succeeds("codex-orchestrator guard --all")
    assert "approved" in person.succeeds(chain[-1])

    person.wants(given.bad, "0002-breaking")
    shutil.copy(tmp_path / "task.md", repo / "tasks/0002-breaking.md")
    commit_all(repo, "a task that breaks")
    broken = person.types("codex-orchestrator run 0002-breaking")
    assert broken.returncode == 1, broken.stdout + broken.stderr
    assert given.failing in broken.stderr, broken.stderr
