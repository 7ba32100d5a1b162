from pathlib import Path

import pytest

from codex_orchestrator.workspace.worktree import GitWorkspace
from support.set_up import Place
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


@pytest.fixture
def place(tmp_path: Path) -> Place:
    make_repository(tmp_path / "repo", {"a.txt": "a\n", ".gitignore": "node_modules/\n.env\n"})
    return Place(tmp_path)
