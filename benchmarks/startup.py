"""How long until `codex-orchestrator --help` stands there, against `import click` alone?"""

import os
import sys
from pathlib import Path

from benchlib import Process, interleave, table

GOAL = 1.5
ROUNDS = 15
FLOOR = "python -c 'import click'"


def main() -> int:
    """Measure, print the table, and return 1 when the goal is missed."""
    program = str(Path(sys.executable).with_name("codex-orchestrator"))
    cwd = os.fspath(Path(__file__).resolve().parent)
    measured = interleave(
        {
            "python -c pass": Process([sys.executable, "-c", "pass"], cwd),
            FLOOR: Process([sys.executable, "-c", "import click"], cwd),
            "codex-orchestrator --help": Process([program, "--help"], cwd),
            "codex-orchestrator guard --help": Process([program, "guard", "--help"], cwd),
        },
        rounds=ROUNDS,
    )
    floor = measured[FLOOR].median
    print(table("Start-up", measured, floor=floor, floor_name=FLOOR))
    ratio = measured["codex-orchestrator --help"].median / floor
    print(f"Goal: codex-orchestrator --help ≤ {GOAL}x {FLOOR}. Measured: {ratio:.2f}x\n")
    return int(ratio > GOAL)


if __name__ == "__main__":
    sys.exit(main())
