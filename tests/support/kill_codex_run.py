"""Kill a real-codex run at random moments, resume it, and compare with a run that nobody killed.

    PYTHONPATH=tests python -m support.kill_codex_run --moments 50 --seed 1

A moment is a time after the start, or a short while after the n-th model request or event. The
seed chooses them all; how long a run takes is measured first. Prints a line for each moment, then
one JSON document, and exits 1 when anything differs.
"""

import argparse
import contextlib
import io
import itertools
import json
import random
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from codex_orchestrator.cli.app import run as run_command_line
from codex_orchestrator.codex.private_home import private_home
from support.codex_run import (
    TASK,
    CodexRun,
    Course,
    Ran,
    codex_run,
    kill,
    processes_of,
    role_of,
)
from support.project import git
from support.responses_server import Request, Step

# The codex calls of an item belong to the builder's stage.
STAGES = {"planner": "plan", "builder": "build", "codex": "build", "tester": "test"}
COURSE = ["plan", "build", "test", "review", "build repair", "test", "review"]
MARKS = ("tested", "reviewed")
GONE_S = 20.0


class Moment(NamedTuple):
    """When a run is killed. `at` counts seconds, model requests or events; `late_s` is added."""

    kind: str
    at: float
    late_s: float = 0.0

    def __str__(self) -> str:
        return f"{self.kind} {self.at:.3f} + {self.late_s * 1000:.0f} ms"


class Whole(NamedTuple):
    """What a run that nobody kills comes to."""

    tree: str
    seconds: float
    requests: int
    events: int


@dataclass
class Trial:
    """One moment: what was killed, what was asked for, and what is wrong."""

    moment: Moment
    reached: str = ""
    problems: list[str] = field(default_factory=list)
    resumes: int = 0
    gone_after_s: float = 0.0

    def require(self, problem: str, *, unless: object) -> None:
        """Note a problem."""
        if not unless:
            self.problems.append(problem)


def stage_of(request: Request) -> str:
    """Return the stage that a request belongs to, with its item for builds."""
    name = STAGES.get(role_of(request), "review")
    repair = "repair" if name == "build" and _is_of_repair(request) else ""
    return f"{name} {repair}".strip()


def _is_of_repair(request: Request) -> bool:
    text = request.input_text
    return "repair-1" in text or "MEND the greeter" in text


class Trigger:
    """Answers as the course does, and lets a process be killed after a number of requests."""

    def __init__(self, course: Course) -> None:
        self._course = course
        self._count = itertools.count(1)
        self.reached: dict[int, Callable[[], None]] = {}

    def __call__(self, request: Request) -> Step:
        """Answer, and call who waits for this request."""
        self.reached.pop(next(self._count), lambda: None)()
        return self._course(request)


def measure(folder: Path, *, is_warm: bool) -> Whole:
    """Run once without a kill; where nothing is compiled yet, a run before it sees to that."""
    for name in ("second",) if is_warm else ("first", "second"):
        with codex_run(folder / name, Course(breaks=True)) as run:
            begun = time.monotonic()
            events = folder / f"{name}.jsonl"
            done = run.run("--events", str(events))
            seconds = time.monotonic() - begun
            assert done.code == 0, done.err
            tree = git(run.repo, "rev-parse", f"{done.report['branch']}^{{tree}}").strip()
            requests = len(responses(run))
            assert run.manifest["usage"]["requests"] == requests
    lines = events.read_bytes().count(b"\n")
    return Whole(tree, seconds, requests, lines)


def responses(run: CodexRun) -> list[Request]:
    """Return the requests that asked a model."""
    return [one for one in run.server.requests if one.path.endswith("/responses")]


def choose_moments(whole: Whole, count: int, *, seed: int) -> list[Moment]:
    """Spread moments over a run: a third by time, by request and by event each."""
    chance = random.Random(seed)  # noqa: S311 - repeatable moments
    ends = {"seconds": whole.seconds, "request": whole.requests, "event": whole.events}
    kinds = itertools.cycle(ends)
    moments = []
    for number, kind in zip(range(count), kinds, strict=False):
        # One moment in each slice of the run, so that no part is left out by chance.
        part = (number + chance.random()) / count
        if kind == "seconds":
            moments.append(Moment(kind, part * whole.seconds))
        else:
            late = chance.choice((0.0, chance.random() * 0.05, chance.random() * 0.4))
            moments.append(Moment(kind, 1 + int(part * ends[kind]), late))
    chance.shuffle(moments)
    return moments


