import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from codex_orchestrator.runs.store import FileRunStore
from support.memory import memory_folder
from support.runs_build import finish_run


@pytest.fixture
def repo() -> Iterator[Path]:
    with memory_folder() as folder:
        subprocess.run(["git", "init", "-q", str(folder)], check=True)
        yield folder


@pytest.fixture
def finished(repo: Path) -> Path:
    """The folder of a finished run with three artifacts."""
    finish_run(repo)
    return FileRunStore(repo).find("2026")
