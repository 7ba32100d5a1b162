"""What do ten items cost that the real Codex builds at once on this machine?

A run of a plan with ten independent items: each gets a work tree, an agent team, a workspace
server and a Codex of its own. The model on loopback answers at once, so all that is measured is
processes and our own work. Memory is the proportional share (PSS) of the run's whole process
tree. The outcome is checked: every item built once, merged in plan order, its file in the branch.

With such a model building at once is the slower way: each item starts processes that one by one
share. What it saves is the time that models take, and there is none here.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from run_overhead import clean

from codex_orchestrator.model.graph import choose_move
from codex_orchestrator.model.plan import Plan, PlanItem

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support.cloud_run import APPROVED, EXPLAINED, ROLES, TASK, item
from support.project import git, make_project, task_with
from support.responses_server import Request, Step, call, responses_server, say, shell_patch, step

PROGRAM = str(Path(sys.executable).with_name("codex-orchestrator"))
CONFIG = "[codex]\nparallel = 10\n"


class Course(NamedTuple):
    """One run: how long it took, its building, and one item's beginning; and its memory.

    `main_s` is what the main thread was on a processor for while items were built: it opens work
    trees, starts and awaits threads, records and merges. Git's own time is not in it.
    """

    wall_s: float
    build_s: float
    begin_s: float
    main_s: float
    peak_bytes: int


class Script:
    """Answers as the four agents, and as Codex, who is the one that streams."""

    def __init__(self, names: list[str]) -> None:
        self._names = names

    def __call__(self, request: Request) -> Step:
        if request.body.get("stream"):
            name = self._named(request)
            patch = f"*** Add File: src/greeter/{name}.py\n+NAME = '{name}'\n"
            return [step(shell_patch(patch)), step(say("patched"))][min(request.step_index(), 1)]
        role = ROLES[str(request.body["instructions"]).split()[1]]
        if role == "planner":
            items = [item(name) for name in self._names]
            return step(say({"summary": "a plan", "items": items, "risks": []}))
        if role == "builder":
            name = self._named(request)
            done = {"item_id": name, "is_done": True, "summary": "did it", "notes": []}
            steps = [step(call("codex", prompt=f"DO-{name}.")), step(say(done))]
            return steps[min(request.step_index(), 1)]
        return EXPLAINED if role == "tester" else APPROVED

    def _named(self, request: Request) -> str:
        text = request.input_text
        return next(name for name in self._names if f"DO-{name}." in text)


def main() -> int:
    """Measure and print; return 1 when an item was lost."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    names = [f"i{number:03}" for number in range(options.items)]
    apart = [one_run(names, at_once=len(names)) for _ in range(options.rounds)]
    alone = [one_run(names, at_once=1) for _ in range(options.rounds)]
    one = [one_run(names[:1], at_once=1) for _ in range(options.rounds)]
    print(f"### {len(names)} items with Codex on this machine, an instant model\n")
    print(f"Medians of {options.rounds} runs.\n")
    print("| items at once | whole run s | building s | building s an item | peak MB |")
    print("|---:|---:|---:|---:|---:|")
    for at_once, runs in ((len(names), apart), (1, alone)):
        build = median(runs, "build_s")
        print(
            f"| {at_once} | {median(runs, 'wall_s'):.1f} | {build:.1f} "
            f"| {build / len(names):.2f} | {median(runs, 'peak_bytes') / 1e6:.0f} |"
        )
    more = (median(apart, "peak_bytes") - median(one, "peak_bytes")) / max(1, len(names) - 1)
    print(
        f"\nFrom one item's start to the next: {median(apart, 'begin_s') * 1e3:.0f} ms (work tree, "
        f"checks, record). Of it on a processor in our main thread, merging included: "
        f"{median(apart, 'main_s') / len(names) * 1e3:.1f} ms an item; choosing what is next: "
        f"{choosing_s(names) * 1e3:.2f} ms. "
        f"{more / 1e6:.0f} MB an item. "
        f"At once {median(alone, 'build_s') / median(apart, 'build_s'):.2f}x as fast as one by "
        "one. None lost, all merged in plan order.\n"
    )
    return 0


