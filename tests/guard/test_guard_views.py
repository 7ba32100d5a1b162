"""The change comes from options, pre-commit, a GitHub event or the index, and means the same."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from codex_orchestrator.guard.report import FAILED, NOT_CHECKED, PASSED, Report
from codex_orchestrator.model.errors import NotCheckedError
from codex_orchestrator.verbs.check_specs import check_specs, choose_view
from support.guard_repo import GOOD, TODAY, GuardRepo, codes, spec

ZEROS = "0" * 40


def github(tmp_path: Path, name: str, event: object) -> dict[str, str]:
    place = tmp_path / "event.json"
    place.write_text(event if isinstance(event, str) else json.dumps(event))
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": name,
        "GITHUB_EVENT_PATH": str(place),
        "GITHUB_REPOSITORY": "owner/name",
    }


def ask(repo: GuardRepo, environment: Mapping[str, str]) -> Report:
    return repo.guard(choose_view(environment))


@pytest.mark.parametrize("files", [{"src/a.py": "x = 2\n"}, {"app/x.py": "x\n"}, {GOOD: None}])
def test_every_view_of_one_change_gives_one_verdict(
    repo: GuardRepo, tmp_path: Path, files: dict[str, str | None]
) -> None:
    base = repo.git("rev-parse", "HEAD")
    expected = repo.both_views(files)
    head = repo.git("rev-parse", "HEAD")
    pull = {"number": 1, "base": {"sha": base}, "head": {"sha": head}}
    writers = (
        lambda: {"PRE_COMMIT_FROM_REF": base, "PRE_COMMIT_TO_REF": head},
        lambda: github(tmp_path, "pull_request", {"pull_request": pull}),
        lambda: github(tmp_path, "pull_request_target", {"pull_request": pull}),
        lambda: github(
            tmp_path, "merge_group", {"merge_group": {"base_sha": base, "head_sha": head}}
        ),
        lambda: github(tmp_path, "push", {"before": base, "after": head, "ref": "refs/heads/main"}),
    )
    for writer in writers:
        report = ask(repo, writer())
        assert (report.outcome, report.findings) == (expected.outcome, expected.findings)


def test_a_pull_request_is_compared_from_where_it_left_the_base(
    repo: GuardRepo, tmp_path: Path
) -> None:
    repo.git("checkout", "-q", "-b", "feature")
    head = repo.commit({"README.md": "feature\n"})
    repo.git("checkout", "-q", "main")
    base = repo.commit({"app/x.py": "x\n"})
    event = {"pull_request": {"number": 1, "base": {"sha": base}, "head": {"sha": head}}}
    assert ask(repo, github(tmp_path, "pull_request", event)).outcome == PASSED


def test_a_new_branch_is_compared_with_the_default_branch(repo: GuardRepo, tmp_path: Path) -> None:
    repo.git("update-ref", "refs/remotes/origin/main", "HEAD")
    repo.git("checkout", "-q", "-b", "feature")
    head = repo.commit({"app/x.py": "x\n"})
    event = {
        "before": ZEROS,
        "after": head,
        "ref": "refs/heads/feature",
        "repository": {"default_branch": "main"},
    }
    report = ask(repo, github(tmp_path, "push", event))
    assert [item.path for item in report.findings] == ["app/x.py"]


def test_the_first_push_of_the_default_branch_is_compared_with_nothing(
    empty_repo: GuardRepo, tmp_path: Path
) -> None:
    head = empty_repo.commit({"app/x.py": "x\n"})
    event = {
        "before": ZEROS,
        "after": head,
        "ref": "refs/heads/main",
        "repository": {"default_branch": "main"},
    }
    assert codes(ask(empty_repo, github(tmp_path, "push", event))) == ["SPEC001"]


def test_a_deleted_branch_brings_nothing_to_check(repo: GuardRepo, tmp_path: Path) -> None:
    event = {"before": repo.git("rev-parse", "HEAD"), "after": ZEROS, "ref": "refs/heads/x"}
    report = ask(repo, github(tmp_path, "push", event))
    assert (report.outcome, report.view) == (PASSED, "nothing")


def test_a_force_push_over_a_commit_that_is_gone_is_not_checked(
    repo: GuardRepo, tmp_path: Path
) -> None:
    head = repo.git("rev-parse", "HEAD")
    event = {"before": "1" * 40, "after": head, "ref": "refs/heads/main"}
    report = ask(repo, github(tmp_path, "push", event))
    assert report.outcome == NOT_CHECKED
    assert "1" * 40 in report.findings[0].message


@pytest.mark.parametrize("name", ["schedule", "workflow_dispatch"])
def test_an_event_without_a_change_audits_everything(
    repo: GuardRepo, tmp_path: Path, name: str
) -> None:
    repo.commit({"tasks/specs/bad.md": "nothing\n"})
    report = ask(repo, github(tmp_path, name, {}))
    assert (report.view, report.outcome) == ("all", FAILED)


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("issue_comment", {}),
        ("pull_request", {}),
        ("pull_request", "{"),
        ("pull_request", "[1]"),
        ("pull_request", "[" * 100_000),
        ("pull_request", {"pull_request": {"base": {"sha": "--all"}, "head": {"sha": "main"}}}),
        ("push", {"before": "main", "after": "HEAD"}),
        ("merge_group", {"merge_group": {"base_sha": 7}}),
    ],
)
def test_an_event_that_cannot_be_read_is_not_checked(
    tmp_path: Path, name: str, payload: object
) -> None:
    with pytest.raises(NotCheckedError):
        choose_view(github(tmp_path, name, payload))


@pytest.mark.parametrize(
    "payload",
    [
        {},
        [],
        {"before": "a" * 40},
        {"before": "a" * 40, "after": None},
        {"before": "a" * 40, "after": 0},
        {"before": "a" * 40, "after": ""},
        {"before": "a" * 40, "after": "0"},
        {"after": "b" * 40},
        {"before": None, "after": "b" * 40},
    ],
)
def test_a_push_that_does_not_say_both_its_ends_is_not_checked(
    tmp_path: Path, payload: object
) -> None:
    with pytest.raises(NotCheckedError):
        choose_view(github(tmp_path, "push", payload))


@pytest.mark.parametrize(
    "environment", [{"GITHUB_REPOSITORY": "octo_acme/repo"}, {"GITHUB_REPOSITORY": ""}]
)
def test_the_guard_needs_the_commits_of_an_event_alone(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    payload = {"before": "a" * 40, "after": "b" * 40, "installation": {"id": 2**63}}
    wanted = choose_view({**github(tmp_path, "push", payload), **environment})
    assert (wanted.kind, wanted.base, wanted.head) == ("range", "a" * 40, "b" * 40)
    pull = {"pull_request": {"base": {"sha": "a" * 40}, "head": {"sha": "b" * 40}}}
    assert choose_view({**github(tmp_path, "pull_request", pull), **environment}).head == "b" * 40


def test_a_missing_event_file_is_not_checked() -> None:
    environment = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": "push",
        "GITHUB_EVENT_PATH": "/nowhere",
        "GITHUB_REPOSITORY": "owner/name",
    }
    with pytest.raises(NotCheckedError):
        choose_view(environment)


def test_pre_commits_refs_come_before_the_event(tmp_path: Path) -> None:
    environment = github(tmp_path, "schedule", {})
    wanted = choose_view({**environment, "PRE_COMMIT_FROM_REF": "a", "PRE_COMMIT_TO_REF": "b"})
    assert (wanted.kind, wanted.base, wanted.head) == ("range", "a", "b")


def test_a_first_push_through_pre_commit_is_compared_with_nothing() -> None:
    environment = {
        "PRE_COMMIT_REMOTE_BRANCH": "refs/heads/x",
        "PRE_COMMIT_LOCAL_BRANCH": "refs/heads/y",
    }
    wanted = choose_view(environment)
    assert (wanted.kind, wanted.base, wanted.head) == ("range", "", "refs/heads/y")


def test_without_anything_the_staged_change_is_checked() -> None:
    assert choose_view({"GITHUB_EVENT_NAME": "push"}).kind == "staged"


def test_branches_without_common_history_are_not_checked(repo: GuardRepo) -> None:
    repo.git("checkout", "-q", "--orphan", "other")
    repo.commit({"x": "y"})
    report = repo.since("main")
    assert (report.outcome, "no common history" in report.findings[0].message) == (
        NOT_CHECKED,
        True,
    )


def test_a_clone_that_lacks_a_specs_object_is_not_checked(repo: GuardRepo) -> None:
    blob = repo.git("rev-parse", f"HEAD:{GOOD}")
    (repo.root / ".git/objects" / blob[:2] / blob[2:]).unlink()
    repo.write({"src/a.py": "x = 2\n"})
    repo.git("add", "src/a.py")
    report = repo.staged()
    assert report.outcome == NOT_CHECKED
    assert blob in report.findings[0].message


def test_a_folder_that_git_refuses_is_not_checked(repo: GuardRepo) -> None:
    (repo.root / ".git/HEAD").write_text("garbage\n")
    assert repo.staged().outcome == NOT_CHECKED


def test_replaced_objects_do_not_deceive_the_guard(repo: GuardRepo) -> None:
    repo.commit({GOOD: spec(review="2020-01-01")})
    old = repo.git("rev-parse", f"HEAD:{GOOD}")
    new = repo.git("hash-object", "-w", "--stdin", stdin=spec().encode())
    repo.git("replace", old, new)
    repo.stage({"src/a.py": "x = 2\n"})
    assert codes(repo.staged()) == ["SPEC002"]


def test_a_git_dir_that_is_not_there_is_not_checked_and_named(repo: GuardRepo) -> None:
    report = repo.guard(choose_view({}), env={"GIT_DIR": "/nonexistent"})
    assert report.outcome == NOT_CHECKED
    assert "not a git repository: '/nonexistent'" in report.findings[0].message


def test_without_git_nothing_is_checked(repo: GuardRepo) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "codex_orchestrator", "guard", "--repo", str(repo.root)],
        env={"PATH": "/nonexistent"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "git is not installed" in done.stdout) == (3, True)


def test_what_a_repository_configures_cannot_change_or_run_anything(
    repo: GuardRepo, tmp_path: Path
) -> None:
    repo.commit({GOOD: spec(paths=("docs/**",))})
    repo.stage({"src/a.py": "x = 2\n"})
    trace = tmp_path / "ran"
    for key, value in {
        "diff.external": f"touch {trace}",
        "diff.relative": "true",
        "diff.renames": "copies",
        "diff.noprefix": "true",
        "diff.ignoreSubmodules": "all",
        "core.fsmonitor": f"touch {trace}",
        "core.quotePath": "true",
        "color.ui": "always",
        "status.relativePaths": "true",
    }.items():
        repo.git("config", key, value)
    outside = {"GIT_EXTERNAL_DIFF": f"touch {trace}", "GIT_GLOB_PATHSPECS": "1", "GIT_TRACE": "1"}
    assert codes(repo.guard(choose_view({}), env=outside)) == ["SPEC001"]
    assert not trace.exists()


@pytest.mark.parametrize("variables", [{"CI": "true"}, {"CI": "1"}, {"GITHUB_ACTIONS": "true"}])
@pytest.mark.parametrize("is_asked", [False, True])
def test_an_empty_index_is_not_checked_in_ci(
    repo: GuardRepo, variables: dict[str, str], is_asked: bool
) -> None:
    def staged(environment: dict[str, str]) -> Report:
        return check_specs(
            str(repo.root),
            view=choose_view(environment, staged=is_asked),
            as_of=TODAY.isoformat(),
            environment=environment,
        )

    report = staged(repo.env | variables)
    assert (report.outcome, int(report.exit_code)) == (NOT_CHECKED, 3)
    assert "--base" in report.findings[0].fix
    here = staged(repo.env | {"CI": "false"})
    assert here.outcome == PASSED
    assert "nothing is staged, so nothing was checked" in here.summary
    repo.stage({"README.md": "something\n"})
    assert staged(repo.env | variables).outcome == PASSED
