"""The offline model: what it answers in each role is a pure function of what it is shown."""

import json
from typing import Any

import pytest

from codex_orchestrator.agents.offline_answers import Answer, Transcript, answer_as
from codex_orchestrator.model.build import BuildReport, TestExplanation
from codex_orchestrator.model.plan import Plan
from codex_orchestrator.model.review import Decision, Review

PATTERN = {"pattern": "py-x", "paths": ["src/**"], "command": []}
COMMAND = {"pattern": None, "paths": [], "command": ["python", "fix.py"]}


def ask(output_type: str, data: dict[str, Any], *results: str, tools: str = "git_diff") -> Answer:
    return answer_as(output_type, Transcript(data, results, tuple(tools.split())))


def item(step: dict[str, Any] | None) -> dict[str, Any]:
    return {"item": {"id": "step-1", "step": step}}


def review_data(paths: list[str], status: str = "passed") -> dict[str, Any]:
    return {
        "plan": {"items": [{"paths": ["src/**"]}]},
        "change": {"paths": paths},
        "results": [{"name": "test", "status": status, "failures": ["test_a"]}],
    }


def test_the_planner_looks_first_and_then_plans_each_step_in_order() -> None:
    data = {"task": {"title": "T", "steps": [PATTERN, COMMAND]}}
    assert ask("Plan", data).tool == "list_files"
    plan = Plan.model_validate(ask("Plan", data, "[]").body)
    assert [one.id for one in plan.items] == ["step-1", "step-2"]
    assert plan.items[1].depends_on == ("step-1",)
    assert plan.items[0].step is not None
    assert plan.items[0].step.pattern == "py-x"


@pytest.mark.parametrize(
    ("step", "tool", "arguments"),
    [
        (PATTERN, "apply_pattern", {"pattern": "py-x", "paths": ["src/**"]}),
        (COMMAND, "run_check", {"argv": ["python", "fix.py"]}),
    ],
)
def test_the_builder_calls_the_tool_that_the_step_names(
    step: dict[str, Any], tool: str, arguments: dict[str, Any]
) -> None:
    assert ask("BuildReport", item(step)) == Answer(tool, arguments)


@pytest.mark.parametrize(
    ("step", "result", "is_done"),
    [
        (PATTERN, json.dumps({"changes": 3}), True),
        (PATTERN, "Error executing tool apply_pattern: no such pattern", False),
        (PATTERN, "approval-required edit:AGENTS.md", False),
        (COMMAND, json.dumps({"status": "passed"}), True),
        (COMMAND, json.dumps({"status": "failed"}), False),
        (COMMAND, json.dumps({"log": '"status": "passed"', "status": "failed"}), False),
    ],
)
def test_the_builder_says_done_only_when_the_tool_says_so(
    step: dict[str, Any], result: str, is_done: bool
) -> None:
    report = BuildReport.model_validate(ask("BuildReport", item(step), result).body)
    assert report.is_done is is_done


def test_the_builder_does_nothing_without_a_step() -> None:
    report = BuildReport.model_validate(ask("BuildReport", item(None)).body)
    assert not report.is_done


def test_the_tester_names_what_failed() -> None:
    data = review_data([], status="failed")
    explained = TestExplanation.model_validate(ask("TestExplanation", data).body)
    assert "test_a" in explained.summary


def test_the_reviewer_reads_the_diff_before_it_decides() -> None:
    assert ask("Review", review_data(["src/a.py"])).tool == "git_diff"


@pytest.mark.parametrize(
    ("paths", "status", "decision"),
    [
        (["src/a.py"], "passed", Decision.APPROVE),
        (["src/a.py", "README.md"], "passed", Decision.REQUEST_CHANGES),
        (["src/a.py"], "failed", Decision.REQUEST_CHANGES),
        (["src/a.py"], "timed-out", Decision.REQUEST_CHANGES),
    ],
)
def test_the_reviewer_approves_only_planned_and_tested_changes(
    paths: list[str], status: str, decision: Decision
) -> None:
    answer = ask("Review", review_data(paths, status), "diff")
    assert Review.model_validate(answer.body).decision is decision


def test_an_output_type_that_no_role_has_is_an_error() -> None:
    with pytest.raises(ValueError, match="no output type"):
        ask("Poem", {})