def median(runs: list[Course], name: str) -> float:
    """Return the median of one figure."""
    return statistics.median(getattr(run, name) for run in runs)


def one_run(names: list[str], *, at_once: int) -> Course:
    """Build all items in one run and check what came of it."""
    task = task_with(steps="", limits=f"{{parallel: {at_once}}}")
    with tempfile.TemporaryDirectory() as folder, responses_server({"*": Script(names)}) as server:
        files = {TASK: task, ".codex-orchestrator.toml": CONFIG}
        repo = make_project(Path(folder, "repo"), **files)
        env = clean() | {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "sk-loopback"}
        argv = [PROGRAM, "run", TASK, "--model", "scripted", "--builder", "codex"]
        began = time.perf_counter()
        with subprocess.Popen(
            [*argv, "--format", "json"],
            cwd=repo,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            peak, spent = 0, [(time.time(), 0.0)]
            while process.poll() is None:
                peak = max(peak, tree_bytes(process.pid))
                spent.append((time.time(), main_thread_s(process.pid)))
                time.sleep(0.2)
            wall_s = time.perf_counter() - began
            out, err = process.communicate()
        if process.returncode:
            raise RuntimeError(err.decode()[-3000:])
        check(json.loads(out), names, repo)
        (events,) = repo.glob(".runs/*/*/events.jsonl")
        begins, end = item_times(events, names)
    main_s = spent_until(end, spent) - spent_until(begins[0], spent)
    gaps = [after - before for before, after in pairwise(begins)]
    return Course(wall_s, end - begins[0], statistics.median(gaps or [0.0]), main_s, peak)


def check(report: dict[str, Any], names: list[str], repo: Path) -> None:
    """Check that each item was built and merged."""
    if report["verdict"] != "approved":
        raise RuntimeError(f"verdict {report['verdict']}")
    files = git(repo, "ls-tree", "-r", "--name-only", report["branch"]).split()
    missing = [name for name in names if f"src/greeter/{name}.py" not in files]
    (manifest,) = repo.glob(".runs/*/*/manifest.json")
    items = [(one["id"], one["state"]) for one in json.loads(manifest.read_bytes())["items"]]
    if missing or items != [(name, "done") for name in names]:
        raise RuntimeError(f"missing {missing}; items {items}")


def item_times(events: Path, names: list[str]) -> tuple[list[float], float]:
    """Return when each item was begun, in order, and when the checks of the whole began."""
    begins, end = [], 0.0
    for line in events.read_text("utf-8").splitlines():
        event = json.loads(line)
        at = datetime.fromisoformat(event["at"]).timestamp()
        if event.get("stage") == "build" and any(
            event["text"] == f"{name}: Item {name}" for name in names
        ):
            begins.append(at)
        if event.get("stage") == "test" and not end:
            end = at
    return begins, end


def choosing_s(names: list[str], *, times: int = 200) -> float:
    """Return how long one choice of what is to be done next with the plan takes, in seconds."""
    items = tuple(PlanItem(id=name, title=name, instructions="") for name in names)
    plan = Plan(summary="", items=items)
    began = time.perf_counter()
    for _ in range(times):
        choose_move(plan, (), parallel=len(names))
    return (time.perf_counter() - began) / times


def main_thread_s(pid: int) -> float:
    """Return how long a process's main thread has been on a processor; 0.0 when it has ended."""
    try:
        return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[0]) / 1e9
    except OSError:
        return 0.0


def spent_until(moment: float, spent: list[tuple[float, float]]) -> float:
    """Return the last figure that was seen before a moment."""
    return max(figure for at, figure in spent if at <= moment)


def tree_bytes(root: int) -> int:
    """Return the proportional share of memory of a process and all below it, in bytes."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(path.parent.name))
    total, waiting = 0, [root]
    while waiting:
        pid = waiting.pop()
        waiting += children.get(pid, [])
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total += sum(
            int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Pss:")
        )
    return total


if __name__ == "__main__":
    sys.exit(main())
