"""The guard for one task: the spec as it stands at the commit that work starts from."""

import pytest

from codex_orchestrator.guard.task_specs import RepositorySpecGuard
from codex_orchestrator.model.errors import InputError, NotCheckedError
from codex_orchestrator.model.task import Task
from support.guard_repo import GOOD, GuardRepo, days_ago, spec

TASK = Task(id="t", title="T", spec=GOOD)
AS_OF = "2026-11-22"


def found(repo: GuardRepo, task: Task = TASK, as_of: str = AS_OF) -> list[str]:
    guard = RepositorySpecGuard(repo.root, environment=repo.env)
    sha = repo.git("rev-parse", "HEAD")
    return [item.rule for item in guard.check_task(task, base_sha=sha, as_of=as_of)]


def test_a_fresh_approved_spec_allows_work(repo: GuardRepo) -> None:
    assert found(repo) == []


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (spec(review=days_ago(31)), "SPEC002"),
        (spec(review=None), "SPEC003"),
        (spec(status="draft"), "SPEC005"),
        ("nothing", "SPEC004"),
    ],
)
def test_a_spec_that_is_not_in_force_stops_it(repo: GuardRepo, text: str, rule: str) -> None:
    repo.commit({GOOD: text})
    assert found(repo) == [rule]


def test_what_is_not_committed_does_not_count(repo: GuardRepo) -> None:
    repo.stage({"tasks/specs/new.md": spec()})
    (finding,) = RepositorySpecGuard(str(repo.root), environment=repo.env).check_task(
        TASK.model_copy(update={"spec": "tasks/specs/new.md"}),
        base_sha=repo.git("rev-parse", "HEAD"),
        as_of=AS_OF,
    )
    assert (finding.rule, finding.path, finding.fix) == (
        "TASK001",
        "tasks/specs/new.md",
        "commit the spec, then run the task",
    )


def test_a_page_that_is_no_spec_is_none(repo: GuardRepo) -> None:
    assert found(repo, TASK.model_copy(update={"spec": "README.md"})) == ["TASK001"]


def test_the_configuration_is_the_commits(repo: GuardRepo) -> None:
    repo.commit({".codex-orchestrator.toml": '[guard]\nrequired_approvals = ["dx"]\n'})
    repo.write({".codex-orchestrator.toml": ""})
    assert found(repo) == ["SPEC006"]


def test_a_spec_near_its_end_warns_and_allows(repo: GuardRepo) -> None:
    repo.commit({GOOD: spec(review=days_ago(30))})
    assert found(repo) == ["SPEC010"]


def test_the_facts_name_the_blob_and_the_day(repo: GuardRepo) -> None:
    repo.commit({GOOD: spec(review="2026-11-20T23:30:00-05:00")})
    guard = RepositorySpecGuard(repo.root, environment=repo.env)
    facts = guard.spec_facts(TASK, base_sha=repo.git("rev-parse", "HEAD"))
    assert facts.path == GOOD
    assert facts.blob == repo.git("rev-parse", f"HEAD:{GOOD}")
    assert facts.last_review == "2026-11-21"


def test_facts_of_a_missing_spec_are_an_input_error(repo: GuardRepo) -> None:
    task = TASK.model_copy(update={"spec": "tasks/specs/none.md"})
    guard = RepositorySpecGuard(repo.root, environment=repo.env)
    with pytest.raises(InputError, match="is not there at commit"):
        guard.spec_facts(task, base_sha=repo.git("rev-parse", "HEAD"))


def test_a_commit_that_is_not_there_is_not_checked(repo: GuardRepo) -> None:
    guard = RepositorySpecGuard(repo.root, environment=repo.env)
    with pytest.raises(NotCheckedError):
        guard.check_task(TASK, base_sha="1" * 40, as_of=AS_OF)


def test_a_day_that_is_none_is_an_input_error(repo: GuardRepo) -> None:
    with pytest.raises(InputError):
        found(repo, as_of="today")
