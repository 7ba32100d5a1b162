"""What older versions wrote is read as it stands: its bytes and hashes do not change."""

from pathlib import Path

import pytest

from support.old_records import OLD_RECORDS, bytes_of, restore_records, run_of
from support.project import CommandLine


@pytest.fixture
def offline(tmp_path: Path) -> Path:
    return restore_records("v1-offline", tmp_path / "repo")


@pytest.mark.parametrize("name", OLD_RECORDS)
def test_reading_old_records_changes_no_byte(tmp_path: Path, call: CommandLine, name: str) -> None:
    repo = restore_records(name, tmp_path / "repo")
    before, at = bytes_of(repo), ("--repo", str(repo))
    assert call("runs", "list", *at).code == 0
    for folder in repo.glob(".runs/*/2*"):
        assert call("runs", "show", folder.name, *at).code == 0
    assert call("audit", "verify", *at).code == 0
    assert bytes_of(repo) == before


@pytest.mark.parametrize("task", ["waiting", "interrupted", "killed"])
def test_an_old_run_is_resumed(offline: Path, call: CommandLine, task: str) -> None:
    # The killed run's record names a process on another machine.
    (offline / ".runs" / "killed.lock.json").unlink()
    grant = ("--approve", "edit:tests/conftest.py") if task == "waiting" else ()
    run_id, at = run_of(offline, task), ("--repo", str(offline))
    done = call("run", "--resume", run_id, *grant, *at)
    assert done.code == 0, done.err
    assert call("runs", "verify", run_id, *at).code == 0
