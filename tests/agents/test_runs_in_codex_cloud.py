"""Runs in cloud mode: the real command line and the real `codex cloud` against loopback."""

import hashlib
import json
import shutil
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.cloud_run import (
    APPROVED,
    CHANGES,
    CONFIG,
    TASK,
    Agents,
    CloudRun,
    codex_that_kills_its_caller,
    edit,
    item,
)
from support.codex_cloud_server import (
    CloudPlan,
    chatgpt_sign_in,
    codex_cloud_service,
    file_diff,
)
from support.project import MODULE, CommandLine, commit_all, git, make_project, task_with, write
from support.responses_server import responses_server

LOUD = edit('    print("greeting", name)', '    print("GREETING", name)')
LOUDER = edit('    print("greeting", name)', '    print("LOUDER", name)')
BROKEN = edit('    return f"hello {name}"', '    return "bye"')


@pytest.fixture
def run(tmp_path: Path, call: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudRun]:
    files = {
        TASK: task_with(steps="", execution="{parallel: true}"),
        ".codex-orchestrator.toml": CONFIG,
    }
    repo = make_project(tmp_path / "repo", **files)
    certificates = tmp_path / "certificates"
    certificates.mkdir()
    agents = Agents()
    with codex_cloud_service(certificates) as service, responses_server({"*": agents}) as server:
        for name, value in service.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test-loopback-key")
        monkeypatch.setenv("CODEX_ORCHESTRATOR_CLOUD_AUTH", chatgpt_sign_in())
        service.plans["DO-one."] = CloudPlan(looks=0, diffs=(LOUD,))
        yield CloudRun(repo, call, service, agents)


def branch_file(run: CloudRun, report: dict[str, Any], path: str) -> str:
    return git(run.repo, "show", f"{report['branch']}:{path}")


def holds_a_token(path: Path) -> bool:
    tokens = json.loads(chatgpt_sign_in())["tokens"]
    names = ("id_token", "access_token", "refresh_token")
    data = path.read_bytes()
    return any(tokens[name].encode() in data for name in names)


def set_task(run: CloudRun, **lines: str) -> None:
    write(run.repo, TASK, task_with(steps="", **lines))
    commit_all(run.repo, "another task")


def test_a_change_of_codex_cloud_is_merged_tested_and_reviewed(run: CloudRun) -> None:
    run.service.plans["DO-one."] = CloudPlan(looks=1, diffs=(LOUD,))
    done = run.start()
    assert done.code == 0, done.err
    assert "GREETING" in branch_file(run, json.loads(done.out), "src/greeter/__init__.py")
    assert (run.manifest["mode"]["selected"], run.manifest["verdict"]) == ("cloud", "approved")
    assert run.manifest["engine"]["builder"] == "codex-cloud"
    (task,) = run.service.tasks.values()
    assert (task.environment, task.branch, task.attempts) == ("env_1", "main", 1)
    assert run.item_of["one"]["submissions"][0]["task_id"] == task.id
    assert task.looks > 2, "it was pending at first"
    assert run.agents.asked == ["planner", "tester", "reviewer"]
    assert not [path for path in run.repo.rglob("*") if path.is_file() and holds_a_token(path)]


def test_a_task_that_fails_in_the_cloud_fails_the_run_with_its_reason(run: CloudRun) -> None:
    run.service.plans["DO-one."] = CloudPlan(looks=0, end="failed", diffs=())
    assert run.start().code == 1
    assert run.manifest["verdict"] == "failed"
    assert run.item_of["one"]["state"] == "failed"
    assert "Codex Cloud could not do it" in run.manifest["notes"]["summary"]


def test_a_task_without_a_change_fails_the_run(run: CloudRun) -> None:
    run.service.plans["DO-one."] = CloudPlan(looks=0, diffs=())
    assert run.start().code == 1
    assert "without a change" in run.manifest["notes"]["summary"]


def test_of_three_attempts_the_first_that_passes_our_checks_is_taken(run: CloudRun) -> None:
    set_task(run, execution="{parallel: true, attempts: 3}")
    run.service.plans["DO-one."] = CloudPlan(looks=0, diffs=(BROKEN, LOUD, LOUDER))
    done = run.start()
    assert done.code == 0, done.err
    assert "GREETING" in branch_file(run, json.loads(done.out), "src/greeter/__init__.py")
    assert [task.attempts for task in run.service.tasks.values()] == [3]
    logs = {one["path"] for one in run.manifest["artifacts"] if one["kind"] == "log"}
    assert {path.split("/")[2] for path in logs if "submission-1" in path} == {
        "attempt-1",
        "attempt-2",
    }
    assert git(run.repo, "worktree", "list").count("\n") == 1


