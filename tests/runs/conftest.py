from pathlib import Path

import pytest
from support.runs_build import Ticking, finish_run

from codex_orchestrator.runs.audit import FileAuditLog
from codex_orchestrator.runs.store import FileRunStore


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    (folder / ".git").mkdir()
    return folder


@pytest.fixture
def store(repo: Path) -> FileRunStore:
    return FileRunStore(repo)


@pytest.fixture
def log(repo: Path) -> FileAuditLog:
    return FileAuditLog(repo, clock=Ticking())


@pytest.fixture
def finished(repo: Path) -> Path:
    """The folder of a finished run with three artifacts."""
    finish_run(repo)
    return FileRunStore(repo).find("2026")
