"""Independent items at work at once: real servers, the real Codex, a scripted model."""

import os
import shutil
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from codex_orchestrator.model.canonical import canonical_bytes, sha256_hex
from support.cloud_run import TASK, item
from support.graph_run import (
    KEY,
    PATIENCE_S,
    GraphRun,
    Scripts,
    add,
    built,
    change,
    descendants,
    telling,
    wait_for,
    waiting,
)
from support.project import CommandLine, commit_all, git, make_project, task_with, write
from support.responses_server import Request, Step, call, responses_server, say, shell_patch, step
from support.workspace import is_running

GREETER = "src/greeter/__init__.py"
OLD = '    print("greeting", name)'


@pytest.fixture
def run(tmp_path: Path, call: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Iterator[GraphRun]:
    repo = make_project(tmp_path / "repo", **{TASK: task_with(steps="")})
    scripts = Scripts([item("one"), item("two")])
    with responses_server({"*": scripts}) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        yield GraphRun(repo, call, server, scripts)


def codex_adds(run: GraphRun, name: str, first: Any) -> None:
    """Let the builder of an item hand it to Codex, which answers `first` and then is done."""
    run.scripts.builders[name] = [step(call("codex", prompt=f"CODEX-{name}.")), built(name)]
    run.scripts.codex[name] = [first, step(say("added"))]


def codex_patch(name: str) -> Step:
    return step(shell_patch(f"*** Add File: src/greeter/{name}.py\n+NAME = '{name}'\n"))


def branch_files(run: GraphRun) -> set[str]:
    branch = git(run.repo, "for-each-ref", "--format=%(refname)", "refs/heads/codex-orchestrator")
    return set(git(run.repo, "diff", "--name-only", "main", branch.strip()).split())


def leaves_no_item_tree(run: GraphRun) -> bool:
    return ".item-" not in git(run.repo, "worktree", "list")


def test_two_items_are_with_codex_at_the_same_time(run: GraphRun) -> None:
    meeting = threading.Barrier(2, timeout=PATIENCE_S)

    def meet(name: str) -> Any:
        def act(_request: Request) -> Step:
            meeting.wait()
            return codex_patch(name)

        return act

    for name in ("one", "two"):
        codex_adds(run, name, meet(name))
    done = run.start(builder="codex")
    assert done.code == 0, done.err
    assert branch_files(run) == {"src/greeter/one.py", "src/greeter/two.py"}
    assert run.manifest["usage"]["requests"] == len(run.server.requests)
    assert {one.get("item") for one in run.events if one["event"] == "tool-call"} == {"one", "two"}
    assert git(run.repo, "worktree", "list").count("\n") == 1
    assert git(run.repo, "for-each-ref", "refs/codex-orchestrator").strip() == ""


def test_a_diamond_with_a_conflict_is_mended_and_approved(run: GraphRun) -> None:
    run.scripts.items = [
        item("top"), item("left", "top"), item("right", "top"), item("last", "left", "right"),
    ]  # fmt: skip
    new = '    print("top", name)'
    run.scripts.builders = {
        "top": [change(GREETER, OLD, new), built("top")],
        "left": [change(GREETER, new, '    print("left", name)'), built("left")],
        "right": [change(GREETER, new, '    print("right", name)'), built("right")],
        "right again": [
            change(GREETER, '    print("left", name)', '    print("left and right", name)'),
            built("right"),
        ],
        "last": [change(GREETER, '    print("left and right", name)', OLD), built("last"),],
    }  # fmt: skip
    run.scripts.builders["last"] = [add("src/greeter/last.py", "x = 1"), built("last")]
    done = run.start()
    assert done.code == 0, done.err
    branch = git(run.repo, "for-each-ref", "--format=%(refname)", "refs/heads/codex-orchestrator")
    assert "left and right" in git(run.repo, "show", f"{branch.strip()}:{GREETER}")
    found = run.manifest["review"]["findings"]
    assert [(one["rule"], one["severity"]) for one in found] == [("run/merge-conflict", "note")]
    assert list(run.states) == ["top", "left", "right", "last"]
    assert set(run.states.values()) == {"done"}


def test_all_protected_paths_are_asked_for_at_once_and_granted_together_in_another_clone(
    run: GraphRun, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        run.scripts.builders[name] = [add(f".github/workflows/{name}.yml", "on: push"), built(name)]
    run.scripts.items = [*run.scripts.items, item("free")]
    run.scripts.builders["free"] = [add("src/greeter/free.py", "x = 1"), built("free")]
    done = run.start()
    assert done.code == 6, done.err
    wanted = [f"edit:.github/workflows/{name}.yml" for name in ("one", "two")]
    assert all(f"--approve {one}" in done.err for one in wanted), done.err
    assert run.manifest["run"]["state"] == "waiting"
    assert run.states["free"] == "built"
    assert leaves_no_item_tree(run)
    digest = sha256_hex(canonical_bytes(run.manifest))
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(run.repo), str(clone))
    shutil.copytree(run.repo / ".runs", clone / ".runs")
    run.repo = clone
    granted = [word for one in wanted for word in ("--approve", one)]
    done = run.resume(*granted, "--manifest-sha256", digest)
    assert done.code == 0, done.err
    assert len(branch_files(run)) == 3
    assert run.scripts.begun("free") == 1


def test_a_protected_path_that_codex_changes_in_an_item_stops_the_run(run: GraphRun) -> None:
    patch = step(shell_patch("*** Add File: .github/workflows/x.yml\n+on: push\n"))
    codex_adds(run, "one", patch)
    codex_adds(run, "two", codex_patch("two"))
    done = run.start(builder="codex")
    assert done.code == 6, done.err
    assert "--approve edit:.github/workflows/x.yml" in done.err


def test_turns_are_counted_over_all_items_together(run: GraphRun) -> None:
    write(run.repo, TASK, task_with(steps="", limits="{turns: 4}"))
    commit_all(run.repo, "few turns")
    for name in ("one", "two"):
        run.scripts.builders[name] = [add(f"src/greeter/{name}.py", "x = 1"), built(name)]
    done = run.start()
    # One for the plan, and two for each item; the fifth is one too many.
    assert done.code == 1, done.err
    assert "limit of 4 turns" in run.manifest["notes"]["summary"]
    assert run.manifest["usage"]["turns"] == 4
    assert leaves_no_item_tree(run)


def test_a_plan_in_a_circle_is_refused_and_the_planner_told_why(run: GraphRun) -> None:
    run.scripts.items = [item("one", "two"), item("two", "one")]
    done = run.start()
    told = "items depend on each other in a circle: one -> two -> one"
    assert done.code == 1, done.err
    assert told in run.manifest["notes"]["summary"]
    first, second = (request.input_text for request in run.server.requests)
    assert told not in first
    assert told in second


def test_sigterm_ends_every_process_of_every_item(run: GraphRun) -> None:
    asked = {name: threading.Event() for name in ("one", "two")}
    never = threading.Event()

    def hang(name: str) -> Any:
        def act(_request: Request) -> Step:
            asked[name].set()
            never.wait(PATIENCE_S)
            return codex_patch(name)

        return act

    for name in ("one", "two"):
        codex_adds(run, name, hang(name))
    with run.child(builder="codex") as process:
        try:
            assert all(event.wait(PATIENCE_S) for event in asked.values())
            family = descendants(process.pid)
            assert sum("mcp codex" in shown for shown in family.values()) == 3
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=PATIENCE_S)
        finally:
            process.kill()
            never.set()
    assert process.returncode == 130, err
    assert not [shown for pid, shown in family.items() if is_running(pid)]
    assert leaves_no_item_tree(run)
    assert run.manifest["run"]["state"] == "interrupted"
    for name in ("one", "two"):
        codex_adds(run, name, codex_patch(name))
    done = run.resume(builder="codex")
    assert done.code == 0, done.err
    assert branch_files(run) == {"src/greeter/one.py", "src/greeter/two.py"}


