"""What holds for every test."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from support.project import CommandLine

# Property tests judge rules, not the machine: a busy one must not fail them.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
# Rust's launchers look for the toolchain in the home, which an empty one does not have.
RUSTUP = Path(shutil.which("cargo") or "/", "../../../.rustup").resolve()
if RUSTUP.is_dir():
    os.environ.setdefault("RUSTUP_HOME", str(RUSTUP))
# A shell starts what goes on in the background deaf to Ctrl-C, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str]) -> CommandLine:
    """Call the command line in this process."""
    return CommandLine(capfd)


@pytest.fixture(scope="session")
def github_contract():
    """GitHub's description of its API, which judges what is sent."""
    from support.github_description import DescriptionMissingError, load_description
    from support.github_server import Contract
    from support.missing import missing

    try:
        return Contract(load_description())
    except DescriptionMissingError as error:
        missing(f"GitHub's API description is not to be had: {error}")


@pytest.fixture
def github(github_contract):
    """A GitHub on loopback that remembers, and judges what it is sent."""
    from support.github_server import GitHubServer

    with GitHubServer(github_contract) as server:
        yield server
    assert server.problems == []


@pytest.fixture
def small_disk(tmp_path: Path):
    """A file system of 64 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"no small file system here: {mounted.stderr.decode().strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)
