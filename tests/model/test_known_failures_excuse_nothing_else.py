"""A check fails by what is new; what was known at the base is named, and blames nobody."""

import pytest

from codex_orchestrator.model.check import CheckResult
from codex_orchestrator.model.suite_run import Outcome, SuiteChange, SuiteRun
from codex_orchestrator.model.verdict import ValidationStatus

FAILED, PASSED = ValidationStatus.FAILED, ValidationStatus.PASSED


def compared(
    suite: dict[str, Outcome],
    change: SuiteChange,
    *,
    code: int = 1,
    is_explained: bool = True,
    is_of_tests: bool = True,
) -> CheckResult:
    """Return the result of a check that ended with an exit code, judged and compared."""
    result = CheckResult(
        name="test",
        argv=("run",),
        status=FAILED if code or not is_of_tests else PASSED,
        exit_code=code,
        duration_ms=1,
        log_path="",
        failed_by_exit_code=code != 0 and is_of_tests,
    )
    judged = result.judged(SuiteRun(suite))
    return judged.compared(change, is_explained=is_explained, names="")


@pytest.mark.parametrize("code", [0, 1])
@pytest.mark.parametrize("others", [{}, {"t::ok": Outcome.PASSED}])
def test_a_known_failure_fails_no_check_whatever_its_exit_code_and_beside_what(
    code: int, others: dict[str, Outcome]
) -> None:
    suite = {"t::known": Outcome.FAILED, **others}
    result = compared(suite, SuiteChange(known=("t::known",)), code=code)
    assert result.status is PASSED
    assert "failing at the base too: 1 (t::known)" in result.detail


@pytest.mark.parametrize("code", [0, 1])
def test_a_new_failure_beside_it_does(code: int) -> None:
    suite = {"t::known": Outcome.FAILED, "t::new": Outcome.FAILED}
    result = compared(suite, SuiteChange(known=("t::known",), new=("t::new",)), code=code)
    assert (result.status, result.failures) == (FAILED, ("t::new",))


def test_a_file_that_could_not_be_loaded_before_either_fails_no_check() -> None:
    suite = {"t::ok": Outcome.PASSED, "t.py": Outcome.BROKEN}
    assert compared(suite, SuiteChange(known=("t.py",))).status is PASSED


def test_files_that_cannot_be_loaded_are_no_tests_that_ran() -> None:
    assert compared({"t.py": Outcome.BROKEN}, SuiteChange(known=("t.py",))).status is FAILED


def test_an_exit_code_that_failing_tests_do_not_explain_fails() -> None:
    suite = {"t::known": Outcome.FAILED}
    change = SuiteChange(known=("t::known",))
    assert compared(suite, change, code=7, is_explained=False).status is FAILED


def test_what_else_is_wrong_with_a_check_is_not_excused() -> None:
    suite, change = {"t::known": Outcome.FAILED}, SuiteChange(known=("t::known",))
    assert compared(suite, change, code=0, is_of_tests=False).status is FAILED


def test_many_known_failures_are_named_within_bounds() -> None:
    names = tuple(f"t::{number:02}" for number in range(30))
    result = compared(dict.fromkeys(names, Outcome.FAILED), SuiteChange(known=names))
    assert "t::09" in result.detail
    assert "t::10" not in result.detail
    assert "and 20 more" in result.detail
