"""Surroundings that nobody meant: odd configuration, streams that are closed or full."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from codex_orchestrator.compose.settings import load_settings
from codex_orchestrator.model.errors import InputError
from support.project import CommandLine, git, make_project, write

FULL = Path("/dev/full")
needs_full_device = pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "start")
    return tmp_path


def program(repo: Path, words: str) -> subprocess.CompletedProcess[str]:
    """Run the program by a shell line, where streams can be closed and filled."""
    line = f'exec "$0" -m codex_orchestrator {words}'
    # Buffered, as on most machines: what cannot be written shows late.
    outside = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return subprocess.run(
        ["sh", "-c", line, sys.executable],
        cwd=repo,
        capture_output=True,
        text=True,
        check=False,
        env=outside,
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tool = 3 # codex-orchestrator\n", "tool"),
        ("[tool]\ncodex-orchestrator = 3\n", "tool.codex-orchestrator"),
        ("[[tool.codex-orchestrator]]\nx = 1\n", "tool.codex-orchestrator"),
        ("codex-orchestrator = " + "[" * 20000 + "]" * 20000, "nested too deeply"),
        ("[tool.codex-orchestrator]\nbranch_prefix = 'a..b ~'\n", "branch_prefix"),
        ("[tool.codex-orchestrator]\nbranch_prefix = '-x/'\n", "branch_prefix"),
        ("[tool.codex-orchestrator]\nbranch_prefix = 'x.lock/'\n", "branch_prefix"),
    ],
)
def test_a_table_of_the_wrong_form_is_an_input_error(repo: Path, text: str, words: str) -> None:
    write(repo, "pyproject.toml", text)
    with pytest.raises(InputError) as caught:
        load_settings(str(repo), None, environ={})
    assert words in caught.value.message
    assert "pyproject.toml" in caught.value.message
    assert caught.value.fix


@pytest.mark.parametrize("prefix", ["codex-orchestrator/", "bots/", "agent-", "a.b/c_"])
def test_a_usual_branch_prefix_is_taken(repo: Path, prefix: str) -> None:
    write(repo, ".codex-orchestrator.toml", f"branch_prefix = '{prefix}'\n")
    assert load_settings(str(repo), None, environ={}).config.branch_prefix == prefix


def test_a_configuration_that_is_no_file_is_not_passed_over(repo: Path) -> None:
    (repo / ".codex-orchestrator.toml").symlink_to("gone.toml")
    with pytest.raises(InputError, match=r"\.codex-orchestrator\.toml: no regular file"):
        load_settings(str(repo), None, environ={})


@needs_full_device
def test_a_message_that_cannot_be_printed_does_not_change_the_exit_code(repo: Path) -> None:
    assert program(repo, "run nosuch 2>/dev/full").returncode == 2


@needs_full_device
def test_a_result_that_cannot_be_written_is_exit_4_and_no_bug(repo: Path) -> None:
    done = program(repo, "guard rules >/dev/full")
    assert done.returncode == 4
    assert "No space left on device" in done.stderr


def test_a_task_from_a_closed_stdin_is_exit_2(repo: Path) -> None:
    done = program(repo, "run - <&-")
    assert done.returncode == 2
    assert "standard input" in done.stderr


@needs_full_device
def test_events_that_cannot_be_written_stop_the_run_so_that_it_can_go_on(
    tmp_path: Path, call: CommandLine
) -> None:
    make_project(tmp_path)
    done = call("run", "logging", "--repo", str(tmp_path), "--events", str(FULL))
    assert done.code == 4
    assert str(FULL) in done.err
    run_id = done.err.rpartition("--resume ")[2].strip("`\n")
    assert call("run", "--resume", run_id, "--repo", str(tmp_path)).code == 0


def test_a_wrong_approval_is_exit_2_in_a_dry_run_too(tmp_path: Path, call: CommandLine) -> None:
    make_project(tmp_path)
    done = call("run", "logging", "--dry-run", "--approve", "foo", "--repo", str(tmp_path))
    assert done.code == 2
    assert "--approve" in done.err


def test_a_spec_path_with_a_quote_does_not_break_the_task_of_a_prompt(
    repo: Path, call: CommandLine
) -> None:
    prompt = write(repo, "ask.txt", "Do it\n")
    done = call("run", "--prompt-file", str(prompt), "--spec", "it's.md", "--repo", str(repo))
    assert done.code == 2
    assert "no model is configured" in done.err


def test_a_source_of_secrets_that_is_not_there_is_never_replaced_by_another(
    tmp_path: Path, call: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_project(tmp_path)
    write(tmp_path, ".codex-orchestrator.toml", "[credentials]\nsource = 'vault'\n")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-environment")
    done = call("run", "logging", "--model", "some-model", "--repo", str(tmp_path))
    assert done.code == 3
    assert "credentials.source" in done.err
    assert not (tmp_path / ".runs").exists()


def test_a_task_that_is_no_regular_file_is_refused_and_not_waited_for(
    repo: Path, call: CommandLine
) -> None:
    os.mkfifo(repo / "task.md")
    done = call("run", str(repo / "task.md"), "--repo", str(repo))
    assert done.code == 2
    assert "no regular file" in done.err
    assert "- for standard input" in done.err


@pytest.mark.parametrize("folder", [".", "src/greeter"])
def test_a_relative_interpreter_is_found_from_a_work_tree_and_from_a_sub_folder(
    tmp_path: Path, call: CommandLine, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    make_project(tmp_path, **{".codex-orchestrator.toml": "[adapter]\npython = 'tools/python'\n"})
    write(tmp_path, "tools/python", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n').chmod(0o755)
    write(tmp_path, ".git/info/exclude", "/tools/\n")  # as a virtual environment is: in no commit
    monkeypatch.chdir(tmp_path / folder)
    assert call("run", "logging").code == 0