def test_items_are_sent_together_when_their_dependencies_are_done(run: CloudRun) -> None:
    run.agents.items = [item("one"), item("two"), item("last", "one", "two")]
    run.service.plans["DO-two."] = CloudPlan(looks=0, diffs=(file_diff("src/two.py", "x = 2"),))
    run.service.plans["DO-last."] = CloudPlan(looks=0, diffs=(file_diff("src/z.py", "z = 3"),))
    done = run.start()
    assert done.code == 0, done.err
    sent = [body["input_items"] for method, _, body in run.service.seen if method == "POST"]
    assert [len(one) for one in sent] == [1, 1, 2], "the last one starts from the work so far"
    starting_diff = sent[2][1]["output_diff"]["diff"]
    assert "GREETING" in starting_diff
    assert "src/two.py" in starting_diff
    first_look = next(n for n, one in enumerate(run.service.seen) if "/tasks/list" in one[1])
    posts = [n for n, one in enumerate(run.service.seen) if one[0] == "POST"]
    assert [n < first_look for n in posts] == [True, True, False]
    assert branch_file(run, json.loads(done.out), "src/z.py") == "z = 3\n"


def test_work_that_is_too_large_to_be_sent_along_fails_the_run(run: CloudRun) -> None:
    run.agents.items = [item("one"), item("two", "one")]
    large = file_diff("src/large.txt", "x" * 130_000)
    run.service.plans["DO-one."] = CloudPlan(looks=0, diffs=(large,))
    assert run.start().code == 1
    assert "cannot be sent along" in run.manifest["notes"]["summary"]
    assert len(run.service.tasks) == 1


def test_no_more_items_are_at_work_than_are_allowed(run: CloudRun) -> None:
    write(run.repo, ".codex-orchestrator.toml", CONFIG + "parallel = 1\n")
    run.agents.items = [item("one"), item("two")]
    run.service.plans["DO-two."] = CloudPlan(looks=0, diffs=(file_diff("src/two.py", "x = 2"),))
    assert run.start().code == 0
    asked = [f"{one[0]} {one[1].split('/')[-1]}" for one in run.service.seen]
    posts = [n for n, one in enumerate(asked) if one.startswith("POST")]
    assert any("GET task_e" in one for one in asked[posts[0] : posts[1]])


def test_a_conflict_is_a_finding_and_the_item_is_made_again_on_the_work_so_far(
    run: CloudRun,
) -> None:
    run.agents.items = [item("one"), item("two")]
    again = edit('"GREETING"', '"AGAIN"', text=MODULE.replace("greeting", "GREETING"))
    run.service.plans["DO-two."] = CloudPlan(looks=0, diffs=(LOUDER,))
    submit = run.service.submit

    def resubmitted(body: dict[str, Any]) -> Any:
        if len(run.service.tasks) == 2:
            run.service.plans["DO-two."] = CloudPlan(looks=0, diffs=(again,))
        return submit(body)

    run.service.submit = resubmitted  # type: ignore[method-assign]
    done = run.start()
    assert done.code == 0, done.err
    assert "AGAIN" in branch_file(run, json.loads(done.out), "src/greeter/__init__.py")
    found = run.manifest["review"]["findings"]
    assert [(one["rule"], one["severity"]) for one in found] == [("run/merge-conflict", "note")]
    first, second = run.item_of["two"]["submissions"]
    assert "patch" in first["problem"]
    assert second["problem"] == ""


def test_a_conflict_that_stays_fails_the_run_with_findings(run: CloudRun) -> None:
    run.agents.items = [item("one"), item("two")]
    run.service.plans["DO-two."] = CloudPlan(looks=0, diffs=(LOUDER,))
    assert run.start().code == 1
    assert run.sent_for("two") == 2
    rules = [(one["rule"], one["severity"]) for one in run.manifest["review"]["findings"]]
    assert rules == [("run/merge-conflict", "error")] * 2
    assert run.manifest["verdict"] == "failed"


