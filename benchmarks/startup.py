"""How long until `codex-orchestrator --help` stands there, against `import click` alone?"""

import sys
from pathlib import Path

from benchmarks.benchlib import Command, interleave

GOAL = 1.5
ROUNDS = 15


def main() -> int:
    """Measure, print the table, and return 1 when the goal is missed."""
    program = Path(sys.executable).with_name("codex-orchestrator")
    medians = interleave(
        "start-up",
        {
            "python -c pass": Command([sys.executable, "-c", "pass"]),
            "import click": Command([sys.executable, "-c", "import click"]),
            "codex-orchestrator --help": Command([str(program), "--help"]),
            "codex-orchestrator guard --help": Command([str(program), "guard", "--help"]),
        },
        base="import click",
        rounds=ROUNDS,
    )
    ratio = medians["codex-orchestrator --help"] / medians["import click"]
    print(f"goal: codex-orchestrator --help ≤ {GOAL} x import click; measured {ratio:.2f} x\n")
    return int(ratio > GOAL)


if __name__ == "__main__":
    sys.exit(main())
