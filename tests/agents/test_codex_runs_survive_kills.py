"""A run with the real Codex that is killed at random moments comes to the same end.

`make test` tries a few. More of them, one after the other:

    CODEX_ORCHESTRATOR_KILL_MOMENTS=50 pytest tests/agents/test_codex_runs_survive_kills.py
"""

import json
import os
from pathlib import Path

import pytest

from support.kill_codex_run import sweep

MOMENTS = int(os.environ.get("CODEX_ORCHESTRATOR_KILL_MOMENTS", "4"))
SEED = int(os.environ.get("CODEX_ORCHESTRATOR_KILL_SEED", "11"))


@pytest.mark.timeout(120 + 60 * MOMENTS)
def test_a_codex_run_killed_at_random_moments_is_resumed_to_the_same_tree_with_nothing_done_twice(
    tmp_path: Path,
) -> None:
    told: list[str] = []
    found = sweep(tmp_path, MOMENTS, seed=SEED, say=told.append)
    assert found["moments"] == MOMENTS
    assert not found["bad"], "\n".join(told) + json.dumps(found["bad"], indent=1)
