"""What does the pipeline cost beyond the same model calls made with the bare Agents SDK?

The whole is `codex-orchestrator run` of a task without steps: planner, builder, tester and reviewer
with a model on loopback that answers at once. The floor is bare_sdk.py, one process that sends the
same texts, has the same tool calls carried out by one MCP server, and runs the same test command.
Both start cold, in turn; the server is asked nine times by each.
"""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

from benchlib import Process, interleave, table
from run_overhead import clean, print_stages, test_command

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support.cloud_run import FILE, edit
from support.project import git, make_project, task_with
from support.responses_server import (
    Request,
    ResponsesServer,
    Step,
    call,
    responses_server,
    say,
    step,
)

GOAL = 1.5
TASK = "tasks/logging.md"
PROGRAM = str(Path(sys.executable).with_name("codex-orchestrator"))
BARE = Path(__file__).with_name("bare_sdk.py")
ROLES = {"plan": "planner", "carry": "builder", "explain": "tester", "review": "reviewer"}
WHOLE, FLOOR, SDK = "codex-orchestrator run", "bare Agents SDK", "import agents"
PATCH = edit('    print("greeting", name)', '    print("GREETING", name)')
ITEM = {
    "id": "one",
    "title": "Greet loudly",
    "instructions": "Change the greeting.",
    "depends_on": [],
    "requires_cloud": False,
    "paths": ["src/**"],
    "step": None,
}
COURSES: dict[str, list[Step]] = {
    "planner": [
        step(call("list_files")),
        step(call("read_file", path=FILE)),
        step(say({"summary": "one item", "items": [ITEM], "risks": []})),
    ],
    "builder": [
        step(call("read_file", path=FILE)),
        step(call("apply_patch", patch=PATCH)),
        step(say({"item_id": "one", "is_done": True, "summary": "did it", "notes": []})),
    ],
    "tester": [step(say({"summary": "passed", "likely_cause": "", "suggestion": ""}))],
    "reviewer": [
        step(call("git_diff")),
        step(say({"decision": "approve", "findings": [], "summary": "good"})),
    ],
}
CALLS = sum(map(len, COURSES.values()))


def role_of(request: Request) -> str:
    """Tell the role by its instructions, which begin "You plan", "You carry" and so on."""
    return ROLES[str(request.body["instructions"]).split()[1]]


def answer(request: Request) -> Step:
    """Answer as the model; the step is counted by the tool results that came with the request."""
    course = COURSES[role_of(request)]
    return course[min(request.step_index(), len(course) - 1)]


def main() -> int:
    """Measure, print the tables, and return 1 when the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, responses_server({"*": answer}) as server:
        ours = make_project(Path(folder, "ours"), **{TASK: task_with(steps="")})
        bare = make_project(Path(folder, "bare"))
        return measure(ours, bare, server, rounds=options.rounds)


def measure(ours: Path, bare: Path, server: ResponsesServer, *, rounds: int) -> int:
    """Run both in turn and print their table, and where the time of the whole goes."""
    env = clean() | {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "sk-loopback"}
    argv = [PROGRAM, "run", TASK, "--model", "scripted", "--builder", "workspace"]
    whole = Process([*argv, "--format", "json"], str(ours), env)
    asked = ours.parent / "asked.json"
    first_run(whole, server, asked)
    test = test_command(bare)

    def forget() -> None:
        server.requests.clear()
        git(bare, "checkout", "-q", "--", ".")
        if test.before is not None:
            test.before()

    argv = [sys.executable, str(BARE), str(asked), str(bare), *test.argv]
    floor = Process(argv, str(bare), {**(test.env or {}), **env}, forget)
    check_same_calls(floor, server)
    sdk = Process([sys.executable, "-c", "import agents"], str(bare), env)
    measured = interleave({FLOOR: floor, WHOLE: whole, SDK: sdk}, rounds=rounds, warm=1)
    base, run = measured[FLOOR], measured[WHOLE]
    title = f"Four agents, {CALLS} model calls, an instant model"
    print(table(title, measured, floor=base.median, floor_name=FLOOR))
    pairs = sorted(a / b for a, b in zip(run.seconds, base.seconds, strict=True))
    ratio = statistics.median(pairs)
    print(
        f"Goal: {WHOLE} ≤ {GOAL}x {FLOOR}. Measured pair by pair: {ratio:.2f}x "
        f"({pairs[0]:.2f} to {pairs[-1]:.2f})\n"
    )
    left = [(run.median - measured[SDK].median), (base.median - measured[SDK].median)]
    print(
        f"Without the import of the SDK, which both need: {left[0] * 1e3:.0f} ms against "
        f"{left[1] * 1e3:.0f} ms, {left[0] / left[1]:.2f}x\n"
    )
    print_stages(ours, run.median, skipped=2)
    return int(ratio > GOAL)


def first_run(whole: Process, server: ResponsesServer, asked: Path) -> None:
    """Run once and write down what each role was told."""
    whole.run()
    told: dict[str, dict[str, str]] = {}
    for request in server.requests:
        message = request.body["input"][0]["content"]
        told.setdefault(
            role_of(request), {"instructions": request.body["instructions"], "message": message}
        )
    if len(server.requests) != CALLS or told.keys() != COURSES.keys():
        raise RuntimeError(f"the run asked {len(server.requests)} times, not {CALLS}")
    asked.write_text(json.dumps(told), "utf-8")


def check_same_calls(floor: Process, server: ResponsesServer) -> None:
    """Check that the floor makes the same calls and comes to the same end."""
    floor.run()
    if len(server.requests) != CALLS:
        raise RuntimeError(f"the floor asked {len(server.requests)} times, not {CALLS}")
    last = server.requests[-1].input_text
    if "GREETING" not in last:
        raise RuntimeError("the floor's reviewer did not see the change")


if __name__ == "__main__":
    sys.exit(main())
