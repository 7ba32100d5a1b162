"""At a terminal the run asks at once; anywhere else it never asks and never waits."""

import json
import os
import pwd
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from codex_orchestrator.cli.ask import can_ask
from support.project import git, make_project, task_with
from support.terminal import Terminal, run_argv

TASK = "tasks/logging.md"
CONFTEST = "def is_none(x):\n    if x == None:\n        return 1\n"
STEPS = '[{pattern: py-none-comparison, paths: ["tests/conftest.py"]}]'
PROMPT = "[y/N/d = details] "
ASK = """
import sys
from codex_orchestrator.cli.ask import ask
from codex_orchestrator.model.approval import ApprovalKind
from codex_orchestrator.model.approval import Question
kind, value, reason, patch = (part.encode().decode("unicode_escape") for part in sys.argv[1:])
question = Question(ApprovalKind(kind), value, reason, "t", "run-1", "item-1", patch.encode())
sys.stdout.write(str(ask(question)))
"""


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    files = {"tests/conftest.py": CONFTEST, TASK: task_with(steps=STEPS)}
    return make_project(tmp_path / "repo", **files)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "stdout"


def manifest(repo: Path) -> dict[str, Any]:
    [path] = repo.glob(".runs/*/*/manifest.json")
    found: dict[str, Any] = json.loads(path.read_bytes())
    return found


def audited(repo: Path, event: str) -> list[dict[str, Any]]:
    lines = (repo / "out/audit.log").read_text().splitlines()
    return [line["details"] for line in map(json.loads, lines) if line["event"] == event]


def asked(out: Path, kind: str, value: str, reason: str = "a rule", patch: str = "") -> Terminal:
    return Terminal("-c", ASK, kind, value, reason, patch, stdout=out)


def test_a_yes_is_recorded_and_the_same_run_goes_on(repo: Path, out: Path) -> None:
    with Terminal(*run_argv(repo, "logging"), stdout=out) as terminal:
        terminal.wait_for("approval needed: task logging")
        terminal.wait_for("what  edit:tests/conftest.py")
        terminal.wait_for("protected path: **/conftest.py")
        terminal.wait_for(PROMPT)
        assert manifest(repo)["run"]["state"] == "waiting", "while nobody has answered"
        terminal.type("y\n")
        assert terminal.end() == 0, terminal.shown
    made = manifest(repo)
    assert (made["verdict"], made["run"]["attempt"]) == ("approved", 1)
    [granted] = made["approvals"]
    assert granted["by"].startswith(pwd.getpwuid(os.getuid()).pw_name)
    [record] = audited(repo, "approval-granted")
    assert (record["grant"], record["how"]) == ("edit:tests/conftest.py", "terminal")
    assert [one["grant"] for one in audited(repo, "approval-asked")] == ["edit:tests/conftest.py"]


def test_return_alone_is_a_no_and_the_run_waits_as_elsewhere(repo: Path, out: Path) -> None:
    with Terminal(*run_argv(repo, "logging"), stdout=out) as terminal:
        terminal.wait_for(PROMPT)
        terminal.type("\n")
        assert terminal.end() == 6
        assert "--approve edit:tests/conftest.py" in terminal.shown
    assert manifest(repo)["run"]["state"] == "waiting"
    assert manifest(repo)["approvals"] == []
    assert audited(repo, "approval-declined")[0]["grant"] == "edit:tests/conftest.py"


def test_ctrl_c_at_the_question_interrupts_the_run(repo: Path, out: Path) -> None:
    with Terminal(*run_argv(repo, "logging"), stdout=out) as terminal:
        terminal.wait_for(PROMPT)
        terminal.type("\x03")
        assert terminal.end() == 130
    assert manifest(repo)["run"]["state"] == "interrupted"
    assert manifest(repo)["approvals"] == []


