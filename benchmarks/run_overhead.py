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

from benchlib import Process, interleave, table

GOAL = 2.0
ROUNDS = 7
EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "inventory"
TASK = "tasks/0001-structured-logging.md"
SPEC = "tasks/specs/0001-structured-logging.md"
PROGRAM = str(Path(sys.executable).with_name("codex-orchestrator"))
WHOLE = "codex-orchestrator run"
PARTS = ("import agents", "the example's tests", "one MCP server start")


def main() -> int:
    """Measure, print the tables, and return 1 when the goal is missed."""
    with tempfile.TemporaryDirectory() as folder:
        repository = Path(folder, "inventory")
        make_repository(repository)
        return measure(repository)


def measure(repository: Path) -> int:
    """Print the table of floor and whole, and where the time of the whole goes."""
    cwd, env = str(repository), clean()
    measured = interleave(
        {
            PARTS[0]: Process([sys.executable, "-c", "import agents"], cwd, env),
            PARTS[1]: test_command(repository),
            # Its stdin ends at once, so it starts, finds nobody, and ends.
            PARTS[2]: Process(server_command(repository), cwd, env),
            WHOLE: Process([PROGRAM, "run", TASK, "--format", "json"], cwd, env),
        },
        rounds=ROUNDS,
    )
    floor = sum(measured[part].median for part in PARTS)
    run = measured[WHOLE].median
    title = "A one-step offline run on the example"
    print(table(title, measured, floor=floor, floor_name=" + ".join(PARTS)))
    print(f"Goal: {WHOLE} ≤ {GOAL}x the floor. Measured: {run / floor:.2f}x\n")
    print_stages(repository, run, skipped=2)
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


def server_command(repository: Path) -> list[str]:
    """Return the command that starts the workspace server as a run does."""
    from codex_orchestrator.model.policy import Policy

    policy = repository.parent / "policy.json"
    policy.write_text(Policy().model_dump_json(), encoding="utf-8")
    return [PROGRAM, "mcp", "workspace", "--root", str(repository), "--policy", str(policy)]


def test_command(repository: Path) -> Process:
    """Return the command that a run's adapter calls."""
    from codex_orchestrator.adapters.python import PythonAdapter

    reports = repository.parent / "reports"
    command = PythonAdapter().commands(repository)["test"].writing_to(str(reports))

    def make_empty() -> None:
        shutil.rmtree(reports, ignore_errors=True)
        reports.mkdir()

    return Process(
        list(command.argv), str(repository), clean() | dict(command.env), before=make_empty
    )


def print_stages(repository: Path, run_s: float, *, skipped: int) -> None:
    """Say where the time of the runs went, from their manifests and event streams.

    Args:
        repository: holds the runs; the first `skipped` of them warmed up.
        run_s: seconds of a whole run.
        skipped: how many runs are left out.
    """
    spent: dict[str, list[float]] = defaultdict(list)
    for path in sorted(repository.glob(".runs/*/*/manifest.json"))[skipped:]:
        for name, seconds in seconds_by_stage(path).items():
            spent[name].append(seconds)
    medians = {name: statistics.median(values) for name, values in spent.items()}
    medians["start, import of the SDK, spec guard; closing"] = run_s - sum(medians.values())
    print("| where the run's time goes | median ms | of the run |\n|---|---:|---:|")
    for name, seconds in sorted(medians.items(), key=lambda item: -item[1]):
        print(f"| {name} | {seconds * 1e3:.0f} | {seconds / run_s:.0%} |")
    print()


def seconds_by_stage(path: Path) -> dict[str, float]:
    """Return how long one run took from each of its marks to the next, summed by name."""
    run = json.loads(path.read_bytes())["run"]
    lines = path.with_name("events.jsonl").read_text("utf-8").splitlines()
    events = [json.loads(line) for line in lines]
    marks = [("opening the agents: SDK, MCP server", run["started_at"])]
    marks += [(event.get("stage", event["event"]), event["at"]) for event in events]
    times = [datetime.fromisoformat(moment).timestamp() for _, moment in marks]
    spent: dict[str, float] = defaultdict(float)
    for (name, _), began, ended in zip(marks, times, times[1:], strict=False):
        spent[name] += ended - began
    return spent


def clean() -> dict[str, str]:
    """Return an environment in which compiled files are kept and no model is set."""
    unwanted = ("PYTHON", "OPENAI_", "CODEX_", "GITHUB_", "GIT_")
    return {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}


if __name__ == "__main__":
    sys.exit(main())
