"""What does a whole offline run cost beyond what it cannot do without?

The floor is importing the agents SDK, the example's own tests and one start of the MCP server, each
measured alone. The whole is `codex-orchestrator run` of a one-step task on the example.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from datetime import datetime
from pathlib import Path

from benchmarks.benchlib import Command, interleave

GOAL = 2.0
ROUNDS = 7
EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "inventory"
TASK = "tasks/0001-structured-logging.md"
SPEC = "tasks/specs/0001-structured-logging.md"
PROGRAM = Path(sys.executable).with_name("codex-orchestrator")
HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "benchmark", "version": "1"},
    },
}


def main() -> int:
    """Measure, print the tables, and return 1 when the goal is missed."""
    with tempfile.TemporaryDirectory() as folder:
        repository = Path(folder, "inventory")
        make_repository(repository)
        return measure(repository)


def measure(repository: Path) -> int:
    """Print the table of floor and whole, and where the time of the whole goes."""
    whole = Command([str(PROGRAM), "run", TASK, "--format", "json"], cwd=repository, env=clean())
    tests = test_command(repository)
    medians = interleave(
        "a one-step offline run on the example",
        {
            "import agents": Command([sys.executable, "-c", "import agents"], env=clean()),
            "the example's tests": tests,
            "one MCP server start": lambda: start_server(repository),
            "codex-orchestrator run": whole,
        },
        base="codex-orchestrator run",
        rounds=ROUNDS,
    )
    run = medians.pop("codex-orchestrator run")
    floor = sum(medians.values())
    print(f"goal: run ≤ {GOAL} x the sum of the others; measured {run / floor:.2f} x")
    print_stages(repository, run)
    return int(run / floor > GOAL)


def make_repository(repository: Path) -> None:
    """Put the example under git, its spec freshly reviewed."""
    shutil.copytree(EXAMPLE, repository, ignore=shutil.ignore_patterns("__pycache__"))
    git = ["git", "-C", str(repository), "-c", "user.name=b", "-c", "user.email=b@example.org"]
    for arguments in (["init", "-q"], ["add", "--all"], ["commit", "-q", "-m", "example"]):
        subprocess.run([*git, *arguments], check=True)
    subprocess.run(
        [PROGRAM, "guard", "accept", SPEC, "--reviewer", "Benchmark"],
        cwd=repository,
        env=clean(),
        check=True,
        capture_output=True,
    )
    subprocess.run([*git, "commit", "-q", "-a", "-m", "review"], check=True)


def test_command(repository: Path) -> Command:
    """Return the command that the run's own adapter calls, taken from a run's manifest."""
    done = subprocess.run(
        [PROGRAM, "run", TASK, "--format", "json"],
        cwd=repository,
        env=clean(),
        check=True,
        capture_output=True,
    )
    manifest = json.loads((repository / json.loads(done.stdout)["manifest_path"]).read_bytes())
    (check,) = manifest["validations"]
    print(f"the example's tests: {' '.join(check['command'])}")
    from codex_orchestrator.patterns.adapters.python import PythonAdapter

    command = PythonAdapter().commands(repository)["test"]
    argv = [part.replace("{log_dir}", str(repository.parent)) for part in command.argv]
    return Command(argv, cwd=repository, env=clean() | dict(command.env))


def start_server(repository: Path) -> None:
    """Start the workspace MCP server, wait for its first answer, and let it end."""
    argv = [str(PROGRAM), "mcp", "workspace", "--root", str(repository)]
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=clean()
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(json.dumps(HELLO).encode() + b"\n")
        server.stdin.flush()
        answer = json.loads(server.stdout.readline())
        server.stdin.close()
    if "result" not in answer:
        raise RuntimeError(f"the server refused: {answer}")


def print_stages(repository: Path, run_s: float) -> None:
    """Say where the time of the runs went, from their own event streams."""
    spent: dict[str, list[float]] = defaultdict(list)
    for path in sorted(repository.glob(".runs/*/*/events.jsonl"))[1:]:
        events = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        times = [datetime.fromisoformat(event["at"]).timestamp() for event in events]
        names = [str(event.get("stage", event["event"])) for event in events]
        stages: dict[str, float] = defaultdict(float)
        for name, began, ended in zip(names, times, times[1:], strict=False):
            stages[name] += ended - began
        for name, seconds in stages.items():
            spent[name].append(seconds)
    medians = {name: statistics.median(values) for name, values in spent.items()}
    print("where it goes (medians, from one event to the next):")
    for name, seconds in sorted(medians.items(), key=lambda item: -item[1]):
        if seconds >= 0.005:
            print(f"  {name:<28} {seconds * 1e3:8.0f} ms  {seconds / run_s:5.0%} of the run")
    rest = run_s - sum(medians.values())
    print(f"  {'before and after the events':<28} {rest * 1e3:8.0f} ms  {rest / run_s:5.0%}\n")


def clean() -> dict[str, str]:
    """Return an environment in which compiled files are kept and no model is set."""
    unwanted = ("PYTHON", "OPENAI_", "CODEX_", "GITHUB_", "GIT_")
    return {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}


if __name__ == "__main__":
    sys.exit(main())