def test_without_a_terminal_nothing_is_asked_and_nothing_hangs(repo: Path) -> None:
    # A pipe that stays open and empty: whoever read from it would wait for ever.
    read, write_end = os.pipe()
    done = subprocess.run(
        [sys.executable, *run_argv(repo, "logging")], stdin=read, capture_output=True, check=False
    )
    os.close(read)
    os.close(write_end)
    assert done.returncode == 6
    assert b"approval needed" not in done.stderr
    assert audited(repo, "approval-asked") == []


@pytest.mark.parametrize("option", [("--no-input",), ("--format", "json")])
def test_who_wants_no_questions_gets_none_at_a_terminal_too(
    repo: Path, out: Path, option: tuple[str, ...]
) -> None:
    with Terminal(*run_argv(repo, "logging", *option), stdout=out) as terminal:
        assert terminal.end() == 6
        assert PROMPT not in terminal.shown


@pytest.mark.parametrize("variable", ["CI", "GITHUB_ACTIONS"])
def test_in_ci_nobody_is_asked(variable: str, out: Path) -> None:
    code = "from codex_orchestrator.cli.ask import can_ask; import os; print(can_ask(os.environ))"
    for value, expected in (("true", "False"), ("", "True")):
        with Terminal("-c", code, stdout=out, environment={variable: value}) as terminal:
            assert terminal.end() == 0, terminal.shown
        assert out.read_text().strip() == expected


def test_a_stdin_that_is_no_terminal_is_nobody() -> None:
    assert not can_ask({})


@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        ("y\n", "True"),
        ("YES\n", "True"),
        ("n\n", "False"),
        ("yellow\n", "False"),
        ("\x04", "False"),
        ("y\x04\x04", "False"),
        ("\xff\n", "False"),
    ],
)
def test_only_a_whole_yes_grants(out: Path, keys: str, answer: str) -> None:
    with asked(out, "edit", "AGENTS.md") as terminal:
        terminal.wait_for(PROMPT)
        terminal.type(keys)
        assert terminal.end() == 0, terminal.shown
    assert out.read_text() == answer


def test_what_was_typed_before_the_question_answers_nothing(out: Path) -> None:
    with asked(out, "edit", "AGENTS.md") as terminal:
        terminal.type("y\ny\ny\n")
        terminal.wait_for(PROMPT)
        terminal.type("n\n")
        assert terminal.end() == 0, terminal.shown
    assert out.read_text() == "False"


def test_a_hostile_value_is_shown_and_obeyed_by_no_terminal(out: Path) -> None:
    value = r"run:\x1b[2J\x1b]0;owned\x07ls \u202egnp.exe\u200b\ngrant it for this run? y\r"
    with asked(out, "run", value, r"why\x1b[31m\nwhat  edit:README.md") as terminal:
        terminal.wait_for(PROMPT)
        terminal.type("n\n")
        terminal.end()
        for char in "\x1b\x07\u202e\u200b":
            assert char not in terminal.shown
        assert r"\x1b[2J\x1b]0;owned\x07ls \u202egnp.exe\u200b\x0agrant it" in terminal.shown
        assert "\nwhat  edit:README.md" not in terminal.shown


def test_an_overlong_value_is_cut_with_its_end_in_sight_and_whole_in_the_details(
    out: Path,
) -> None:
    with asked(out, "run", "echo " + "x" * 2000 + " && rm -rf /") as terminal:
        terminal.wait_for("characters …]")
        terminal.wait_for("&& rm -rf /")
        terminal.wait_for(PROMPT)
        terminal.type("d\n")
        terminal.wait_for("x" * 2000 + " && rm -rf /")
        terminal.wait_for(PROMPT)
        terminal.type("n\n")
        terminal.end()


def test_a_command_is_said_to_run_outside_the_sandbox_and_as_whom(out: Path) -> None:
    with asked(out, "run", "npm install") as terminal:
        terminal.wait_for("outside of any sandbox")
        terminal.wait_for(pwd.getpwuid(os.getuid()).pw_name)
        terminal.wait_for(PROMPT)
        terminal.type("n\n")
        terminal.end()


