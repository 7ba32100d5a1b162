"""The four agents of a run, each with a script of its own, on a model server on loopback."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.responses_server import (
    Request,
    ResponsesServer,
    Step,
    call,
    responses_server,
    say,
    step,
)

VERBS = {"plan": "planner", "carry": "builder", "explain": "tester", "review": "reviewer"}
Course = dict[str, list[Step]]


def role_of(request: Request) -> str:
    """Tell the role by its instructions, which begin "You plan", "You carry" and so on."""
    return VERBS[str(request.body["instructions"]).split()[1]]


def plan(*paths: str) -> Step:
    item = {
        "id": "one",
        "title": "Greet loudly",
        "instructions": "Change the greeting.",
        "depends_on": [],
        "requires_cloud": False,
        "paths": list(paths) or ["src/**"],
        "step": None,
    }
    return step(say({"summary": "one item", "items": [item], "risks": ["tone"]}))


def edit(old: str, new: str, path: str = "src/greeter/__init__.py") -> Step:
    text = f"*** Begin Patch\n*** Update File: {path}\n@@\n-{old}\n+{new}\n*** End Patch\n"
    return step(call("apply_patch", patch=text))


def built(item: str = "one", *, done: bool = True) -> Step:
    return step(say({"item_id": item, "is_done": done, "summary": "did it", "notes": []}))


EXPLAINED = step(say({"summary": "as the log says", "likely_cause": "", "suggestion": ""}))
APPROVED = step(say({"decision": "approve", "findings": [], "summary": "good"}))
CHANGES = step(say({"decision": "request-changes", "findings": [], "summary": "too loud"}))
GOOD_EDIT = edit('    print("greeting", name)', '    print("GREETING", name)')
BREAKING_EDIT = edit('    return f"hello {name}"', '    return "bye"')


def course(**roles: list[Step]) -> Callable[[Request], Step]:
    """Make a script: each role has its own steps, counted over the whole run."""
    counts: dict[str, int] = {}
    default: Course = {
        "planner": [plan()],
        "builder": [GOOD_EDIT, built()],
        "tester": [EXPLAINED],
        "reviewer": [APPROVED],
    }
    steps = default | roles

    def script(request: Request) -> Step:
        role = role_of(request)
        number = counts.get(role, 0)
        counts[role] = number + 1
        return steps[role][min(number, len(steps[role]) - 1)]

    return script


@contextmanager
def serving(script: Callable[[Request], Step]) -> Iterator[ResponsesServer]:
    with responses_server({"*": script}) as server:
        yield server


def manifest_of(project: Path) -> dict[str, Any]:
    path = next(project.glob(".runs/*/*/manifest.json"))
    document: dict[str, Any] = json.loads(path.read_bytes())
    return document
