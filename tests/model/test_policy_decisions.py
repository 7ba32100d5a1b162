"""Pure decisions: mode, verdict, approvals, protected paths, merged reviews."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_orchestrator.model.approval import ApprovalKind, parse_grant
from codex_orchestrator.model.config import parse_config
from codex_orchestrator.model.config_file import OWN_FILE, find_table
from codex_orchestrator.model.errors import ExitCode, InputError
from codex_orchestrator.model.finding import Finding, Severity
from codex_orchestrator.model.mode import ModeName, choose_mode, needs_network_approval
from codex_orchestrator.model.plan import Plan, PlanItem
from codex_orchestrator.model.policy import Policy, run_policy
from codex_orchestrator.model.review import Decision, Review, merge_review
from codex_orchestrator.model.task import Execution, Step, Task
from codex_orchestrator.model.verdict import (
    ValidationStatus,
    Verdict,
    choose_verdict,
    exit_code_of,
)


def make_task(**execution: bool) -> Task:
    return Task(id="t", title="T", spec="s.md", execution=Execution(**execution))


@pytest.mark.parametrize(
    ("execution", "requested", "selected", "words"),
    [
        ({}, "auto", ModeName.MCP, "default"),
        ({"parallel": True}, "auto", ModeName.CLOUD, "execution.parallel"),
        ({"requires_cloud": True}, "auto", ModeName.CLOUD, "execution.requires_cloud"),
        ({"parallel": True}, "mcp", ModeName.MCP, "requested explicitly"),
        ({}, "cloud", ModeName.CLOUD, "requested explicitly"),
    ],
)
def test_the_mode_follows_the_request_then_the_task_then_the_default(
    execution: dict[str, bool], requested: str, selected: ModeName, words: str
) -> None:
    mode = choose_mode(make_task(**execution), requested=requested)
    assert (mode.selected, mode.requested) == (selected, requested)
    assert words in mode.reason


@pytest.mark.parametrize(
    ("requested", "steps", "selected", "words"),
    [
        ("auto", (), ModeName.CLOUD, "plan item two says requires_cloud"),
        ("mcp", (), ModeName.MCP, "requested explicitly"),
        ("auto", (Step(command=("ls",)),), ModeName.MCP, "default"),
    ],
)
def test_an_item_that_requires_the_cloud_decides_unless_somebody_said_otherwise(
    requested: str, steps: tuple[Step, ...], selected: ModeName, words: str
) -> None:
    items = [
        PlanItem(id=name, title=name, instructions="", requires_cloud=name == "two")
        for name in ("one", "two")
    ]
    task = make_task().model_copy(update={"steps": steps})
    mode = choose_mode(task, requested=requested, plan=Plan(summary="", items=tuple(items)))
    assert mode.selected is selected
    assert words in mode.reason


@given(st.lists(st.sampled_from(ValidationStatus)), st.booleans())
def test_only_passed_checks_and_an_approval_make_a_good_verdict(
    statuses: list[ValidationStatus], approved: bool
) -> None:
    verdict = choose_verdict(tuple(statuses), is_approved=approved)
    is_good = bool(statuses) and set(statuses) == {ValidationStatus.PASSED} and approved
    assert (verdict is Verdict.APPROVED) == is_good
    assert (exit_code_of(verdict, []) is ExitCode.OK) == is_good


@pytest.mark.parametrize(
    ("statuses", "code"),
    [
        ([ValidationStatus.NOT_RUN, ValidationStatus.PASSED], ExitCode.NOT_CHECKED),
        ([ValidationStatus.NOT_RUN, ValidationStatus.FAILED], ExitCode.FINDINGS),
        ([ValidationStatus.NOT_RUN, ValidationStatus.TIMED_OUT], ExitCode.FINDINGS),
        ([ValidationStatus.PASSED], ExitCode.FINDINGS),
    ],
)
def test_a_check_that_could_not_decide_is_not_checked_unless_another_failed(
    statuses: list[ValidationStatus], code: ExitCode
) -> None:
    assert exit_code_of(Verdict.FAILED, statuses) is code


def test_no_check_at_all_is_no_pass() -> None:
    assert choose_verdict((), is_approved=True) is Verdict.FAILED


@pytest.mark.parametrize(
    ("path", "is_protected"),
    [
        (".github/workflows/ci.yml", True),
        (".GitHub/workflows/ci.yml", True),
        ("sub/.git/hooks/pre-commit", True),
        ("AGENTS.md", True),
        ("deep/down/agents.md", True),
        ("requirements/dev.lock", True),
        (".codex-orchestrator.toml", True),
        ("tests/conftest.py", True),
        ("src/sitecustomize.py", True),
        ("lib/sitecustomize/__init__.py", True),
        ("usercustomize.cpython-311-x86_64-linux-gnu.so", True),
        ("env/lib/python3.11/site-packages/x.pth", True),
        ("models/weights.pth", False),
        ("src/app.py", False),
        ("docs/github/x.md", False),
    ],
)
def test_files_that_decide_what_runs_are_protected(path: str, is_protected: bool) -> None:
    assert bool(Policy().protecting_rule(path)) is is_protected


def test_an_approved_edit_lifts_the_protection_of_that_path_only() -> None:
    policy = Policy(approved_edits=("AGENTS.md",))
    assert policy.protecting_rule("AGENTS.md") == ""
    assert policy.protecting_rule("sub/AGENTS.md") != ""


def test_a_command_is_allowed_by_its_beginning_argument_by_argument() -> None:
    policy = Policy(run=(("npm", "test"),))
    assert policy.allows_command(("npm", "test", "--", "unit"))
    assert not policy.allows_command(("npm",))
    assert not policy.allows_command(("npm", "testing"))
    assert not policy.allows_command(())


def test_an_empty_allowed_command_is_refused_because_it_would_allow_all() -> None:
    with pytest.raises(ValueError, match="must not be empty"):
        Policy(run=((),))


def test_escalations_are_kind_and_value() -> None:
    assert parse_grant("edit:a:b") == (ApprovalKind.EDIT, "a:b")
    for wrong in ("edit", "edit:", "eat:x", "", ":x"):
        with pytest.raises(InputError, match="KIND:VALUE"):
            parse_grant(wrong)


def test_an_error_that_a_rule_found_cannot_be_approved_away() -> None:
    review = Review(decision=Decision.APPROVE, summary="fine")
    error = Finding("r", Severity.ERROR, "a.py", 1, "bad")
    warning = Finding("r", Severity.WARNING, "a.py", 1, "odd")
    assert merge_review(review, (error,)).decision is Decision.REQUEST_CHANGES
    assert merge_review(review, (warning,)).decision is Decision.APPROVE
    assert len(merge_review(review, (error, warning)).findings) == 2


@pytest.mark.parametrize(
    ("execution", "requested", "needs"),
    [
        ({}, "cloud", True),
        ({"parallel": True}, "cloud", False),
        ({"requires_cloud": True}, "auto", False),
        ({}, "auto", False),
        ({"parallel": True}, "mcp", False),
    ],
)
def test_only_a_cloud_that_the_task_does_not_ask_for_needs_a_person(
    execution: dict[str, bool], requested: str, *, needs: bool
) -> None:
    task = make_task(**execution)
    assert needs_network_approval(choose_mode(task, requested=requested), task) is needs


@pytest.mark.parametrize("named", ["src/greeter", "src/greeter/", "src/greeter/**", "SRC/Greeter"])
def test_a_folder_that_the_configuration_protects_is_protected_with_all_in_it(named: str) -> None:
    text = f"[policy]\nprotected = ['{named}']\n"
    config = parse_config(find_table({OWN_FILE: text.encode()}.get))
    policy = run_policy(make_task(), config, ())
    for path in ("src/greeter", "src/greeter/hello.py", "src/greeter/a/b.py"):
        assert policy.protecting_rule(path) == named
    assert policy.protecting_rule("src/greeters/hello.py") == ""
    assert policy.protecting_rule("AGENTS.md") == "**/AGENTS.md"


@pytest.mark.parametrize("glob", ["", "/src", "./src", "src//a", "a/../b", r"src\a", "a" * 2000])
def test_a_glob_that_could_protect_nothing_is_an_error_of_the_configuration(glob: str) -> None:
    text = f"[policy]\nprotected = ['AGENTS.md', '{glob}']\n"
    with pytest.raises(
        InputError, match=r"\.codex-orchestrator\.toml:2: policy\.protected"
    ) as error:
        parse_config(find_table({OWN_FILE: text.encode()}.get))
    assert repr(glob) in str(error.value)


def test_a_grant_of_a_folder_lifts_the_protection_of_all_in_it() -> None:
    policy = Policy(approved_edits=(".github",))
    assert policy.protecting_rule(".github/workflows/ci.yml") == ""
    assert policy.protecting_rule("AGENTS.md") != ""


@pytest.mark.parametrize("granted", [".", "./", "", "/", "*/*", "docs"])
def test_a_grant_covers_no_more_than_it_names(granted: str) -> None:
    policy = Policy(approved_edits=(granted,))
    assert policy.protecting_rule("AGENTS.md")
    assert policy.protecting_rule(".codex-orchestrator.toml")
    assert policy.protecting_rule(".github/workflows/ci.yml")
