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


PLAIN = "tasks/specs/0002-plain.md"
NO_PATHS = spec(paths=None, spec_id="0002-plain")
SIGNED = 'approvals: [{role: dx, by: "@dx", on: 2026-11-21}]'
NEW = "tasks/specs/0003-new.md"


def judged(
    repo: GuardRepo, files: dict[str, str | bytes | None], *granted: str
) -> dict[str, tuple[str, str]]:
    """Return what the guard says of a change that agents made: severity and message by rule."""
    base = repo.git("rev-parse", "HEAD")
    repo.stage(files)
    tree = repo.git("write-tree")
    findings = RepositorySpecGuard(repo.root, environment=repo.env).check_change(
        TASK, base_sha=base, tree_id=tree, as_of=AS_OF, may_attest=lambda path: path in granted
    )
    return {one.rule: (str(one.severity), one.message) for one in findings}


@pytest.mark.parametrize(
    ("path", "text", "why"),
    [
        (NEW, spec(spec_id="0003-new", paths=("lib/**",)), "sets the status to approved"),
        (NEW, spec(spec_id="0003-new", paths=None), "sets the status to approved"),
        (NEW, spec(spec_id="0003-new", status="draft", approvals=SIGNED), "adds an approval"),
        (GOOD, spec(paths=("src/**", "lib/**")), "adds to `paths`"),
        (GOOD, spec(review="2026-11-21"), "moves last_review"),
        (GOOD, spec(approvals=SIGNED), "adds an approval"),
        ("tasks/specs/0009-moved.md", spec(), "sets the status to approved"),
    ],
)
@pytest.mark.parametrize("self_review", ["ignore", "warn"])
def test_what_only_a_person_may_say_of_a_spec_agents_may_not(
    repo: GuardRepo, path: str, text: str, why: str, self_review: str
) -> None:
    repo.commit({".codex-orchestrator.toml": f'[guard]\nself_review = "{self_review}"\n'})
    severity, message = judged(repo, {path: text})["SPEC009"]
    assert severity == "error"
    assert why in message
    repo.git("reset", "-q", "--hard")
    assert judged(repo, {path: text}, path).get("SPEC009", ("warning", ""))[0] == "warning"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (NEW, spec(spec_id="0003-new", status="draft", paths=("lib/**",))),
        (GOOD, spec(body="# Good\n\nx is two.\n")),
        (GOOD, spec(status="superseded")),
        (GOOD, spec(paths=())),
        ("README.md", spec()),
    ],
    ids=["a draft", "its text", "superseded", "owns less", "no spec"],
)
def test_other_edits_of_specs_are_work_like_any(repo: GuardRepo, path: str, text: str) -> None:
    assert "SPEC009" not in judged(repo, {path: text})


def test_the_edit_of_a_spec_by_agents_carries_no_code_that_none_owns(repo: GuardRepo) -> None:
    repo.commit({PLAIN: NO_PATHS})
    files: dict[str, str | bytes | None] = {PLAIN: f"{NO_PATHS}\nAnd app.\n", "app/a.py": "x = 1\n"}
    assert judged(repo, files)["SPEC009"][0] == "error"
    repo.git("reset", "-q", "--hard")
    assert "SPEC009" not in judged(repo, files, PLAIN)


def test_a_configuration_that_the_change_breaks_is_a_finding(repo: GuardRepo) -> None:
    found = judged(repo, {".codex-orchestrator.toml": "[guard]\ncode = 7\n"})
    assert found["run/guard-configuration"][0] == "error"
