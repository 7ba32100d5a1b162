"""A run's writers die, fail or are cut short at each of their calls; then it is run again."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.memory import memory_folder

SCRIPT = Path(__file__).parents[1] / "support" / "kill_sweep.py"
# 1 tries every call with every fault (nightly, about a minute); the default every eighth.
STRIDE = os.environ.get("CODEX_ORCHESTRATOR_SWEEP_STRIDE", "8")


@pytest.mark.timeout(600)
def test_no_fault_at_any_call_loses_what_was_told_or_sends_twice() -> None:
    # In memory: a killed process loses nothing of what it wrote.
    with memory_folder() as folder:
        done = subprocess.run(
            [sys.executable, str(SCRIPT), str(folder / "sweep"), STRIDE],
            capture_output=True,
            check=False,
            text=True,
        )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["bad"] == []
    assert report["tried"] >= 600 // int(STRIDE)