@contextmanager
def waiting_for(moment: Moment, trigger: Trigger, events: Path) -> Iterator[threading.Event]:
    """Yield an event that is set when the moment has come."""
    come, over = threading.Event(), threading.Event()

    def watch() -> None:
        if moment.kind == "seconds":
            over.wait(moment.at)
        while moment.kind == "event" and not over.is_set():
            with contextlib.suppress(OSError):
                if events.read_bytes().count(b"\n") >= moment.at:
                    break
            time.sleep(0.001)
        over.wait(moment.late_s)
        come.set()

    watcher = threading.Thread(target=watch, daemon=True)
    if moment.kind == "request":
        trigger.reached[int(moment.at)] = watcher.start
    else:
        watcher.start()
    try:
        yield come
    finally:
        over.set()


def try_moment(folder: Path, moment: Moment, whole: Whole) -> Trial:
    """Kill a run at a moment, resume it, and say what differs from the whole run."""
    trial = Trial(moment)
    trigger = Trigger(Course(breaks=True))
    with codex_run(folder, trigger) as run:
        events = folder / "events.jsonl"
        with waiting_for(moment, trigger, events) as come:
            process = run.launch("--events", str(events))
            while not come.wait(0.002) and process.poll() is None:
                pass
        homes = homes_in(processes_of(run.home))
        kill(process)
        trial.gone_after_s = wait_until_gone(trial, run.home)
        before = run.manifest if run.manifests else {}
        asked = len(responses(run))
        trial.reached = _reached(run, before)
        done = _resume(trial, run, before)
        judge_requests(trial, run, before, asked)
        judge_end(trial, run, done, whole)
        with private_home():
            left = [home for home in homes if home.exists()]
        trial.require(f"left behind: {left}", unless=not left)
    shutil.rmtree(folder)
    return trial


def _reached(run: CodexRun, before: dict[str, Any]) -> str:
    state = before["run"]["state"] if before else "no manifest"
    asked = responses(run)
    return f"{state}, {stage_of(asked[-1]) if asked else 'nothing asked'}"


def homes_in(processes: dict[int, str]) -> set[Path]:
    """Return the private folders of Codex that processes name."""
    found = set()
    for number in processes:
        with contextlib.suppress(OSError):
            for entry in Path(f"/proc/{number}/environ").read_bytes().split(b"\0"):
                name, _, value = entry.partition(b"=")
                if name in (b"CODEX_HOME", b"TMPDIR") and b"codex-orchestrator-home-" in value:
                    found.add(Path(value.decode()).parent)
    return found


def wait_until_gone(trial: Trial, home: Path) -> float:
    """Wait until no process of the run is left; return how long that took."""
    begun = time.monotonic()
    while left := processes_of(home):
        if time.monotonic() - begun > GONE_S:
            trial.problems.append(f"left running: {sorted(left.values())}")
            break
        time.sleep(0.01)
    return time.monotonic() - begun


def _resume(trial: Trial, run: CodexRun, before: dict[str, Any]) -> Ran:
    trial.resumes = 1
    if before:
        return run.resume()
    # Killed before its first manifest: nobody was told of a run, and the user starts one.
    return run.run()


def judge_requests(trial: Trial, run: CodexRun, before: dict[str, Any], asked: int) -> None:
    """Compare what was asked for with what was counted, and with what had been done."""
    requests, usage = responses(run), run.manifest["usage"]["requests"]
    known = before["usage"]["requests"] if before else 0
    trial.require(
        f"usage says {usage}: {known} before, {len(requests) - asked} since",
        unless=usage == known + len(requests) - asked,
    )
    finished = finished_stages(before) if before else 0
    stages = stages_of(requests[:asked])
    trial.require(
        f"{finished} stages are recorded, and before the kill there were {stages}",
        unless=stages in (COURSE[:finished], COURSE[: finished + 1]),
    )
    again = stages_of(requests[asked:])
    trial.require(
        f"{finished} stages were finished, and after the kill came {again}",
        unless=again == COURSE[finished:],
    )