@pytest.mark.parametrize(
    ("event", "facts"),
    [
        ("tool-result", {"item": "one"}),
        ("stage", {"text": "two: built"}),
        ("stage", {"text": "one: merged"}),
    ],
)
def test_a_run_that_is_killed_goes_on_to_the_same_tree(
    run: GraphRun, event: str, facts: dict[str, str]
) -> None:
    two_is_asked, two_is_built = threading.Event(), threading.Event()
    run.scripts.builders = {
        "one": [
            waiting(two_is_asked, add("src/greeter/one.py", "x = 1")),
            waiting(two_is_built, built("one")),
        ],
        "two": [telling(two_is_asked, add("src/greeter/two.py", "x = 2")), built("two")],
    }
    with run.child() as process:
        try:
            if facts.get("item") != "one":
                wait_for(process, "stage", {"text": "two: built"})
                two_is_built.set()
            if facts != {"text": "two: built"}:
                wait_for(process, event, facts)
            os.kill(process.pid, signal.SIGKILL)
        finally:
            process.kill()
            process.communicate()
            two_is_built.set()
    before = run.states
    done = run.resume()
    assert done.code == 0, done.err
    assert branch_files(run) == {"src/greeter/one.py", "src/greeter/two.py"}
    for name, state in before.items():
        assert run.scripts.begun(name) <= (1 if state in ("built", "done") else 2), (name, state)
    assert leaves_no_item_tree(run)
    run_id = run.manifest["run"]["id"]
    assert run.call("runs", "verify", run_id, "--repo", str(run.repo)).code == 0
