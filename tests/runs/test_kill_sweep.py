"""A run's writers die, fail or are cut short at each of their calls; then it is run again."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "support" / "kill_sweep.py"
# 1 tries every call with every fault (nightly, about a minute); the default every sixth.
STRIDE = os.environ.get("CODEX_ORCHESTRATOR_SWEEP_STRIDE", "6")


@pytest.fixture
def workdir(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: a killed process loses nothing of what it wrote."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else tmp_path) as folder:
        yield Path(folder)


@pytest.mark.timeout(600)
def test_no_fault_at_any_call_loses_what_was_told_or_sends_twice(workdir: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(workdir / "sweep"), STRIDE],
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["bad"] == []
    assert report["tried"] >= 600 // int(STRIDE)
