"""A run in Codex Cloud for tests: a project, scripted agents, and the service on loopback."""

import difflib
import json
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from codex_orchestrator.codex.binary import find_codex
from support.codex_cloud_server import CloudService
from support.project import MODULE, CommandLine, Outcome
from support.responses_server import Request, Step, say, step

TASK = "tasks/logging.md"
FILE = "src/greeter/__init__.py"
CONFIG = '[codex]\nenvironment = "acme/repo"\n'
ROLES = {"plan": "planner", "carry": "builder", "explain": "tester", "review": "reviewer"}
EXPLAINED = step(say({"summary": "as said", "likely_cause": "", "suggestion": ""}))
APPROVED = step(say({"decision": "approve", "findings": [], "summary": "good"}))
CHANGES = step(say({"decision": "request-changes", "findings": [], "summary": "MEND-THIS"}))


def item(name: str, *after: str) -> dict[str, Any]:
    """Make a plan item whose instructions hold `DO-<name>`, for the service to tell it by."""
    return {
        "id": name,
        "title": f"Item {name}",
        "instructions": f"DO-{name}.",
        "depends_on": list(after),
        "requires_cloud": False,
        "paths": [],
        "step": None,
    }


def edit(old: str, new: str, *, text: str = MODULE) -> str:
    """Make the diff of the greeter with one text in place of another."""
    changed = text.replace(old, new)
    assert changed != text
    lines = difflib.unified_diff(
        text.splitlines(keepends=True),
        changed.splitlines(keepends=True),
        f"a/{FILE}",
        f"b/{FILE}",
    )
    return f"diff --git a/{FILE} b/{FILE}\n" + "".join(lines)


@dataclass
class Agents:
    """The scripted agents of a run; nobody builds, because the cloud does."""

    items: Sequence[dict[str, Any]] = (item("one"),)
    reviews: Sequence[Step] = (APPROVED,)
    asked: list[str] = field(default_factory=list)

    def __call__(self, request: Request) -> Step:
        """Answer as the role that the instructions name."""
        role = ROLES[str(request.body["instructions"]).split()[1]]
        self.asked.append(role)
        if role == "planner":
            return step(say({"summary": "a plan", "items": list(self.items), "risks": []}))
        if role == "reviewer":
            return self.reviews[min(self.asked.count(role), len(self.reviews)) - 1]
        assert role == "tester"
        return EXPLAINED


@dataclass
class CloudRun:
    """What a test of a cloud run works with."""

    repo: Path
    call: CommandLine
    service: CloudService
    agents: Agents

    def argv(self, *more: str) -> list[str]:
        return ["run", *more, "--model", "scripted", "--repo", str(self.repo), "--format", "json"]

    def start(self, *more: str) -> Outcome:
        """Start a run of the task."""
        return self.call(*self.argv(str(self.repo / TASK), *more))

    def resume(self, *more: str) -> Outcome:
        """Go on with the only run."""
        return self.call(*self.argv("--resume", self.manifest["run"]["id"], *more))

    def child(self) -> "subprocess.Popen[bytes]":
        """Start a run of the task in a process of its own."""
        program = [sys.executable, "-m", "codex_orchestrator"]
        argv = [*program, *self.argv(str(self.repo / TASK))]
        return subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @property
    def manifest(self) -> dict[str, Any]:
        (path,) = self.repo.glob(".runs/*/*/manifest.json")
        document: dict[str, Any] = json.loads(path.read_bytes())
        return document

    @property
    def item_of(self) -> dict[str, dict[str, Any]]:
        return {one["id"]: one for one in self.manifest["items"]}

    @property
    def prompts(self) -> list[str]:
        return [task.prompt for task in self.service.tasks.values()]

    def sent_for(self, name: str) -> int:
        """Count the tasks that the service got for an item."""
        return sum(f"DO-{name}." in prompt for prompt in self.prompts)


def codex_that_kills_its_caller(folder: Path, *, at: int, after_sending: bool) -> Path:
    """Make a codex that passes everything on, and at one `cloud exec` kills who called it."""
    count, real = folder / "execs", shlex.quote(find_codex().path)
    send = f'{real} "$@" >/dev/null 2>&1' if after_sending else ":"
    script = folder / "codex"
    script.write_text(
        "#!/bin/sh\n"
        'case " $* " in *" cloud exec "*)\n'
        f"  echo x >>{shlex.quote(str(count))}\n"
        f"  if [ $(wc -l <{shlex.quote(str(count))}) -eq {at} ]; then\n"
        f"    {send}; kill -9 $PPID; exit 1\n"
        "  fi;;\nesac\n"
        f'exec {real} "$@"\n'
    )
    script.chmod(0o755)
    return script