def test_a_review_that_asks_for_changes_is_one_more_submission(run: CloudRun) -> None:
    run.agents.reviews = [CHANGES, APPROVED]
    quiet = edit('"GREETING"', '"quiet"', text=MODULE.replace("greeting", "GREETING"))
    run.service.plans["MEND-THIS"] = CloudPlan(looks=0, diffs=(quiet,))
    done = run.start()
    assert done.code == 0, done.err
    assert "quiet" in branch_file(run, json.loads(done.out), "src/greeter/__init__.py")
    assert len(run.prompts) == 2
    assert run.item_of["repair-1"]["state"] == "done"


def test_a_change_of_protected_paths_waits_for_a_person_and_is_not_asked_for_twice(
    run: CloudRun,
) -> None:
    path = ".github/workflows/x.yml"
    run.service.plans["DO-one."] = CloudPlan(looks=0, diffs=(file_diff(path, "on: push"),))
    waiting = run.start()
    assert waiting.code == 6, waiting.err
    assert f"--approve edit:{path}" in waiting.err
    done = run.resume("--approve", f"edit:{path}")
    assert done.code == 0, done.err
    assert len(run.service.tasks) == 1


def test_a_change_that_makes_a_link_does_not_fit(run: CloudRun) -> None:
    link = file_diff("src/link", "/etc/passwd").replace("100644", "120000")
    run.service.plans["DO-one."] = CloudPlan(looks=0, diffs=(link,))
    assert run.start().code == 1
    assert "a link" in run.manifest["notes"]["summary"]


@pytest.mark.parametrize(
    ("variable", "config", "told"),
    [
        ("", CONFIG, "CODEX_ORCHESTRATOR_CLOUD_AUTH"),
        ('{"OPENAI_API_KEY": "sk-1"}', CONFIG, "codex login"),
        (chatgpt_sign_in(), "", "codex.environment"),
    ],
)
def test_what_cloud_mode_misses_is_exit_3_with_the_fix(
    run: CloudRun, monkeypatch: pytest.MonkeyPatch, variable: str, config: str, told: str
) -> None:
    monkeypatch.setenv("CODEX_ORCHESTRATOR_CLOUD_AUTH", variable)
    write(run.repo, ".codex-orchestrator.toml", config)
    done = run.start()
    assert done.code == 3, done.err
    assert told in done.err
    assert run.service.tasks == {}
    assert "builder" not in run.agents.asked


def test_an_unknown_environment_is_exit_3_and_nothing_counts_as_sent(run: CloudRun) -> None:
    write(run.repo, ".codex-orchestrator.toml", CONFIG.replace("acme/repo", "nosuch"))
    missing = run.start()
    assert missing.code == 3, missing.err
    assert "codex.environment" in missing.err
    write(run.repo, ".codex-orchestrator.toml", CONFIG)
    done = run.resume()
    assert done.code == 0, done.err
    assert len(run.item_of["one"]["submissions"]) == 1


def test_a_detached_head_has_no_branch_to_start_from(run: CloudRun) -> None:
    git(run.repo, "checkout", "-q", "--detach")
    done = run.start()
    assert done.code == 3, done.err
    assert "detached" in done.err


def test_a_plan_that_requires_the_cloud_needs_a_person_first(run: CloudRun) -> None:
    set_task(run, execution="{}")
    run.agents.items = (item("one") | {"requires_cloud": True},)
    waiting = run.start("--builder", "workspace")
    assert waiting.code == 6, waiting.err
    assert "--approve network:codex-cloud" in waiting.err
    assert run.service.tasks == {}
    done = run.resume("--approve", "network:codex-cloud")
    assert done.code == 0, done.err
    assert "plan item one" in run.manifest["mode"]["reason"]
    assert run.manifest["engine"]["builder"] == "codex-cloud"
    assert run.agents.asked.count("planner") == 1


def test_a_plan_may_require_the_cloud_when_a_person_has_allowed_it_before(run: CloudRun) -> None:
    set_task(run, execution="{}")
    run.agents.items = (item("one") | {"requires_cloud": True},)
    done = run.start("--builder", "workspace", "--approve", "network:codex-cloud")
    assert done.code == 0, done.err
    assert run.manifest["mode"]["selected"] == "cloud"
    assert len(run.service.tasks) == 1


def test_forced_cloud_needs_a_person_before_anything_leaves_the_machine(run: CloudRun) -> None:
    set_task(run)
    waiting = run.start("--mode", "cloud")
    assert waiting.code == 6, waiting.err
    assert "--approve network:codex-cloud" in waiting.err
    assert run.service.seen == []
    assert run.agents.asked == []
    done = run.resume("--approve", "network:codex-cloud")
    assert done.code == 0, done.err
    assert run.manifest["approvals"][0]["value"] == "codex-cloud"


