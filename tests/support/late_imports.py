"""Run our command line and report every module that is imported after foreign code could run.

Usage: python late_imports.py REPORT WORD... -- ARGUMENT...; foreign code may run from the moment
that a process is started whose arguments contain a WORD.
"""

import json
import sys
from pathlib import Path


def watched(report: str, words: list[str], arguments: list[str]) -> None:
    """Run the command line with these arguments and write the report when it ends."""
    from codex_orchestrator.__main__ import main

    started: list[str] = []
    late: list[str] = []

    def watch(event: str, details: tuple[object, ...]) -> None:
        if event == "subprocess.Popen":
            line = " ".join(str(part) for part in details[1])  # type: ignore[attr-defined]
            started.extend(word for word in words if word in line)
        elif event == "import" and started and details[1] is None:
            late.append(str(details[0]))

    sys.argv = ["codex-orchestrator", *arguments]
    sys.addaudithook(watch)
    try:
        main()
    finally:
        Path(report).write_text(json.dumps({"started": len(started), "late": late}))


if __name__ == "__main__":
    end = sys.argv.index("--")
    watched(sys.argv[1], sys.argv[2:end], sys.argv[end + 1 :])
