"""Each limit of a task ends the run: by name, with a saved manifest, and exit 1."""

from pathlib import Path
from typing import Any

import pytest

from support.four_agents import GOOD_EDIT, built, course, edit, manifest_of
from support.project import CommandLine, commit_all, task_with, write
from support.responses_server import Request, Step, responses_server, say, shell, status, step
from support.responses_server import call as ask

TASK = "tasks/logging.md"
LOOKING = step(ask("list_files"))
MAKE_BIG = "import os; os.truncate(os.open('src/big.bin', os.O_CREAT | os.O_WRONLY), 65 << 20)"


def added(path: str, text: str) -> Step:
    patch = f"*** Begin Patch\n*** Add File: {path}\n+{text}\n*** End Patch\n"
    return step(ask("apply_patch", patch=patch))


def stopped_by(project: Path) -> str:
    manifest = manifest_of(project)
    assert manifest["run"]["state"] == "finished"
    blocked = manifest["guardrails"][-1]
    assert blocked["outcome"] == "blocked"
    return str(blocked["name"])


@pytest.mark.parametrize(
    ("limits", "builder"),
    [
        ("{turns: 3}", [LOOKING]),
        ("{tokens: 250}", [LOOKING]),
        ("{changed_files: 1}", [GOOD_EDIT, added("src/greeter/more.py", "x = 1"), built()]),
        ("{diff_lines: 1}", [GOOD_EDIT, built()]),
    ],
)
def test_a_limit_that_is_reached_ends_the_run_by_name(
    run_with: Any, project: Path, limits: str, builder: list[Step]
) -> None:
    write(project, TASK, task_with(steps="", limits=limits))
    done, report, _ = run_with(builder=builder)
    assert (done.code, report["verdict"]) == (1, "failed"), done.err
    name = "limits." + limits[1:].partition(":")[0]
    assert stopped_by(project) == name
    assert name in done.err + manifest_of(project)["notes"]["follow_up"][0]


@pytest.mark.parametrize("limits", ["{changed_files: 1}", "{diff_lines: 2}"])
def test_a_change_may_be_as_large_as_its_limit(run_with: Any, project: Path, limits: str) -> None:
    write(project, TASK, task_with(steps="", limits=limits))
    done, _, _ = run_with()
    assert done.code == 0, done.err


def test_a_change_beyond_its_limit_is_kept_for_people_to_look_at(
    run_with: Any, project: Path
) -> None:
    write(project, TASK, task_with(steps="", limits="{diff_lines: 1}"))
    _, report, _ = run_with()
    assert "GREETING" in (project / report["patch_path"]).read_text()
    assert report["branch"]


def test_a_change_that_no_patch_can_hold_ends_the_run_without_one(
    run_with: Any, project: Path
) -> None:
    text = task_with(steps=f'[{{command: [python3, -c, "{MAKE_BIG}"]}}]')
    write(project, TASK, text)
    ran = step(ask("run_check", argv=["python3", "-c", MAKE_BIG]))
    done, report, _ = run_with(planner=[planned(MAKE_BIG)], builder=[ran, built("step-1")])
    assert (done.code, report["verdict"]) == (1, "failed"), done.err
    assert "67108864" in report["reason"]
    assert (project / report["patch_path"]).read_bytes() == b""
    assert report["branch"] == ""


@pytest.mark.parametrize("ending", [built("step-1", done=False), LOOKING])
def test_a_run_that_ends_otherwise_ends_with_such_a_change_too(
    run_with: Any, project: Path, ending: Step
) -> None:
    text = task_with(steps=f'[{{command: [python3, -c, "{MAKE_BIG}"]}}]', limits="{turns: 4}")
    write(project, TASK, text)
    ran = step(ask("run_check", argv=["python3", "-c", MAKE_BIG]))
    done, report, _ = run_with(planner=[planned(MAKE_BIG)], builder=[ran, ending])
    assert (done.code, report["verdict"]) == (1, "failed"), done.err
    assert manifest_of(project)["run"]["state"] == "finished"
    assert (project / report["patch_path"]).read_bytes() == b""


def planned(source: str) -> Step:
    item = {
        "id": "step-1",
        "title": "Make",
        "instructions": "Run it.",
        "depends_on": [],
        "requires_cloud": False,
        "paths": [],
        "step": {"pattern": None, "paths": [], "command": ["python3", "-c", source]},
    }
    return step(say({"summary": "one step", "items": [item], "risks": []}))


def test_a_check_that_prints_without_end_is_ended_and_ends_the_run(
    run_with: Any, project: Path
) -> None:
    loop = "while True: print('again', flush=True)"
    table = f'[tool.codex-orchestrator.adapter]\ncommands.test = ["python3", "-c", "{loop}"]\n'
    write(project, "pyproject.toml", table)
    write(
        project,
        TASK,
        task_with(steps="", limits="{output_bytes: 4096}", adapter="command"),
    )
    commit_all(project, "print")
    done, report, _ = run_with()
    assert (done.code, report["verdict"]) == (1, "failed"), done.err
    assert stopped_by(project) == "limits.output_bytes"
    (check,) = manifest_of(project)["validations"]
    assert "printed more than 4096 bytes" in check["detail"]
    log = next(project.glob(".runs/*/*/tests/round-1/test.log"))
    assert log.stat().st_size < 8192


def test_a_resumed_run_goes_on_counting_where_it_stopped(run_with: Any, project: Path) -> None:
    write(project, TASK, task_with(steps="", limits="{turns: 4}"))
    first, _, _ = run_with(builder=[LOOKING, status(401)])
    assert first.code == 3, first.err
    manifest = manifest_of(project)
    assert manifest["usage"]["turns"] == 3
    done, report, _ = run_with(resume=manifest["run"]["id"], builder=[LOOKING])
    assert (done.code, report["verdict"]) == (1, "failed"), done.err
    assert stopped_by(project) == "limits.turns"
    assert manifest_of(project)["usage"]["turns"] == 4


def test_repairs_count_against_the_limits_too(run_with: Any, project: Path) -> None:
    write(project, TASK, task_with(steps="", limits="{diff_lines: 2}"))
    breaking = edit('    return f"hello {name}"', '    return "bye"')
    more = edit('    print("greeting", name)', '    print("HELLO", name)')
    done, _, _ = run_with(builder=[breaking, built(), more, built("repair-1")])
    assert done.code == 1, done.err
    assert stopped_by(project) == "limits.diff_lines"


def test_codex_is_stopped_when_it_has_used_the_tokens_of_the_run(
    project: Path, call: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(project, TASK, task_with(steps="", limits="{tokens: 1000}"))
    agents = course(builder=[step(ask("codex", prompt="Work without end."))])

    def script(request: Request) -> Step:
        return step(shell("echo again >> spent")) if request.body.get("stream") else agents(request)

    with responses_server({"*": script}) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test-loopback-key")
        run = ("run", str(project / TASK), "--model", "scripted", "--builder", "codex")
        done = call(*run, "--repo", str(project), "--format", "json")
    assert done.code == 1, done.err
    assert stopped_by(project) == "limits.tokens"
    assert 1000 < manifest_of(project)["usage"]["input_tokens"] < 1500
