"""What the action's tests share: wheels, a checkout of the action, a repository, a GitHub."""

import datetime as dt
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.act import ROOT, build_wheelhouse, copy_action


@pytest.fixture(scope="session")
def wheelhouse(tmp_path_factory) -> Path:
    return build_wheelhouse(tmp_path_factory.mktemp("wheelhouse"))


@pytest.fixture(scope="session")
def checkout_of_action(tmp_path_factory) -> Path:
    return copy_action(tmp_path_factory.mktemp("action"))


class Project:
    """A repository of users: the example, under git, with a spec reviewed today."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT / "examples" / "inventory", folder)
        today = dt.datetime.now(dt.UTC).date().isoformat()
        spec = folder / "tasks" / "specs" / "0001-structured-logging.md"
        spec.write_text(re.sub(r"\b20\d\d-\d\d-\d\d\b", today, spec.read_text()))
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("remote", "add", "origin", "https://github.com/o/r.git")
        self.base = self.commit("base")

    def git(self, *words: str) -> str:
        return subprocess.run(
            ["git", "-c", "user.name=Test", "-c", "user.email=test@example.org", *words],
            cwd=self.folder, check=True, capture_output=True, text=True,
        ).stdout.strip()  # fmt: skip

    def commit(self, message: str) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD")

    def pull_request(self, *, home: str = "o/r") -> dict[str, Any]:
        """Return the payload of a pull request from the base to HEAD."""
        return {
            "pull_request": {
                "number": 7,
                "head": {"sha": self.git("rev-parse", "HEAD"), "repo": {"full_name": home}},
                "base": {"sha": self.base},
            }
        }


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")
