"""The real Codex binary, a repository for it to work in, and one session that tests share."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from codex_orchestrator.codex.binary import CodexBinary, find_codex
from codex_orchestrator.model.errors import NotCheckedError
from support.codex_session import SessionOnLoopback, session_on_loopback
from support.missing import missing


@pytest.fixture(scope="session")
def codex_binary() -> CodexBinary:
    try:
        return find_codex(os.environ.get("CODEX_ORCHESTRATOR_TEST_CODEX", ""))
    except NotCheckedError as problem:
        missing(f"no Codex binary: {problem.message}; {problem.fix}")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """Make an empty git repository."""
    folder = tmp_path / "repo"
    folder.mkdir()
    subprocess.run(["git", "init", "-q", "-b", "main", str(folder)], check=True)
    return folder


@pytest.fixture(scope="module")
def session(
    codex_binary: CodexBinary, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SessionOnLoopback]:
    with session_on_loopback(codex_binary) as running:
        yield running
