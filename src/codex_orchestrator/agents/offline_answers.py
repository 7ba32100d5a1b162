"""What the offline model answers in each role: pure functions of what it is shown."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from codex_orchestrator.model.finding import Finding, Severity
from codex_orchestrator.text.globs import is_chosen
from codex_orchestrator.text.shown import counted


class Answer(NamedTuple):
    """A tool call when `tool` is set, else the final document."""

    tool: str
    body: dict[str, Any]


class Transcript(NamedTuple):
    """The framed data, the results of tool calls so far in order, and the tools at hand."""

    data: dict[str, Any]
    results: tuple[str, ...]
    tools: tuple[str, ...]


def answer_as(output_type: str, transcript: Transcript) -> Answer:
    """Answer in the role whose output type is named.

    Raises:
        ValueError: no role has that output type.
    """
    role = _ROLES.get(output_type)
    if role is None:
        raise ValueError(f"the offline model knows no output type {output_type!r}")
    return role(transcript)


def _plan(transcript: Transcript) -> Answer:
    task = transcript.data["task"]
    if not transcript.results:
        return Answer("list_files", {})
    items = [
        {
            "id": f"step-{number}",
            "title": _step_title(step),
            "instructions": "Carry out the step as it stands.",
            "depends_on": [f"step-{number - 1}"] if number > 1 else [],
            "requires_cloud": False,
            "paths": step["paths"],
            "step": step,
        }
        for number, step in enumerate(task["steps"], start=1)
    ]
    summary = f"{task['title']}: {len(items)} steps"
    return Answer("", {"summary": summary, "items": items, "risks": []})


def _step_title(step: dict[str, Any]) -> str:
    if step["pattern"]:
        where = ", ".join(step["paths"]) or "the whole repository"
        return f"Apply {step['pattern']} to {where}"[:200]
    return f"Run {' '.join(step['command'])}"[:200].replace("\n", " ")


def _build(transcript: Transcript) -> Answer:
    item = transcript.data["item"]
    step = item["step"]
    if step and not transcript.results:
        if step["pattern"]:
            return Answer("apply_pattern", {"pattern": step["pattern"], "paths": step["paths"]})
        return Answer("run_check", {"argv": step["command"]})
    summary = transcript.results[-1] if step else "No step says how; the offline model stops here."
    result = _document(summary)
    is_done = bool(result) and (bool(step["pattern"]) or result.get("status") == "passed")
    body = {"item_id": item["id"], "is_done": is_done, "summary": summary[:2000], "notes": []}
    return Answer("", body)


def _document(result: str) -> dict[str, Any]:
    """Read a tool result; a refused or failed call answers with text, which gives {}."""
    try:
        value = json.loads(result)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _explain(transcript: Transcript) -> Answer:
    results = transcript.data["results"]
    bad = [result for result in results if result["status"] != "passed"]
    checks = counted(len(results), "check")
    if not bad:
        return Answer("", {"summary": f"{checks} passed.", "likely_cause": "", "suggestion": ""})
    failing = [name for result in bad for name in result["failures"]]
    names = ", ".join(failing[:20]) or ", ".join(result["name"] for result in bad)
    return Answer(
        "",
        {
            "summary": f"{len(bad)} of {checks} did not pass: {names}",
            "likely_cause": "the change of this run, if the checks passed before it",
            "suggestion": "read the log; narrow the step's paths or fix the pattern",
        },
    )


def _review(transcript: Transcript) -> Answer:
    data = transcript.data
    if not transcript.results and "git_diff" in transcript.tools:
        return Answer("git_diff", {})
    problems = [
        ("unplanned-change", path, "changed, but no item of the plan covers it")
        for path in _unplanned(data)
    ]
    problems += [
        ("check-not-passed", "", f"check {result['name']}: {result['status']}")
        for result in data["results"]
        if result["status"] != "passed"
    ]
    findings = [
        Finding(rule, Severity.ERROR, path, 0, message).as_document()
        for rule, path, message in problems
    ]
    count = len(data["change"]["paths"])
    return Answer(
        "",
        {
            "decision": "request-changes" if findings else "approve",
            "findings": findings,
            "summary": (
                f"Compared {count} changed files with the plan and read the check results: "
                f"{len(findings)} findings. The offline model follows rules and weighs no design."
            ),
        },
    )


def _unplanned(data: dict[str, Any]) -> list[str]:
    """Find changed paths that no item of the plan covers; a command may change any path."""
    items = data["plan"]["items"]
    if any(not item["paths"] for item in items):
        return []
    globs = [glob for item in items for glob in item["paths"]]
    return [path for path in data["change"]["paths"] if not is_chosen(path, globs)]


_ROLES: dict[str, Callable[[Transcript], Answer]] = {
    "Plan": _plan,
    "BuildReport": _build,
    "TestExplanation": _explain,
    "Review": _review,
}
