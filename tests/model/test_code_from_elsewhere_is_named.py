"""Where code was loaded from is judged by paths alone: the work tree, elsewhere, or not known."""

import pytest

from codex_orchestrator.model.check import CheckCommand, CheckResult
from codex_orchestrator.model.suite_run import judge_code
from codex_orchestrator.model.verdict import ValidationStatus

TREES = ("/cache/run/repo", "/home/me/repo", "/home/me/second")


@pytest.mark.parametrize(
    ("path", "instead", "problem"),
    [
        ("/cache/run/repo/src/a.py", "", ""),
        ("/home/me/repo/src/a.py", "", "src/a.py was loaded from another work tree"),
        ("/home/me/second/a.py", "", "a.py was loaded from another work tree"),
        ("/home/me/repo/node_modules/tea/index.js", "", ""),
        ("/home/me/repo/.venv/lib/python3.11/site-packages/tea.py", "", ""),
        ("/home/me/repo/.venv/src/tea/tea.py", "", ""),
        ("/home/me/repository/a.py", "", ""),
        ("/home/me/tea/a.py", "", ""),
        (
            "/venv/lib/python3.11/site-packages/shop/a.py",
            "/cache/run/repo/lib/shop/a.py",
            "site-packages/shop/a.py was loaded, an installed copy of lib/shop/a.py",
        ),
        (
            "/cache/run/repo/node_modules/a/index.js",
            "/cache/run/repo/packages/a",
            "node_modules/a/index.js was loaded, an installed copy of packages/a",
        ),
        (
            "/opt/shop.so",
            "/cache/run/repo",
            "shop.so was loaded, an installed copy of this project",
        ),
    ],
)
def test_a_file_is_judged_by_where_it_lies(path: str, instead: str, problem: str) -> None:
    inside = {"/cache/run/repo/a.py": ""}
    origin = "elsewhere" if problem else "work-tree"
    assert judge_code(inside | {path: instead}, trees=TREES) == (origin, problem)


def test_nothing_that_was_written_down_is_nothing_that_is_known() -> None:
    assert judge_code({}, trees=TREES) == (None, "")


@pytest.mark.parametrize("must_measure", [True, False])
@pytest.mark.parametrize("status", list(ValidationStatus))
def test_only_a_pass_needs_to_be_measured(status: ValidationStatus, *, must_measure: bool) -> None:
    command = CheckCommand(
        name="test", argv=("x",), loaded="l", trees=TREES, must_measure=must_measure
    )
    result = CheckResult(
        name="test", argv=("x",), status=status, exit_code=0, duration_ms=1, log_path=""
    )
    judged = result.with_code({}, command)
    is_doubted = must_measure and status is ValidationStatus.PASSED
    assert judged.status is (ValidationStatus.NOT_RUN if is_doubted else status)
    assert bool(judged.detail) is is_doubted


@pytest.mark.parametrize("status", list(ValidationStatus))
def test_what_ran_other_code_has_not_been_checked(status: ValidationStatus) -> None:
    command = CheckCommand(name="test", argv=("x",), loaded="l", trees=TREES, mend="link it")
    result = CheckResult(
        name="test", argv=("x",), status=status, exit_code=0, duration_ms=1, log_path=""
    )
    judged = result.with_code({"/home/me/repo/a.py": ""}, command)
    has_ended = status in (ValidationStatus.PASSED, ValidationStatus.FAILED)
    assert judged.code == "elsewhere"
    assert judged.status is (ValidationStatus.NOT_RUN if has_ended else status)
    assert judged.detail.endswith("link it" if has_ended else "")
