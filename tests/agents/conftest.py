from pathlib import Path

import pytest

from support.project import CommandLine, make_project, task_with


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / "repo", **{"tasks/logging.md": task_with(steps="")})


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(capfd)
