from pathlib import Path

import pytest

from codex_orchestrator.workspace.worktree import GitWorkspace
from support.workspace import clock, git_environ, make_repository


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    make_repository(
        root,
        {
            "README.md": "# Example\n",
            "src/app.py": "print('one')\nprint('two')\n",
            "run.sh": "#!/bin/sh\n",
            ".gitignore": "*.log\n",
        },
    )
    return root


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    return tmp_path / "scratch"


@pytest.fixture
def workspace(repo: Path, scratch: Path, tmp_path: Path) -> GitWorkspace:
    return GitWorkspace(repo, clock=clock, environ=git_environ(tmp_path / "home"), scratch=scratch)
