"""Streams that are closed or full: a documented exit code for every command, and no traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from codex_orchestrator.cli.commands import COMMANDS
from support.project import make_project

FULL = Path("/dev/full")
needs_full_device = pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
ONE_OF_EACH = {
    "init": "init --dry-run",
    "doctor": "doctor",
    "guard": "guard --all",
    "spec": "spec new 0009-x --title X",
    "run": "run nosuch",
    "runs": "runs list",
    "audit": "audit verify",
    "review": "review publish nosuch",
    "sync": "sync --dry-run",
    "catalog": "catalog search",
    "patterns": "patterns list",
    "credentials": "credentials check",
    "mcp": "mcp workspace --root . --policy nosuch.json",
    "": "--version",
    "-h": "--help",
    "runn": "runn",
}


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_project(tmp_path_factory.mktemp("streams") / "repo")


def code_of(repo: Path, words: str, streams: str = "") -> int:
    """Run the program with its streams as a shell sets them up; nothing it says is a traceback."""
    # Buffered, as on most machines: what cannot be written shows late.
    outside = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" -m codex_orchestrator {words} {streams}', sys.executable],
        cwd=repo,
        capture_output=True,
        text=True,
        check=False,
        env=outside,
    )
    assert "Traceback" not in done.stdout + done.stderr
    assert "Exception ignored" not in done.stderr
    return done.returncode


def test_the_table_of_this_test_has_every_command() -> None:
    assert set(COMMANDS) <= set(ONE_OF_EACH)


@pytest.mark.parametrize("words", ONE_OF_EACH.values())
def test_a_command_without_stdout_is_wrong_use(repo: Path, words: str) -> None:
    assert code_of(repo, words, ">&-") == 2
    assert code_of(repo, words, ">&- 2>&-") == 2
    assert not (repo / "tasks/specs/0009-x.md").exists(), "it did its work, and told nobody"


@pytest.mark.parametrize("words", [w for w in ONE_OF_EACH.values() if not w.startswith("spec")])
def test_what_people_cannot_be_told_changes_no_exit_code(repo: Path, words: str) -> None:
    code = code_of(repo, words)
    assert {code_of(repo, words, streams) for streams in ("2>&-", "<&-", "<&- 2>&-")} == {code}


@needs_full_device
@pytest.mark.parametrize("words", [w for w in ONE_OF_EACH.values() if not w.startswith("spec")])
def test_a_full_disk_below_stderr_changes_no_exit_code(repo: Path, words: str) -> None:
    assert code_of(repo, words, f"2>{FULL}") == code_of(repo, words)


@needs_full_device
@pytest.mark.parametrize("words", ["doctor", "guard rules", "patterns list", "--help", "--version"])
@pytest.mark.parametrize("stderr", ["", f"2>{FULL}", "2>&-"])
def test_a_result_that_cannot_be_written_is_exit_4(repo: Path, words: str, stderr: str) -> None:
    assert code_of(repo, words, f">{FULL} {stderr}") == 4


@needs_full_device
def test_a_run_goes_on_when_its_progress_cannot_be_shown(repo: Path) -> None:
    assert code_of(repo, "run logging", f"2>{FULL}") == 0


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_a_secret_of_the_environment_is_shown_in_no_message_and_no_result(tmp_path, encoding):
    """Also where a message cannot be written as text and goes out as bytes."""
    canary = "vK7-q9.vB2tR8xW4pL6nZ3"
    repo = make_project(tmp_path / "repo")
    done = subprocess.run(
        [sys.executable, "-m", "codex_orchestrator", "runs", "show", f"é{canary}"],
        capture_output=True,
        check=False,
        env={**os.environ, "DEPLOY_TOKEN": canary, "PYTHONIOENCODING": encoding},
        cwd=repo,
    )
    assert done.returncode == 2
    assert b"***" in done.stdout + done.stderr
    assert canary.encode() not in done.stdout + done.stderr