def test_no_other_network_can_be_approved(run: CloudRun) -> None:
    done = run.start("--approve", "network:example.org")
    assert done.code == 3, done.err
    assert run.service.seen == []


def test_steps_are_not_for_the_cloud(run: CloudRun) -> None:
    write(run.repo, TASK, task_with(execution="{parallel: true}"))
    commit_all(run.repo, "steps")
    done = run.start()
    assert done.code == 2, done.err
    assert "execution" in done.err
    assert not list(run.repo.glob(".runs/*/*/manifest.json"))


@pytest.mark.parametrize("after_sending", [False, True])
def test_a_run_killed_while_it_sends_does_not_send_twice_unknowingly(
    run: CloudRun, tmp_path: Path, *, after_sending: bool
) -> None:
    codex = codex_that_kills_its_caller(tmp_path, at=3, after_sending=after_sending)
    write(run.repo, ".codex-orchestrator.toml", f'{CONFIG}path = "{codex}"\n')
    # "two" is merged before "late", which stands before it in the plan.
    run.agents.items = [item("one"), item("late", "one"), item("two")]
    run.service.plans["DO-two."] = CloudPlan(looks=0, diffs=(file_diff("src/two.py", "x = 2"),))
    run.service.plans["DO-late."] = CloudPlan(looks=0, diffs=(file_diff("src/z.py", "z = 3"),))
    with run.child() as process:
        assert process.wait(60) == -signal.SIGKILL
    assert run.item_of["late"]["submissions"][0]["task_id"] == ""
    done = run.resume()
    if not after_sending:
        assert done.code == 6, done.err
        assert "--approve network:codex-cloud/3" in done.err
        assert run.sent_for("late") == 0
        done = run.resume("--approve", "network:codex-cloud/3")
    assert done.code == 0, done.err
    assert [run.sent_for(name) for name in ("one", "two", "late")] == [1, 1, 1]
    report = json.loads(done.out)
    assert branch_file(run, report, "src/two.py") == "x = 2\n"
    assert branch_file(run, report, "src/z.py") == "z = 3\n"


def test_an_answer_that_is_lost_is_exit_4_and_the_task_is_found_again(run: CloudRun) -> None:
    run.service.drops_answers = True
    lost = run.start()
    assert lost.code == 4, lost.err
    run.service.drops_answers = False
    done = run.resume()
    assert done.code == 0, done.err
    assert run.sent_for("one") == 1


def test_a_run_that_is_ended_while_it_waits_polls_what_it_has_sent(run: CloudRun) -> None:
    run.service.plans["DO-one."] = CloudPlan(looks=10**6, diffs=(LOUD,))
    with run.child() as process:
        run.service.first_look.wait(60)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 130
    assert run.manifest["run"]["state"] == "interrupted"
    (task,) = run.service.tasks.values()
    task.plan = CloudPlan(looks=0, diffs=(LOUD,))
    done = run.resume()
    assert done.code == 0, done.err
    assert run.sent_for("one") == 1


def test_a_run_that_waits_goes_on_in_another_clone_and_sends_nothing_twice(
    run: CloudRun, tmp_path: Path
) -> None:
    path = ".github/workflows/x.yml"
    run.agents.items = (item("one"), item("two", "one"))
    run.service.plans["DO-two."] = CloudPlan(looks=0, diffs=(file_diff(path, "on: push"),))
    assert run.start().code == 6
    (manifest,) = run.repo.glob(".runs/*/*/manifest.json")
    known = hashlib.sha256(manifest.read_bytes()).hexdigest()
    git(tmp_path, "clone", "-q", run.repo.as_uri(), "clone")
    there = replace(run, repo=tmp_path / "clone")
    shutil.copytree(run.repo / ".runs" / "logging", there.repo / ".runs" / "logging")
    for place in (there.repo / ".runs", there.repo / ".runs" / "logging"):
        place.chmod(0o700)
    done = there.resume("--manifest-sha256", known, "--approve", f"edit:{path}")
    assert done.code == 0, done.err
    report = json.loads(done.out)
    assert "GREETING" in branch_file(there, report, "src/greeter/__init__.py")
    assert "on: push" in branch_file(there, report, path)
    assert len(run.service.tasks) == 2
