"""What a check can do to the logs and reports of other checks, and to folders beside them."""

import os
from pathlib import Path

import pytest

from codex_orchestrator.model.check import CheckCommand, CheckResult
from codex_orchestrator.model.confinement import SandboxFacts
from codex_orchestrator.model.errors import ServiceError
from codex_orchestrator.model.verdict import ValidationStatus
from codex_orchestrator.system.process import ProcessResult
from codex_orchestrator.system.sandbox.probe import ask_launcher
from codex_orchestrator.workspace.checks import judge_process
from codex_orchestrator.workspace.worktree import GitWorkspace

needs_containment = pytest.mark.skipif(
    not ask_launcher().contains_files, reason="no layer of this machine keeps a check from files"
)
WRITES_REPORT = "echo mine > {log_dir}/report.jsonl"


def check(
    workspace: GitWorkspace, log_dir: Path, script: str, *, name: str = "test", report: str = ""
) -> CheckResult:
    command = CheckCommand(name=name, argv=("sh", "-c", script), report=report)
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        return workspace.run_check(tree.root, command, log_dir=log_dir, deadline_s=60)


@needs_containment
def test_a_link_that_a_command_puts_beside_its_report_opens_no_folder_to_the_next_check(
    workspace: GitWorkspace, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    logs = tmp_path / "tests"
    for script in (f"ln -s {victim} {{log_dir}}/round-1", f"ln -s {victim} {logs}/round-1"):
        check(workspace, logs, script, name="step")
    result = check(workspace, logs / "round-1", f"echo evil > {victim}/evil")
    assert os.listdir(victim) == []
    assert result.status is ValidationStatus.FAILED
    assert not (logs / "round-1").is_symlink()


def test_a_log_folder_that_is_a_link_is_refused(workspace: GitWorkspace, tmp_path: Path) -> None:
    (tmp_path / "victim").mkdir()
    (tmp_path / "tests").symlink_to(tmp_path / "victim")
    with pytest.raises(ServiceError, match="is a symbolic link"):
        check(workspace, tmp_path / "tests", "true")
    assert os.listdir(tmp_path / "victim") == []


@pytest.mark.parametrize(
    "script",
    [
        "mkdir -p {log_dir}/report.jsonl/a",
        "mkfifo {log_dir}/report.jsonl",
        "ln -s /etc/passwd {log_dir}/report.jsonl",
        "mkdir {log_dir}/a; chmod 0 {log_dir}/a {log_dir}",
    ],
)
def test_what_a_check_leaves_in_place_of_a_report_does_not_stop_the_next_one(
    script: str, workspace: GitWorkspace, tmp_path: Path
) -> None:
    logs = tmp_path / "tests"
    check(workspace, logs, script, name="lint", report="lines:report.jsonl")
    check(workspace, logs, WRITES_REPORT, report="lines:report.jsonl")
    assert (logs / "report.jsonl").read_text() == "mine\n"
    assert sorted(os.listdir(logs)) == ["lint.log", "report.jsonl", "test.log"]


def test_a_folder_in_place_of_an_old_report_is_removed(
    workspace: GitWorkspace, tmp_path: Path
) -> None:
    (tmp_path / "tests/report.jsonl/a").mkdir(parents=True)
    check(workspace, tmp_path / "tests", WRITES_REPORT, report="lines:report.jsonl")
    assert (tmp_path / "tests/report.jsonl").read_text() == "mine\n"


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("mkdir {log_dir}/report.jsonl", "its report is a folder"),
        ("ln -s /etc/passwd {log_dir}/report.jsonl", "its report is a symbolic link"),
    ],
)
def test_what_is_no_report_is_named_and_not_kept(
    script: str, problem: str, workspace: GitWorkspace, tmp_path: Path
) -> None:
    result = check(workspace, tmp_path / "tests", script, report="lines:report.jsonl")
    assert result.detail == problem
    assert os.listdir(tmp_path / "tests") == ["test.log"]


def test_a_report_is_not_read_through_a_folder_that_is_a_link(
    workspace: GitWorkspace, tmp_path: Path
) -> None:
    script = "ln -s /etc {log_dir}/sub"
    result = check(workspace, tmp_path / "tests", script, report="lines:sub/passwd")
    assert result.detail
    assert os.listdir(tmp_path / "tests") == ["test.log"]


def test_a_report_in_a_folder_of_its_own_is_kept(workspace: GitWorkspace, tmp_path: Path) -> None:
    script = "mkdir {log_dir}/sub; echo mine > {log_dir}/sub/report"
    check(workspace, tmp_path / "tests", script, report="lines:sub/report")
    assert (tmp_path / "tests/sub/report").read_text() == "mine\n"


@needs_containment
def test_a_later_check_cannot_replace_the_log_and_the_report_of_an_earlier_one(
    workspace: GitWorkspace, tmp_path: Path
) -> None:
    logs = tmp_path / "tests"
    check(workspace, logs, f"echo 1 failed; {WRITES_REPORT}", report="lines:report.jsonl")
    forgery = "for d in {log_dir} {log_dir}/.. %s; do for f in test.log report.jsonl; do"
    forgery = f"{forgery % logs} rm -f $d/$f; echo forged > $d/$f; done; done"
    check(workspace, logs, forgery, name="lint")
    assert (logs / "test.log").read_text() == "1 failed\n"
    assert (logs / "report.jsonl").read_text() == "mine\n"


@pytest.mark.parametrize("exit_code", [0, 1])
def test_a_check_whose_processes_could_not_be_ended_has_failed(exit_code: int) -> None:
    ended = ProcessResult(
        exit_code=exit_code,
        is_timed_out=False,
        is_stopped=False,
        is_flooded=False,
        duration_ms=1,
        left_behind=0,
        survivors=1,
        tail="",
        problem="",
        limit="",
        sandbox=SandboxFacts(),
    )
    assert judge_process(ended) is ValidationStatus.FAILED
