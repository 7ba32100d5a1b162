"""What do we add to a hundred Codex Cloud tasks that are at work at once?

A run in cloud mode of a plan with 100 independent items: the whole pipeline and the real
`codex cloud` command, against a service on loopback. What the command takes is Codex's own and
is taken off; the rest of the time between the first submission and the last merge is ours. The
outcome is checked, too: each item sent once, merged in plan order, its file in the branch.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

from run_overhead import clean

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support.cloud_run import CONFIG, TASK, Agents, item
from support.codex_cloud_server import (
    CloudPlan,
    CloudService,
    chatgpt_sign_in,
    codex_cloud_service,
    file_diff,
)
from support.project import git, make_project, task_with
from support.responses_server import responses_server

MOST_SCHEDULING_MS = 5.0
MOST_TASK_BYTES = 1024 * 1024
DRIVER = str(Path(__file__).with_name("cloud_driver.py"))
PHASES = {"all sent": "sending", "all ready": "waiting", "all merged": "choosing and merging"}


def main() -> int:
    """Measure, print the table, and return 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", default="", help="write figures of cProfile there instead")
    options = parser.parse_args()
    names = [f"i{number:03}" for number in range(options.tasks)]
    runs = []
    for _ in range(1 if options.profile else options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            course = one_run(Path(folder), names, options.profile)
        if course:
            runs.append(course)
    return report(runs, len(names)) if runs else 0


def one_run(folder: Path, names: list[str], profile: str) -> dict[str, Any]:
    """Run all items in the cloud once, check what came of it, and return the driver's report."""
    config = f"{CONFIG}parallel = {len(names)}\n"
    task = task_with(steps="", execution="{parallel: true}")
    repo = make_project(folder / "repo", **{TASK: task, ".codex-orchestrator.toml": config})
    agents = Agents(items=[item(name) for name in names])
    with codex_cloud_service(folder) as service, responses_server({"*": agents}) as server:
        for name in names:
            diff = file_diff(f"src/greeter/{name}.py", f"NAME = '{name}'")
            service.plans[f"DO-{name}."] = CloudPlan(looks=2, diffs=(diff,))
        env = {
            **clean(),
            **service.environment,
            "OPENAI_BASE_URL": server.url,
            "OPENAI_API_KEY": "sk-loopback",
            "CODEX_ORCHESTRATOR_CLOUD_AUTH": chatgpt_sign_in(),
        }
        argv = [sys.executable, DRIVER, str(repo), str(repo / TASK), profile]
        done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr[-3000:])
        if profile:
            return {}
        course: dict[str, Any] = json.loads(done.stdout)
        check(course, names, service, repo)
    return course


def check(course: dict[str, Any], names: list[str], service: CloudService, repo: Path) -> None:
    """Check that nothing was lost, sent twice, or merged out of order."""
    wanted = [{"id": name, "state": "done", "sent": 1} for name in names]
    if course["items"] != wanted or len(service.tasks) != len(names):
        raise RuntimeError(f"{len(service.tasks)} sent; items: {course['items']}")
    if course["verdict"] != "approved":
        raise RuntimeError(f"verdict {course['verdict']}")
    files = git(repo, "ls-tree", "-r", "--name-only", course["branch"]).split()
    missing = [name for name in names if f"src/greeter/{name}.py" not in files]
    if missing:
        raise RuntimeError(f"not in the branch: {missing}")


def report(runs: list[dict[str, Any]], count: int) -> int:
    """Print medians over the runs, per task."""
    ours: dict[str, list[float]] = {phase: [] for phase in PHASES.values()}
    codex: dict[str, list[float]] = {phase: [] for phase in PHASES.values()}
    cpu: dict[str, list[float]] = {phase: [] for phase in PHASES.values()}
    held = []
    for run in runs:
        for before, after in pairwise(run["marks"]):
            phase = PHASES[after["name"]]
            elsewhere = after["elsewhere_s"] - before["elsewhere_s"]
            cpu[phase].append((after["cpu_s"] - before["cpu_s"]) / count * 1e3)
            codex[phase].append(elsewhere / count * 1e3)
            ours[phase].append((after["wall_s"] - before["wall_s"] - elsewhere) / count * 1e3)
        first, last = run["marks"][0]["bytes"], max(mark["bytes"] for mark in run["marks"][1:3])
        held.append((last - first) / count)
    print(f"### {count} tasks in Codex Cloud at once\n")
    print(f"Milliseconds per task, medians of {len(runs)} runs.\n")
    print("| phase | ours | our CPU | Codex's command, and pauses |\n|---|---:|---:|---:|")
    for phase, values in ours.items():
        theirs = statistics.median(codex[phase])
        own = statistics.median(cpu[phase])
        print(f"| {phase} | {statistics.median(values):.2f} | {own:.2f} | {theirs:.1f} |")
    scheduling = statistics.median(map(sum, zip(ours["sending"], ours["waiting"], strict=True)))
    task_bytes = statistics.median(held)
    print(
        f"\nScheduling (sending and waiting): {scheduling:.2f} ms a task "
        f"(goal {MOST_SCHEDULING_MS:.0f}), {task_bytes / 1024:.0f} KB a waiting task "
        f"(goal {MOST_TASK_BYTES / 1024:.0f}), none lost, all merged in plan order.\n"
    )
    return int(scheduling > MOST_SCHEDULING_MS or task_bytes > MOST_TASK_BYTES)


if __name__ == "__main__":
    sys.exit(main())
