"""A run with the real Codex as builder, in a process of its own, over a scripted model server.

The script has no memory: what a request gets depends on the request alone. So a run may be killed
and resumed anywhere, and asks for the same things again.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.project import git, make_project, task_with
from support.responses_server import (
    Request,
    ResponsesServer,
    Step,
    call,
    patch,
    responses_server,
    say,
    shell,
    step,
)

TASK = "tasks/logging.md"
MODULE = "src/greeter/__init__.py"
ROLES = {"plan": "planner", "carry": "builder", "explain": "tester", "review": "reviewer"}
# Codex gives its patch tool to models that it knows, and this is one.
MODEL = "gpt-5.5"
KEY = "sk-canary-whole-run-7d20c4e1"
PYTEST = (
    'from greeter import greet\n\n\ndef test_it_greets():\n    assert greet("you") == "hello you"\n'
)
PLANNED = {
    "id": "one",
    "title": "Greet loudly",
    "instructions": "Change the greeting.",
    "depends_on": [],
    "requires_cloud": False,
    "paths": ["src/**"],
    "step": None,
}
EXPLAINED = step(say({"summary": "as said", "likely_cause": "", "suggestion": ""}))
APPROVED = step(say({"decision": "approve", "findings": [], "summary": "good"}))
CHANGES = step(say({"decision": "request-changes", "findings": [], "summary": "TOO-LOUD"}))
PLAN = step(say({"summary": "one item", "items": [PLANNED], "risks": []}))


def change(old: str, new: str) -> str:
    """Make the body of a patch that changes one line of the module."""
    return f"*** Update File: {MODULE}\n@@\n-{old}\n+{new}\n"


LOUD = change('    print("greeting", name)', '    print("GREETING", name)')
BREAKING = change('    return f"hello {name}"', '    return "bye"')
MENDING = change('    return "bye"', '    return f"hello {name}"')
# Doing it twice shows in the file.
SECOND_FILE = shell("echo 'x = 1' >> src/greeter/second.py")
DONE = step(say("done"))


def role_of(request: Request) -> str:
    """Tell who asks: Codex is whoever streams, the agents begin "You plan", "You carry" …"""
    if request.body.get("stream"):
        return "codex"
    return ROLES[str(request.body["instructions"]).split()[1]]


def ask_codex(prompt: str) -> Step:
    """Let the builder hand its item to Codex."""
    return step(call("codex", prompt=prompt))


def built(request: Request) -> Step:
    """Let the builder say that the item it was asked for is done."""
    item = "repair-1" if "repair-1" in request.input_text else "one"
    return step(say({"item_id": item, "is_done": True, "summary": "Codex did it", "notes": []}))


@dataclass
class Course:
    """What the model says in a run: Codex's turns by the prompt's first word, and the agents.

    By default Codex patches a file with its patch tool, writes another one in its sandbox, and is
    done. With `breaks` it first makes the test fail, and mends that in the repair round.
    """

    breaks: bool = False
    codex: dict[str, Sequence[Step]] = field(default_factory=dict)
    reviews: Sequence[Step] = (APPROVED,)
    answers: dict[str, Any] = field(default_factory=dict)

    def __call__(self, request: Request) -> Step:
        """Answer a request."""
        role = role_of(request)
        if role in self.answers:
            answer = self.answers[role]
            return answer(request) if callable(answer) else answer
        if role == "codex":
            steps = self._codex_steps(request)
            return steps[min(request.step_index(), len(steps) - 1)]
        if role == "builder":
            is_repair = "repair-1" in request.input_text
            asked = ask_codex("MEND the greeter" if is_repair else "BUILD the greeter")
            return asked if request.step_index() == 0 else built(request)
        if role == "reviewer":
            return self.reviews[min("TOO-LOUD" in request.input_text, len(self.reviews) - 1)]
        return PLAN if role == "planner" else EXPLAINED

    def _codex_steps(self, request: Request) -> Sequence[Step]:
        word = "MEND" if "MEND the greeter" in request.input_text else "BUILD"
        if word in self.codex:
            return self.codex[word]
        if word == "MEND":
            return [step(patch(MENDING)), DONE]
        first = BREAKING if self.breaks else LOUD
        return [step(patch(first)), step(SECOND_FILE), DONE]


@dataclass
class CodexRun:
    """A repository, a model server, and the command line as a process."""

    repo: Path
    server: ResponsesServer
    home: Path
    key: str = KEY

    @property
    def environment(self) -> dict[str, str]:
        """All that the process gets: folders of its own, so that what it leaves can be seen."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        return {
            **kept,
            "HOME": str(self.home),
            "TMPDIR": str(self.home / "tmp"),
            "OPENAI_BASE_URL": self.server.url,
            "OPENAI_API_KEY": self.key,
        }

    def argv(self, *more: str) -> list[str]:
        """Return the command line of a run."""
        program = [sys.executable, "-m", "codex_orchestrator", "run", *more]
        return [*program, "--repo", str(self.repo), "--format", "json"]

    def launch(self, *more: str, **options: Any) -> "subprocess.Popen[str]":
        """Start a run of the task; with a run id after `--resume`, go on with that one."""
        task = [] if "--resume" in more else [TASK, "--model", MODEL, "--builder", "codex"]
        return subprocess.Popen(
            self.argv(*task, *more),
            cwd=self.repo,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def run(self, *more: str) -> "Ran":
        """Start a run and wait for its end."""
        with self.launch(*more) as process:
            out, err = process.communicate()
        return Ran(process.returncode, json.loads(out) if out else {}, err)

    def resume(self, *more: str) -> "Ran":
        """Go on with the only run."""
        return self.run("--resume", self.manifest["run"]["id"], *more)

    @property
    def manifests(self) -> list[Path]:
        return sorted(self.repo.glob(".runs/*/*/manifest.json"))

    @property
    def manifest(self) -> dict[str, Any]:
        (path,) = self.manifests
        document: dict[str, Any] = json.loads(path.read_bytes())
        return document

    def branches(self) -> list[str]:
        """Return the branches that runs made."""
        return git(
            self.repo, "for-each-ref", "--format=%(refname:short)", "refs/heads/codex-orchestrator"
        ).split()

    def asked(self, role: str) -> int:
        """Count the requests of a role."""
        return sum(
            role_of(request) == role
            for request in self.server.requests
            if request.path.endswith("/responses")
        )


@dataclass(frozen=True)
class Ran:
    """How a run ended."""

    code: int
    report: dict[str, Any]
    err: str


def make_repository(folder: Path, **files: str) -> Path:
    """Make the project with a pytest test and a task without steps."""
    return make_project(
        folder, **{TASK: task_with(steps=""), "tests/test_greeter.py": PYTEST, **files}
    )


@contextmanager
def codex_run(folder: Path, course: Any, **files: str) -> Iterator[CodexRun]:
    """Yield a run to be started, with its model server."""
    repo = make_repository(folder / "repo", **files)
    home = folder / "home"
    (home / "tmp").mkdir(parents=True)
    with responses_server({"*": course}) as server:
        yield CodexRun(repo, server, home)


def processes_of(home: Path) -> dict[int, str]:
    """Return the processes of a run, whoever their parents are: its folders tell them."""
    word, found = os.fsencode(home), {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            argv = (folder / "cmdline").read_bytes()
            text = (folder / "environ").read_bytes() + argv
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if word in text and state != "Z" and int(folder.name) != os.getpid():
            found[int(folder.name)] = argv.decode(errors="replace")
    return found


def kill(process: "subprocess.Popen[str]") -> None:
    """Kill a process as the system would when it runs out of memory, and collect it."""
    process.send_signal(signal.SIGKILL)
    process.communicate()
