"""Real packages, unpacked, put under git with a spec and tasks, and run by the real command."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

from support.sdists import Sdist, fetch, unpack

SPEC = "tasks/specs/0001-modernise.md"
TEST_RUN = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist")


class Repository(NamedTuple):
    """A real package as a git repository. `root` is its checkout."""

    root: Path

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", "-c", "core.quotePath=off", *arguments],
            cwd=self.root,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def commit(self, message: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)

    def add_task(self, task_id: str, steps: list[tuple[str, str]]) -> str:
        """Write a task whose steps apply patterns to paths; return its path."""
        path = f"tasks/{task_id}.md"
        lines = [f"  - {{pattern: {pattern}, paths: ['{paths}']}}" for pattern, paths in steps]
        (self.root / path).write_text(
            "\n".join(
                [
                    *("---", f"id: {task_id}", "title: Modernise by patterns", f"spec: {SPEC}"),
                    *("adapter: python", "steps:", *lines, "checks: [test]"),
                    *(
                        "limits: {repair_rounds: 0}",
                        "---",
                        "Apply the patterns; change no behaviour.",
                    ),
                ]
            )
            + "\n",
            encoding="utf-8",
        )
        return path

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run codex-orchestrator here, with no key and nothing of CI around it."""
        environ = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("GITHUB_", "OPENAI_", "CODEX_", "GIT_", "PYTHON"))
        }
        return subprocess.run(
            [sys.executable, "-m", "codex_orchestrator", *arguments],
            cwd=self.root,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )

    def run(self, task: str, *, exit_code: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """Run a task; return the report and the manifest."""
        done = self.command("run", task, "--format", "json")
        assert done.returncode == exit_code, done.stderr
        report = json.loads(done.stdout)
        return report, json.loads((self.root / report["manifest_path"]).read_bytes())

    def text_at(self, commit: str, path: str) -> str:
        done = subprocess.run(
            ["git", "cat-file", "blob", f"{commit}:{path}"],
            cwd=self.root,
            capture_output=True,
            check=True,
        )
        return done.stdout.decode("utf-8")

    def python_files(self, commit: str) -> list[str]:
        names = self.git("ls-tree", "-r", "-z", "--name-only", commit).split("\0")
        return [name for name in names if name.endswith(".py")]


def make_repository(sdist: Sdist, folder: Path, *, owned: str) -> Repository:
    """Unpack a source distribution and put it under git, with an approved, fresh spec."""
    repository = Repository(unpack(fetch(sdist), folder))
    today = datetime.now(UTC).date().isoformat()
    spec = repository.root / SPEC
    spec.parent.mkdir(parents=True)
    spec.write_text(
        f"---\nid: 0001-modernise\ntitle: Modernise\nstatus: approved\nlast_review: {today}\n"
        f"owners: [maintainers]\napprovals:\n  - {{role: architecture, by: Ada, on: {today}}}\n"
        f"paths: ['{owned}']\n---\n# Modernise\n\nNewer forms, the same behaviour.\n",
        encoding="utf-8",
    )
    with (repository.root / ".gitignore").open("a", encoding="utf-8") as file:
        file.write("\n.runs/\nout/\ndist/\n__pycache__/\n")
    repository.git("init", "--quiet", "--initial-branch=main")
    repository.git("config", "user.name", "Test")
    repository.git("config", "user.email", "test@example.org")
    return repository


class Outcome(NamedTuple):
    """What a package's own tests said: how many passed, and the names of those that did not."""

    passed: int
    failing: set[str]


def run_own_tests(folder: Path, report: Path) -> Outcome:
    """Run a package's own tests in a folder, without the product, and read pytest's report."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(
        [*TEST_RUN, f"--junitxml={report}"],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert report.is_file(), done.stdout[-3000:] + done.stderr[-3000:]
    cases = list(ET.parse(report).iter("testcase"))  # noqa: S314 - pytest wrote it
    failing = {
        case.attrib["name"]
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    }
    skipped = sum(case.find("skipped") is not None for case in cases)
    assert (done.returncode == 0) == (not failing), done.stdout[-3000:]
    return Outcome(len(cases) - len(failing) - skipped, failing)
