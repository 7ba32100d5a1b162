"""What the record of a run says in words and numbers."""

from typing import Any

import pytest

from codex_orchestrator.model.account import (
    baseline_of,
    counts_of,
    next_step_of,
    uncommitted_in,
    verdict_of,
)
from codex_orchestrator.model.check import CheckTests
from codex_orchestrator.model.manifest import Guardrail
from codex_orchestrator.model.validation import Baseline, Validation
from support.manifests import make_finding, make_manifest


def check(**facts: Any) -> Validation:
    usual = {"command": ("pytest",), "exit_code": 0, "status": "passed"}
    return Validation(**{**usual, "duration_ms": 1, "log_path": "tests/a.log", **facts})


COUNTS: dict[str, Any] = {"executed": 5, "passed": 2, "failed": 3, "skipped": 1}
RAN = "5 tests executed: 2 passed, 3 failed, 1 skipped"


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({}, "exit code only"),
        ({"exit_code": None, "status": "not-run"}, "no result"),
        ({"code": "work-tree"}, "exit code only, code of the work tree"),
        (
            {"tests": CheckTests(**COUNTS), "code": "elsewhere"},
            f"{RAN}, code from outside the work tree",
        ),
    ],
)
def test_a_check_says_how_many_tests_it_executed_or_that_only_its_exit_code_is_known(
    facts: dict[str, Any], words: str
) -> None:
    assert counts_of(check(**facts)) == words


@pytest.mark.parametrize(
    ("baseline", "verdict"),
    [
        (None, "approved"),
        (Baseline(state="tested"), "approved"),
        (Baseline(state="off"), "approved, not compared with the base: limits.baseline is false"),
        (
            Baseline(state="untestable", reason="no pytest"),
            "approved, not compared with the base, which could not be tested: no pytest",
        ),
    ],
)
def test_the_verdict_says_when_nothing_was_compared_with_the_base(
    baseline: Baseline | None, verdict: str
) -> None:
    manifest = make_manifest(baseline=baseline)
    assert verdict_of(manifest) == verdict
    assert (baseline_of(manifest) == "") == (baseline is None)


def test_the_next_step_is_the_first_thing_in_the_way() -> None:
    failed = check(status="failed", exit_code=1, failures=("t::a", "t::b"))
    silent = check(status="not-run", exit_code=None, log_path="", command=("tox", "-q"))
    asked = {"decision": "request-changes", "findings": (make_finding(),), "summary": ""}
    steps = [
        make_manifest(verdict=None),
        make_manifest(),
        make_manifest(verdict="failed", validations=(check(), failed)),
        make_manifest(verdict="failed", validations=(silent,)),
        make_manifest(verdict="changes-requested", review=asked),
        make_manifest(verdict="failed", validations=()),
    ]
    found = [next_step_of(manifest) for manifest in steps]
    assert found[0].startswith("go on with it: codex-orchestrator run --resume ")
    assert found[1].startswith("look at the change, then merge it: git merge ")
    assert found[2:] == [
        "repair: t::a (its output: tests/a.log)",
        "let it run: tox -q",
        "src/app.py: use logging",
        "read the summary, change the task, and run it again",
    ]


def test_what_the_run_did_not_see_of_the_checkout_is_kept() -> None:
    noted = Guardrail(name="uncommitted-changes", outcome="noted", detail="1 changed (a.py)")
    assert uncommitted_in(make_manifest(guardrails=(noted,))) == "1 changed (a.py)"
    assert uncommitted_in(make_manifest()) == ""