def stages_of(requests: list[Request]) -> list[str]:
    """Return the stages that requests belong to, in order."""
    return [stage for stage, _ in itertools.groupby(map(stage_of, requests))]


def finished_stages(manifest: dict[str, Any]) -> int:
    """Return how many stages of the course a manifest says are finished."""
    run = manifest["run"]
    done = {item["id"]: item["tree"] for item in manifest["items"] if item["state"] == "done"}
    marks = [bool(manifest["plan"])]
    for item in ("one", "repair-1"):
        tree = done.get(item, "")
        later = item == "one" and "repair-1" in done
        marks += [bool(tree), *(later or (tree and run[name] == tree) for name in MARKS)]
    return sum(map(bool, marks))


def judge_end(trial: Trial, run: CodexRun, done: Ran, whole: Whole) -> None:
    """Compare the end with the whole run's, and look for what was done twice or left."""
    trial.require(f"resume ended with {done.code}: {done.err[-600:]}", unless=done.code == 0)
    branches = run.branches()
    trial.require(f"branches: {branches}", unless=len(branches) == 1)
    for branch in branches:
        tree = git(run.repo, "rev-parse", f"{branch}^{{tree}}").strip()
        trial.require(f"tree {tree}, not {whole.tree}", unless=tree == whole.tree)
        commits = git(run.repo, "rev-list", f"main..{branch}").split()
        trial.require(f"{len(commits)} commits", unless=len(commits) == 1)
    trial.require(f"manifests: {len(run.manifests)}", unless=len(run.manifests) == 1)
    for command in (["runs", "verify"], ["audit", "verify"]):
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = run_command_line([*command, "--repo", str(run.repo)])
        trial.require(f"{command}: {code} {said.getvalue()[-400:]}", unless=code == 0)
    log = (run.repo / "out/audit.log").read_text().splitlines()
    told = Counter(json.loads(line)["event"] for line in log)
    for event in ("run-started", "run-finished"):
        trial.require(f"{told[event]} records of {event}", unless=told[event] == 1)
    trees = git(run.repo, "worktree", "list").splitlines()
    trial.require(f"work trees: {trees}", unless=len(trees) == 1)
    refs = git(run.repo, "for-each-ref", "refs/codex-orchestrator").split()
    trial.require(f"refs: {refs}", unless=not refs)
    wait_until_gone(trial, run.home)
    left = [
        path
        for path in run.home.rglob("*")
        if (path.is_file() or path.parent.name == "tmp")
        # What is kept for the next run: which layers work here, and results at the base.
        and not (path.parent.name == "codex-orchestrator" and path.name.startswith("layers-"))
        and not path.parent.name.endswith("-baselines")
    ]
    said = "".join(path.read_text()[-1500:] for path in left if "-bug-" in path.name)
    trial.require(f"left: {left} {said}", unless=not left)


def sweep(
    folder: Path, count: int, *, seed: int, say: Callable[[str], None], is_warm: bool = False
) -> dict[str, Any]:
    """Try moments one after the other; return what was found as a document."""
    whole = measure(folder / "whole", is_warm=is_warm)
    say(f"a whole run: {whole.seconds:.1f} s, {whole.requests} requests, {whole.events} events")
    trials = []
    for number, moment in enumerate(choose_moments(whole, count, seed=seed)):
        trial = try_moment(folder / str(number), moment, whole)
        trials.append(trial)
        verdict = "; ".join(trial.problems) or "same"
        say(f"{number + 1:3} {moment}: {trial.reached}: {verdict}")
    return {
        "task": TASK,
        "seed": seed,
        "seconds": round(whole.seconds, 1),
        "moments": len(trials),
        "reached": dict(Counter(trial.reached for trial in trials)),
        "longest_end_ms": round(max(trial.gone_after_s for trial in trials) * 1000),
        "bad": [{"moment": str(t.moment), "problems": t.problems} for t in trials if t.problems],
    }


def main() -> None:
    """Run the sweep from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moments", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = sweep(Path(folder), chosen.moments, seed=chosen.seed, say=_say)
    sys.stdout.write(json.dumps(found, indent=1) + "\n")
    sys.exit(1 if found["bad"] else 0)


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    main()
