"""A small real project in a git repository, with a fresh spec and a task, for tests of runs."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from codex_orchestrator.cli.app import run as run_command_line

MODULE = '''"""Greets."""


def greet(name):
    print("greeting", name)
    return f"hello {name}"
'''
TEST = """import unittest

from greeter import greet


class Greeting(unittest.TestCase):
    def test_it_greets(self):
        self.assertEqual(greet("you"), "hello you")


if __name__ == "__main__":
    unittest.main()
"""
SPEC = """---
id: 0001-logging
title: Logging
status: approved
last_review: {today}
owners: ["@team"]
approvals: []
paths: ["src/**"]
---
# Logging
"""
TASK = """---
id: logging
title: Replace print with logging
spec: tasks/specs/0001-logging.md
adapter: python
steps:
  - pattern: py-print-to-logging
    paths: ["src/**/*.py"]
checks: [test]
---
Use logging.
"""


class Outcome(NamedTuple):
    """What a command line did."""

    code: int
    out: str
    err: str


def today() -> str:
    """Return the present day in UTC."""
    return datetime.now(UTC).date().isoformat()


def git(folder: Path, *args: str) -> str:
    """Run git in a folder and return its output."""
    identity = ("-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        ["git", "-C", str(folder), *identity, *args], capture_output=True, text=True, check=True
    )
    return done.stdout


def write(folder: Path, path: str, text: str | bytes) -> Path:
    """Write a file below a folder."""
    place = folder / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(text.encode() if isinstance(text, str) else text)
    return place


def make_project(folder: Path, **files: str) -> Path:
    """Make a repository with one commit: a package, its test, a fresh spec and a task."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q", "-b", "main")
    write(folder, "src/greeter/__init__.py", MODULE)
    write(folder, "tests/test_greeter.py", TEST)
    write(folder, "tasks/specs/0001-logging.md", SPEC.format(today=today()))
    write(folder, "tasks/logging.md", TASK)
    for path, text in files.items():
        write(folder, path, text)
    commit_all(folder, "start")
    return folder


def commit_all(folder: Path, message: str) -> str:
    """Commit everything and return the commit."""
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--no-verify", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD").strip()


def task_with(**lines: str) -> str:
    """Return the task file with some front matter lines replaced or added; "" drops a line."""
    head, _, body = TASK.removeprefix("---\n").partition("---\n")
    blocks: dict[str, str] = {}
    name = ""
    for line in head.splitlines():
        if line.startswith(" "):
            blocks[name] += "\n" + line
        else:
            name, _, value = line.partition(":")
            blocks[name] = value.strip() and f" {value.strip()}"
    blocks |= {name: f" {value}" if value else "\0" for name, value in lines.items()}
    kept = [f"{name}:{value}\n" for name, value in blocks.items() if value != "\0"]
    return "---\n" + "".join(kept) + "---\n" + body


class CommandLine:
    """Calls the command line in this process and gives back what it printed."""

    def __init__(self, capfd: object) -> None:
        self._capfd = capfd

    def __call__(self, *argv: str) -> Outcome:
        """Run a command line."""
        self._capfd.readouterr()  # type: ignore[attr-defined]
        code = run_command_line(list(argv))
        out, err = self._capfd.readouterr()  # type: ignore[attr-defined]
        return Outcome(code, out, err)
