"""Runs of plans with several items, for tests: every builder has a script of its own."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.cloud_run import APPROVED, EXPLAINED, ROLES, TASK
from support.project import CommandLine, Outcome
from support.responses_server import Request, ResponsesServer, Step, call, say, step

PATIENCE_S = 120.0
KEY = "sk-test-loopback-key"
Act = Callable[[Request], Step]


def built(name: str, *, done: bool = True) -> Step:
    """Make the builder's last answer for an item."""
    return step(say({"item_id": name, "is_done": done, "summary": f"did {name}", "notes": []}))


def add(path: str, text: str) -> Step:
    """Make a call that adds a file of one line by the workspace's tool."""
    return step(
        call(
            "apply_patch", patch=f"*** Begin Patch\n*** Add File: {path}\n+{text}\n*** End Patch\n"
        )
    )


def change(path: str, old: str, new: str) -> Step:
    """Make a call that changes a line by the workspace's tool."""
    text = f"*** Begin Patch\n*** Update File: {path}\n@@\n-{old}\n+{new}\n*** End Patch\n"
    return step(call("apply_patch", patch=text))


def waiting(event: threading.Event, then: Step) -> Act:
    """Make an answer that comes when something has happened."""

    def act(_request: Request) -> Step:
        assert event.wait(PATIENCE_S), "what the answer waits for never came"
        return then

    return act


def telling(event: threading.Event, then: Step) -> Act:
    """Make an answer that says that it was asked for."""

    def act(_request: Request) -> Step:
        event.set()
        return then

    return act


@dataclass
class Scripts:
    """Scripts of a run: what each builder and each Codex answers, by item and step of its course.

    A course that is made again with feedback is `NAME again`.
    """

    items: Sequence[dict[str, Any]]
    builders: dict[str, Sequence[Step | Act]] = field(default_factory=dict)
    codex: dict[str, Sequence[Step | Act]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def __call__(self, request: Request) -> Step:
        """Answer as the role and for the item that a request is about."""
        if request.body.get("stream"):
            name = self._named(request, "CODEX-")
            return self._next(self.codex[name], request, f"codex {name}")
        role = ROLES[str(request.body["instructions"]).split()[1]]
        if role == "planner":
            self.asked.append(role)
            return step(say({"summary": "a plan", "items": list(self.items), "risks": []}))
        if role == "builder":
            name = self._named(request, "DO-")
            if "does not fit" in request.input_text:
                name = f"{name} again"
            return self._next(self.builders[name], request, name)
        self.asked.append(role)
        return APPROVED if role == "reviewer" else EXPLAINED

    def begun(self, name: str) -> int:
        """Count how often an item was begun."""
        return self.asked.count(f"{name} 0")

    def _named(self, request: Request, mark: str) -> str:
        names = [one["id"] for one in self.items if f"{mark}{one['id']}." in request.input_text]
        assert len(names) == 1, names
        return str(names[0])

    def _next(self, course: Sequence[Step | Act], request: Request, name: str) -> Step:
        index = request.step_index()
        self.asked.append(f"{name} {index}")
        answer = course[min(index, len(course) - 1)]
        return answer(request) if callable(answer) else answer


@dataclass
class GraphRun:
    """What a test of such a run works with."""

    repo: Path
    call: CommandLine
    server: ResponsesServer
    scripts: Scripts

    def argv(self, *more: str) -> list[str]:
        return ["run", *more, "--model", "scripted", "--repo", str(self.repo)]

    def start(self, *more: str, builder: str = "workspace") -> Outcome:
        """Start a run of the task."""
        argv = self.argv(str(self.repo / TASK), "--builder", builder, *more)
        return self.call(*argv, "--format", "json")

    def resume(self, *more: str, builder: str = "workspace") -> Outcome:
        """Go on with the only run."""
        run_id = self.manifest["run"]["id"]
        argv = self.argv("--resume", run_id, "--builder", builder, *more)
        return self.call(*argv, "--format", "json")

    def child(self, *, builder: str = "workspace") -> "subprocess.Popen[str]":
        """Start a run in a process of its own, whose events can be read line by line."""
        argv = self.argv(str(self.repo / TASK), "--builder", builder, "--events", "-")
        return subprocess.Popen(
            [sys.executable, "-m", "codex_orchestrator", *argv],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def manifest(self) -> dict[str, Any]:
        (path,) = self.repo.glob(".runs/*/*/manifest.json")
        document: dict[str, Any] = json.loads(path.read_bytes())
        return document

    @property
    def states(self) -> dict[str, str]:
        return {one["id"]: one["state"] for one in self.manifest["items"]}

    @property
    def events(self) -> list[dict[str, Any]]:
        (path,) = self.repo.glob(".runs/*/*/events.jsonl")
        return [json.loads(line) for line in path.read_text().splitlines()]


def wait_for(process: "subprocess.Popen[str]", event: str, facts: Mapping[str, str]) -> None:
    """Read events of a run until one comes that has these facts."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("{"):
            found = json.loads(line)
            if found["event"] == event and all(found.get(key) == facts[key] for key in facts):
                return
    raise AssertionError(f"{event} {facts} never came")


def descendants(pid: int) -> dict[int, str]:
    """Return the processes that a process started, and they in turn, by id with their names."""
    parents: dict[int, tuple[int, str]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                text = Path("/proc", entry, "stat").read_text(errors="replace")
                words = Path("/proc", entry, "cmdline").read_bytes().split(b"\0")
            except (FileNotFoundError, ProcessLookupError):
                continue
            shown = b" ".join(words[:6]).decode(errors="replace")
            parents[int(entry)] = (int(text.rpartition(") ")[2].split()[1]), shown)
    found: dict[int, str] = {}
    fresh = {pid}
    while fresh:
        fresh = {one for one, (parent, _) in parents.items() if parent in fresh}
        found |= {one: parents[one][1] for one in fresh}
    return found
