from pathlib import Path

import pytest

from support.project import CommandLine, make_project


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / "repo")


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(capfd)
