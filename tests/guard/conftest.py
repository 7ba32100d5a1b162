from pathlib import Path

import pytest

from support.guard_repo import GOOD, GuardRepo, spec


@pytest.fixture
def empty_repo(tmp_path: Path) -> GuardRepo:
    return GuardRepo(tmp_path / "repo")


@pytest.fixture
def repo(empty_repo: GuardRepo) -> GuardRepo:
    """One commit: a fresh spec that owns src/**, and one code file."""
    empty_repo.commit({GOOD: spec(), "src/a.py": "x = 1\n", "README.md": "Hello\n"})
    return empty_repo
