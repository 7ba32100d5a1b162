"""The real Codex as builder: the four agents and Codex on one scripted model server."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.project import CommandLine, Outcome, git
from support.responses_server import (
    Request,
    ResponsesServer,
    Step,
    call,
    responses_server,
    say,
    shell,
    shell_patch,
    status,
    step,
)

TASK = "tasks/logging.md"
VERBS = {"plan": "planner", "carry": "builder", "explain": "tester", "review": "reviewer"}
KEY = "sk-canary-codex-builder-31f0"
ITEM = {
    "id": "one",
    "title": "Greet loudly",
    "instructions": "Change the greeting.",
    "depends_on": [],
    "requires_cloud": False,
    "paths": ["src/**"],
    "step": None,
}
PATCH = (
    '*** Update File: src/greeter/__init__.py\n@@\n-    print("greeting", name)\n'
    '+    print("GREETING", name)\n'
)
ASK = step(call("codex", prompt="Greet loudly in src/greeter/__init__.py"))


def built(*, done: bool = True, item: str = "one") -> Step:
    return step(say({"item_id": item, "is_done": done, "summary": "Codex did it", "notes": []}))


def script_of(
    codex: list[Step], builder: list[Step], reviewer: Step | None = None
) -> Callable[[Request], Step]:
    """Make a script: Codex is whoever streams; the agents are told by their instructions."""
    good = step(say({"decision": "approve", "findings": [], "summary": "good"}))
    counts = {"codex": 0, "builder": 0}
    steps = {"codex": codex, "builder": builder}

    def script(request: Request) -> Step:
        role = (
            "codex"
            if request.body.get("stream")
            else VERBS[str(request.body["instructions"]).split()[1]]
        )
        if role in steps:
            counts[role] += 1
            return steps[role][min(counts[role], len(steps[role])) - 1]
        return {
            "planner": step(say({"summary": "one item", "items": [ITEM], "risks": []})),
            "tester": step(say({"summary": "as said", "likely_cause": "", "suggestion": ""})),
            "reviewer": reviewer or good,
        }[role]

    return script


@pytest.fixture
def run_codex(
    project: Path, call: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[Outcome, dict[str, Any], ResponsesServer]]:
    def run(
        codex: list[Step], builder: list[Step], *more: str
    ) -> tuple[Outcome, dict[str, Any], ResponsesServer]:
        with responses_server({"*": script_of(codex, builder)}) as server:
            monkeypatch.setenv("OPENAI_BASE_URL", server.url)
            monkeypatch.setenv("OPENAI_API_KEY", KEY)
            argv = ["run", str(project / TASK), "--model", "scripted", "--builder", "codex", *more]
            done = call(*argv, "--repo", str(project), "--format", "json")
        return done, json.loads(done.out) if done.out else {}, server

    return run


def manifest_of(project: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(
        next(project.glob(".runs/*/*/manifest.json")).read_bytes()
    )
    return document


def test_codex_edits_the_work_tree_and_the_four_agents_take_it_from_there(
    run_codex: Any, project: Path
) -> None:
    done, report, server = run_codex(
        [step(shell_patch(PATCH)), step(say("patched"))], [ASK, built()]
    )
    assert (done.code, report["verdict"]) == (0, "approved"), done.err
    assert "GREETING" in git(project, "show", f"{report['branch']}:src/greeter/__init__.py")
    engine = manifest_of(project)["engine"]
    assert engine["builder"] == "codex"
    assert engine["codex"]
    agents = [one for one in server.requests if one.body.get("instructions")]
    assert manifest_of(project)["usage"]["requests"] == len(server.requests) > len(agents)


def test_the_key_is_in_no_file_that_a_codex_run_leaves(run_codex: Any, project: Path) -> None:
    run_codex([step(shell("env")), step(say("looked"))], [ASK, built()])
    for path in project.rglob("*"):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes(), path


def test_a_wish_to_leave_the_sandbox_stops_the_run_for_a_person(
    run_codex: Any, project: Path
) -> None:
    wish = step(
        shell("touch /etc/made", sandbox_permissions="require_escalated", justification="please")
    )
    done, _, _ = run_codex([wish, step(say("was declined"))], [ASK, built(done=False)])
    assert done.code == 6, done.err
    assert "run:touch" in done.err
    assert manifest_of(project)["run"]["state"] == "waiting"


def test_a_protected_path_that_codex_changes_stops_the_run_for_a_person(
    run_codex: Any, project: Path
) -> None:
    patch = "*** Add File: .github/workflows/x.yml\n+on: push\n"
    done, _, _ = run_codex([step(shell_patch(patch)), step(say("added"))], [ASK, built()])
    assert done.code == 6, done.err
    assert "--approve edit:.github/workflows/x.yml" in done.err


def test_a_model_server_that_refuses_codex_is_exit_3(run_codex: Any) -> None:
    done, _, _ = run_codex([status(401)], [ASK, built(done=False)])
    assert done.code == 3, done.err
    assert "refused Codex's key" in done.err


def test_a_finished_run_of_codex_is_resumed_without_asking_anybody(
    run_codex: Any, project: Path, call: CommandLine
) -> None:
    _, report, server = run_codex([step(shell_patch(PATCH)), step(say("patched"))], [ASK, built()])
    asked = len(server.requests)
    again = call("run", "--resume", report["run_id"], "--repo", str(project), "--format", "json")
    assert (again.code, json.loads(again.out)["branch"]) == (0, report["branch"]), again.err
    assert len(server.requests) == asked


def test_codex_with_the_offline_model_is_exit_2(project: Path, call: CommandLine) -> None:
    task = project / "tasks/steps.md"
    text = (project / TASK).read_text().replace("checks:", "steps: [{command: [ls]}]\nchecks:")
    task.write_text(text)
    done = call("run", str(task), "--builder", "codex", "--repo", str(project))
    assert done.code == 2
    assert "--builder" in done.err


def test_a_resumed_run_keeps_its_builder_whatever_mode_new_runs_are_to_have(
    project: Path, call: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with responses_server({"*": lambda _request: status(401)}) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        options = ("--repo", str(project), "--format", "json")
        assert call("run", str(project / TASK), "--model", "scripted", *options).code == 3
        (path,) = project.glob(".runs/*/*/manifest.json")
        before = json.loads(path.read_bytes())["engine"]
        monkeypatch.setenv("CODEX_MODE", "cloud")
        assert call("run", "--resume", path.parent.name, *options).code == 3
    assert before["builder"] == "codex"
    assert json.loads(path.read_bytes())["engine"] == before
