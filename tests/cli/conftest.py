import pytest

from support.project import CommandLine


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(capfd)