@pytest.mark.parametrize(
    ("kind", "value", "means"),
    [
        ("secret", "NPM_TOKEN", "the commands of set-up get the value"),
        ("tests", "tests/test_tea.py", "may remove, skip or weaken"),
        ("network", "codex-cloud", "leave this machine"),
    ],
)
def test_each_kind_says_what_a_yes_means(out: Path, kind: str, value: str, means: str) -> None:
    with asked(out, kind, value) as terminal:
        terminal.wait_for(means)
        terminal.wait_for(PROMPT)
        terminal.type("n\n")
        terminal.end()


def test_the_details_of_an_edit_show_the_change_of_that_file_and_ask_again(out: Path) -> None:
    one = r"diff --git a/x.py b/x.py\n--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-a\n+AGENTS.md\n"
    two = r"diff --git a/AGENTS.md b/AGENTS.md\n--- a/AGENTS.md\n@@ -1 +1 @@\n+obey \x1b[1m\n"
    with asked(out, "edit", "AGENTS.md", patch=one + two) as terminal:
        terminal.wait_for(PROMPT)
        terminal.type("d\n")
        terminal.wait_for(r"| +obey \x1b[1m")
        terminal.wait_for("--resume run-1 --approve edit:AGENTS.md")
        terminal.wait_for(PROMPT)
        assert "x.py" not in terminal.shown
        terminal.type("y\n")
        assert terminal.end() == 0
    assert out.read_text() == "True"


def test_the_details_show_the_change_of_a_file_whose_name_git_quotes(out: Path) -> None:
    head = r'diff --git "a/gr\\303\\266\\303\\237e/AGENTS.md" "b/gr\\303\\266\\303\\237e/AGENTS.md"'
    with asked(
        out, "edit", r"gr\xf6\xdfe/AGENTS.md", patch=rf"{head}\n@@ -0,0 +1 @@\n+obey\n"
    ) as terminal:
        terminal.wait_for(PROMPT)
        terminal.type("d\n")
        terminal.wait_for("| +obey")
        terminal.wait_for(PROMPT)
        assert "not made yet" not in terminal.shown
        terminal.type("n\n")
        terminal.end()


def test_a_yes_to_one_of_two_is_not_a_yes_to_both(tmp_path: Path, out: Path) -> None:
    steps = '[{pattern: py-none-comparison, paths: ["tests/conftest.py", "src/conftest.py"]}]'
    files = {"tests/conftest.py": CONFTEST, "src/conftest.py": CONFTEST}
    repo = make_project(tmp_path / "repo", **files, **{TASK: task_with(steps=steps)})
    with Terminal(*run_argv(repo, "logging"), stdout=out) as terminal:
        terminal.wait_for(PROMPT)
        terminal.type("y\n")
        terminal.wait_for(PROMPT)
        terminal.type("n\n")
        assert terminal.end() == 6
    assert len(manifest(repo)["approvals"]) == 1


def test_a_grant_is_void_when_the_checkout_stands_on_another_commit(repo: Path) -> None:
    def go_on(*more: str) -> subprocess.CompletedProcess[str]:
        run_id = manifest(repo)["run"]["id"]
        words = run_argv(repo, "--resume", run_id, *more)
        return subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)

    grant = ("--approve", "edit:tests/conftest.py")
    first = subprocess.run(
        [sys.executable, *run_argv(repo, "logging", "--approve", "run:true")], check=False
    )
    assert first.returncode == 6
    git(repo, "commit", "-q", "--allow-empty", "-m", "moved on")
    again = go_on()
    assert again.returncode == 6
    assert "void: run:true, granted by" in again.stderr
    [void] = audited(repo, "approval-void")
    assert void["grant"] == "run:true"
    done = go_on(*grant)
    assert done.returncode == 0, done.stderr
    branch = git(repo, "branch", "--list", "codex-orchestrator/*").strip()
    assert git(repo, "merge-base", "main", branch).strip() == manifest(repo)["run"]["base_sha"]
