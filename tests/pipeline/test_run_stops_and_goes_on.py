"""A run that stops anywhere keeps its finished stages and goes on from there."""

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.project import CommandLine, commit_all, git, make_project, task_with, write

TASK = "tasks/logging.md"
TWO_STEPS = (
    '[{pattern: py-print-to-logging, paths: ["src/**/*.py"]},'
    " {command: [python3, tools/second.py]}]"
)


def argv(repo: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "codex_orchestrator", "run", *more, "--repo", str(repo)]


@contextmanager
def running(repo: Path, *more: str) -> Iterator[subprocess.Popen[str]]:
    """Start a run in a process of its own, whose events can be read line by line."""
    process = subprocess.Popen(
        argv(repo, str(repo / TASK), "--events", "-", *more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        yield process
        process.kill()


def wait_for(process: subprocess.Popen[str], event: str, **facts: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if not line.startswith("{"):
            continue
        found = json.loads(line)
        if found["event"] == event and all(found.get(key) == facts[key] for key in facts):
            return
    raise AssertionError(f"{event} {facts} never came")


def manifests(repo: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_bytes()) for path in sorted(repo.glob(".runs/*/*/manifest.json"))]


def resume(call: CommandLine, repo: Path, *more: str) -> dict[str, Any]:
    run_id = manifests(repo)[0]["run"]["id"]
    done = call("run", "--resume", run_id, *more, "--repo", str(repo), "--format", "json")
    assert done.code == 0, done.err
    document: dict[str, Any] = json.loads(done.out)
    return document


@pytest.fixture
def two_steps(tmp_path: Path) -> Path:
    tool = "import time; time.sleep(1); open('src/greeter/second.py', 'w').write('x = 2\\n')\n"
    files = {"tools/second.py": tool, TASK: task_with(steps=TWO_STEPS)}
    return make_project(tmp_path / "repo", **files)


@pytest.mark.parametrize(
    ("event", "facts"),
    [
        ("model-request", {"role": "planner"}),
        ("stage", {"stage": "build"}),
        ("tool-call", {"tool": "run_check"}),
        ("stage", {"stage": "test"}),
        ("stage", {"stage": "review"}),
        ("run-finished", {}),
    ],
)
def test_a_run_that_is_killed_anywhere_is_resumed_to_the_same_result(
    two_steps: Path, call: CommandLine, event: str, facts: dict[str, str]
) -> None:
    with running(two_steps) as process:
        wait_for(process, event, **facts)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    before = manifests(two_steps)[0]
    assert before["run"]["state"] == "running"
    report = resume(call, two_steps)
    after = manifests(two_steps)[0]
    assert report["verdict"] == "approved"
    assert after["run"]["attempt"] == 2
    changed = git(two_steps, "diff", "--name-only", "main", report["branch"]).split()
    assert changed == ["src/greeter/__init__.py", "src/greeter/second.py"]
    was_done = {item["id"] for item in before["items"] if item["state"] == "done"}
    attempts = {item["id"]: item["attempt"] for item in after["items"]}
    assert all(attempts[item] == 1 for item in was_done), "a finished item was built again"
    assert call("runs", "verify", report["run_id"], "--repo", str(two_steps)).code == 0


def test_a_run_killed_while_it_is_written_up_is_not_judged_again(
    two_steps: Path, call: CommandLine
) -> None:
    with running(two_steps) as process:
        wait_for(process, "run-finished")
        process.send_signal(signal.SIGKILL)
        process.wait()
    asked = manifests(two_steps)[0]["usage"]["requests"]
    resume(call, two_steps)
    assert manifests(two_steps)[0]["usage"]["requests"] == asked


def test_sigterm_saves_the_run_as_interrupted_and_says_how_to_go_on(
    two_steps: Path, call: CommandLine
) -> None:
    with running(two_steps) as process:
        wait_for(process, "tool-call", tool="run_check")
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 130
    run = manifests(two_steps)[0]["run"]
    assert run["state"] == "interrupted"
    assert f"--resume {run['id']}" in err
    assert resume(call, two_steps)["verdict"] == "approved"


def test_a_finished_run_is_not_run_again_by_resume(project: Path, call: CommandLine) -> None:
    call("run", str(project / TASK), "--repo", str(project))
    before = (project / "out/audit.log").read_bytes()
    assert resume(call, project)["verdict"] == "approved"
    assert manifests(project)[0]["run"]["attempt"] == 1
    assert (project / "out/audit.log").read_bytes() == before


def test_a_run_is_resumed_only_with_the_task_it_was_started_with(
    project: Path, call: CommandLine
) -> None:
    call("run", str(project / TASK), "--repo", str(project))
    run_id = manifests(project)[0]["run"]["id"]
    write(project, TASK, task_with(title="Another"))
    done = call("run", str(project / TASK), "--resume", run_id, "--repo", str(project))
    assert done.code == 2
    assert "not the one that run" in done.err


def test_a_second_run_of_a_task_is_locked_out_and_told_by_whom(
    two_steps: Path, call: CommandLine
) -> None:
    with running(two_steps) as process:
        wait_for(process, "stage", stage="plan")
        done = call("run", str(two_steps / TASK), "--repo", str(two_steps))
        assert done.code == 5
        assert str(process.pid) in done.err
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert len(manifests(two_steps)) == 1


def waiting_project(tmp_path: Path) -> Path:
    """Make a project whose task changes a protected path."""
    steps = '[{pattern: py-none-comparison, paths: ["tests/conftest.py"]}]'
    conftest = "def is_none(x):\n    if x == None:\n        return 1\n"
    return make_project(
        tmp_path / "repo", **{"tests/conftest.py": conftest, TASK: task_with(steps=steps)}
    )


def test_a_protected_path_stops_the_run_until_a_person_approves_it(
    tmp_path: Path, call: CommandLine
) -> None:
    repo = waiting_project(tmp_path)
    done = call("run", str(repo / TASK), "--repo", str(repo))
    assert done.code == 6, done.err
    assert "--approve edit:tests/conftest.py" in done.err
    run = manifests(repo)[0]["run"]
    assert run["state"] == "waiting"
    again = call("run", "--resume", run["id"], "--repo", str(repo))
    assert again.code == 6, "asking again grants nothing"
    report = resume(call, repo, "--approve", "edit:tests/conftest.py")
    assert report["verdict"] == "approved"
    approval = manifests(repo)[0]["approvals"][0]
    assert (approval["kind"], approval["value"]) == ("edit", "tests/conftest.py")
    assert approval["by"]
    changed = git(repo, "diff", "--name-only", "main", report["branch"]).split()
    assert changed == ["tests/conftest.py"]


def test_a_full_disk_is_exit_4_and_the_last_manifest_stays_whole(
    two_steps: Path, call: CommandLine
) -> None:
    def small_files() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))

    done = subprocess.run(
        argv(two_steps, str(two_steps / TASK)),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=small_files,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 4, done.stderr
    assert "Traceback" not in done.stderr
    assert manifests(two_steps)[0]["task"]["id"] == "logging"
    assert resume(call, two_steps)["verdict"] == "approved"


def test_a_secret_of_the_environment_is_in_no_file_that_a_run_leaves(
    tmp_path: Path, call: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = "sk-canary-5b1f7e2a9c"
    monkeypatch.setenv("OPENAI_API_KEY", canary)
    test = (
        "import os, unittest\n"
        "class Leak(unittest.TestCase):\n"
        "    def test_env(self):\n"
        "        os.write(1, repr(dict(os.environ)).encode())\n"
        f"        os.write(1, b'{canary[::-1]}'[::-1])\n"
    )
    repo = make_project(tmp_path / "repo", **{"tests/test_leak.py": test})
    # The reversed canary stands in the test file itself; only what the run writes is searched.
    done = call("run", str(repo / TASK), "--repo", str(repo))
    assert done.code == 0, done.err
    for folder in (repo / ".runs", repo / "out"):
        for path in folder.rglob("*"):
            if path.is_file():
                assert canary.encode() not in path.read_bytes(), path
    log = next((repo / ".runs").glob("*/*/tests/round-1/*.log")).read_text()
    assert "***" in log
    assert "OPENAI_API_KEY" not in log
    assert canary not in done.out + done.err


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_a_branch_in_the_way_is_named_before_anything_is_recorded(
    tmp_path: Path, call: CommandLine, more: tuple[str, ...]
) -> None:
    repo = make_project(tmp_path / "repo")
    git(repo, "branch", "codex-orchestrator/logging")
    done = call("run", str(repo / TASK), "--repo", str(repo), *more)
    assert done.code == 2
    assert "git branch -m codex-orchestrator/logging codex-orchestrator/logging-old" in done.err
    assert not list((repo / ".runs").glob("logging/*"))


def test_a_branch_that_came_in_the_way_of_a_waiting_run_stops_it_before_it_goes_on(
    tmp_path: Path, call: CommandLine
) -> None:
    repo = waiting_project(tmp_path)
    waiting = call("run", str(repo / TASK), "--repo", str(repo))
    assert waiting.code == 6, waiting.err
    (folder,) = (repo / ".runs" / "logging").glob("2*")
    before = (folder / "manifest.json").read_bytes()
    git(repo, "branch", "codex-orchestrator")
    grant = ("--approve", "edit:tests/conftest.py")
    stopped = call("run", "--resume", folder.name, *grant, "--repo", str(repo))
    assert stopped.code == 2
    assert "'codex-orchestrator' is in its way" in stopped.err
    assert (folder / "manifest.json").read_bytes() == before
    git(repo, "branch", "-m", "codex-orchestrator", "mine")
    assert call("run", "--resume", folder.name, *grant, "--repo", str(repo)).code == 0


def test_a_secret_in_a_test_report_is_masked_in_report_and_manifest(
    tmp_path: Path, call: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = "sk_canary_71d0c2"
    monkeypatch.setenv("OPENAI_API_KEY", canary)
    test = (
        "import unittest\n"
        "class Leak(unittest.TestCase):\n"
        f"    def test_{canary}(self):\n"
        f"        self.fail('{canary}')\n"
    )
    repo = make_project(tmp_path / "repo", **{"tests/test_leak.py": test})
    done = call("run", str(repo / TASK), "--repo", str(repo))
    assert done.code == 0, "it fails at the base too"
    left = [path for path in (repo / ".runs").rglob("*") if path.is_file()]
    assert [path for path in left if canary.encode() in path.read_bytes()] == []
    assert any(path.name.startswith("report-test.") for path in left)
    assert canary not in done.out + done.err
    assert call("runs", "verify", "--repo", str(repo)).code == 0


def test_a_change_that_holds_a_secret_is_not_put_on_a_branch(
    tmp_path: Path, call: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = "sk-canary-0d4c8b6f1e"
    monkeypatch.setenv("OPENAI_API_KEY", canary)
    half = len(canary) // 2
    tool = f"open('src/greeter/k.py','w').write('K = \"' + '{canary[:half]}' + '{canary[half:]}\"')"
    steps = "[{command: [python3, tools/leak.py]}]"
    repo = make_project(tmp_path / "repo", **{"tools/leak.py": tool, TASK: task_with(steps=steps)})
    done = call("run", str(repo / TASK), "--repo", str(repo), "--format", "json")
    assert done.code == 1
    report = json.loads(done.out)
    assert report["branch"] == ""
    assert canary not in (repo / report["patch_path"]).read_text()
    assert "secret" in (repo / report["review_path"]).read_text()


def test_work_trees_of_finished_runs_are_gone(project: Path, call: CommandLine) -> None:
    commit_all(project, "again")
    call("run", str(project / TASK), "--repo", str(project))
    assert git(project, "worktree", "list").count("\n") == 1
    assert git(project, "for-each-ref", "refs/codex-orchestrator").strip() == ""


def test_resuming_a_finished_run_writes_the_audit_record_that_a_crash_left_out(
    project: Path, call: CommandLine
) -> None:
    call("run", str(project / TASK), "--repo", str(project))
    run_id = manifests(project)[0]["run"]["id"]
    log = project / "out/audit.log"
    records = log.read_bytes().splitlines(keepends=True)
    assert b"run-finished" in records[-1]
    log.write_bytes(b"".join(records[:-1]))
    (project / "out/audit.head.json").unlink()
    # A run gives up its place in the git folder after the record, so the crash left it, too.
    git(project, "update-ref", f"refs/codex-orchestrator/{run_id}/base", "HEAD")
    assert call("runs", "verify", run_id, "--repo", str(project)).code == 1
    resume(call, project)
    assert call("runs", "verify", run_id, "--repo", str(project)).code == 0


def test_a_log_that_was_written_anew_as_a_whole_does_not_fit_the_manifests(
    tmp_path: Path, project: Path, call: CommandLine
) -> None:
    call("run", str(project / TASK), "--repo", str(project))
    other = make_project(tmp_path / "other")
    call("run", str(other / TASK), "--repo", str(other))
    for name in ("audit.log", "audit.head.json"):
        (project / "out" / name).write_bytes((other / "out" / name).read_bytes())
    done = call("runs", "verify", "--repo", str(project))
    assert done.code == 1
    assert "audit" in done.out + done.err


def test_what_was_granted_once_stays_granted_when_more_is_asked_for(
    tmp_path: Path, call: CommandLine
) -> None:
    steps = '[{pattern: py-none-comparison, paths: ["tests/conftest.py", "src/conftest.py"]}]'
    text = "def is_none(x):\n    if x == None:\n        return 1\n"
    files = {"tests/conftest.py": text, "src/conftest.py": text, TASK: task_with(steps=steps)}
    repo = make_project(tmp_path / "repo", **files)
    assert call("run", str(repo / TASK), "--repo", str(repo)).code == 6
    run_id = manifests(repo)[0]["run"]["id"]
    first = ["--approve", "edit:tests/conftest.py"]
    assert call("run", "--resume", run_id, *first, "--repo", str(repo)).code == 6
    report = resume(call, repo, "--approve", "edit:src/conftest.py")
    changed = git(repo, "diff", "--name-only", "main", report["branch"]).split()
    assert changed == ["src/conftest.py", "tests/conftest.py"]
    granted = [approval["value"] for approval in manifests(repo)[0]["approvals"]]
    assert granted == ["tests/conftest.py", "src/conftest.py"]
