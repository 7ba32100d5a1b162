"""The commands: exit codes, one JSON document on stdout, messages that name the fix."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from codex_orchestrator.cli.app import run as run_command_line
from codex_orchestrator.cli.commands import COMMANDS
from support.pattern_files import codemod_files, commit_all, make_library, write_files


class Said(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


class Command:
    """Runs `patterns …` in this process, in one repository."""

    def __init__(self, repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.repo = repo
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Said:
        verb, *rest = arguments
        code = run_command_line(["patterns", verb, "--repo", str(self.repo), *rest])
        out, err = self._capsys.readouterr()
        return Said(code, out, err)


@pytest.fixture
def patterns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    commit_all(tmp_path)
    return Command(tmp_path, capsys)


def test_the_commands_are_in_the_table() -> None:
    assert COMMANDS["patterns"][0] == "cli.patterns"


@pytest.mark.parametrize(
    "verb", ["list", "new", "build", "test", "check", "lint", "apply", "render"]
)
def test_every_command_has_help_with_an_example(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line(["patterns", verb, "--help"]) == 0
    help_text = capsys.readouterr().out
    assert "Example: codex-orchestrator patterns" in help_text
    assert "--repo" in help_text


def test_list_shows_what_the_toolkit_brings(patterns: Command) -> None:
    said = patterns("list", "--kind", "codemod", "--format", "json")
    ids = [asset["id"] for asset in said.document["assets"]]
    assert said.code == 0
    assert "py-print-to-logging" in ids
    assert "py-no-eval-exec" not in ids
    assert "py-print-to-logging" in patterns("list").out


def test_lint_exits_with_1_when_a_rule_of_weight_error_sees_something(patterns: Command) -> None:
    write_files(patterns.repo, {"a.py": "x = 1\n"})
    assert patterns("lint").code == 0
    write_files(patterns.repo, {"a.py": "eval(x)\n"})
    said = patterns("lint")
    assert said.code == 1
    assert said.out.startswith("a.py:1: error py-no-eval-exec: `eval` executes any text")
    assert patterns("lint", "--format", "json").document["findings"][0]["line"] == 1


def test_control_characters_of_linted_code_do_not_reach_the_terminal(patterns: Command) -> None:
    name = "a\x1b]0;owned\x07.py"
    write_files(patterns.repo, {name: "os.system('\x1b[31m')\n"})
    said = patterns("lint")
    assert said.code == 1
    assert "\x1b" not in said.out
    assert "\x07" not in said.out


def test_apply_changes_files_and_says_which(patterns: Command) -> None:
    write_files(patterns.repo, {"a.py": "x = not a in b\n", "b.py": b"\xff"})
    preview = patterns("apply", "py-not-in", "--dry-run", "--format", "json").document
    assert (preview["dry_run"], preview["paths"]) == (True, ["a.py"])
    assert (patterns.repo / "a.py").read_text() == "x = not a in b\n"
    said = patterns("apply", "py-not-in")
    assert (said.code, said.out) == (0, "a.py\n")
    assert "left b.py: not UTF-8 (byte 0)" in said.err
    assert "changed 1 places in 1 files" in said.err
    assert (patterns.repo / "a.py").read_text() == "x = a not in b\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("apply", "py-nott-in"), "did you mean `py-not-in`"),
        (("apply", "py-not-in", "nowhere.py"), "nowhere.py: no such file or folder"),
        (("apply", "py-not-in", "/etc"), "/etc: is not in the repository"),
        (("apply", "py-not-in", "../x*.py"), "0 places in 0 files"),
        (("apply", "py-no-eval-exec"), "only a codemod changes files"),
        (("lint", "gone.py"), "gone.py: no such file or folder"),
        (("build",), "this repository has no patterns of its own"),
        (("check",), "this repository has no patterns of its own"),
        (("new", "codemod", "../x"), "'../x' is not a valid id"),
        (("new", "codemod", "x", "--language", "klingon"), "unknown language 'klingon'"),
        (("new", "script", "x"), "is not one of 'codemod', 'linter', 'template'"),
        (("render", "py-not-in", "nowhere.json"), "No such file"),
        (("test", "nobody"), "no pattern has the id 'nobody'"),
    ],
)
def test_wrong_input_is_exit_2_with_a_message(
    patterns: Command, arguments: tuple[str, ...], message: str
) -> None:
    said = patterns(*arguments)
    assert message in said.err
    assert said.code == (0 if "0 places" in message else 2)
    assert "Traceback" not in said.err


def test_outside_a_repository_is_exit_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert Command(tmp_path, capsys)("list").code == 2


@pytest.mark.parametrize("kind", ["codemod", "linter", "template"])
@pytest.mark.parametrize("language", ["python", "javascript", "tsx", "go", "rust", "java", "bash"])
def test_a_new_pattern_builds_and_passes_at_once(
    patterns: Command, kind: str, language: str
) -> None:
    said = patterns("new", kind, "own-one", "--language", language)
    assert (said.code, said.out) == (0, f"patterns/{kind}s/own-one\n")
    assert patterns("build").code == 0
    result = patterns("test", "--format", "json")
    assert result.code == 0, result.err
    assert result.document["failed"] == 0
    assert result.document["patterns"] == 1
    assert patterns("check").code == 0
    assert "own-one" in patterns("list").out
    assert patterns("new", kind, "own-one").code == 2


def test_a_failing_case_is_exit_1_and_shows_the_difference(patterns: Command) -> None:
    write_files(patterns.repo, codemod_files("own", fix="newer($$$A)"))
    said = patterns("test", "own")
    assert said.code == 1
    assert "FAILED own cases/one/before.py" in said.err
    assert "+newer(1)" in said.err


def test_check_finds_an_index_that_is_behind_and_a_version_that_stayed(patterns: Command) -> None:
    make_library(patterns.repo, codemod_files("own"))
    commit_all(patterns.repo)
    assert patterns("check", "--base", "HEAD").code == 0
    write_files(patterns.repo, codemod_files("own", fix="newer($$$A)"))
    assert patterns("check").code == 1
    assert patterns("build").code == 0
    assert patterns("check").code == 0
    said = patterns("check", "--base", "HEAD", "--format", "json")
    assert said.code == 1
    assert said.document["findings"][0]["rule"] == "pattern-version"


def test_a_base_before_the_first_commit_has_nothing_to_compare(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from support.pattern_files import git

    git(tmp_path, "init", "-q")
    make_library(tmp_path, codemod_files("own"))
    assert Command(tmp_path, capsys)("check", "--base", "HEAD").code == 0


def test_a_template_is_filled_from_a_file(patterns: Command) -> None:
    values = {
        "task": {"id": "t", "title": "<b>`x`</b>"},
        "run": {"id": "r"},
        "mode": {"selected": "mcp", "reason": "default"},
        "approvals": [],
        "validations": [],
        "artifacts": [],
        "patterns": [],
        "notes": {"summary": "s", "risks": [], "follow_up": []},
    }
    write_files(patterns.repo, {"values.json": json.dumps(values)})
    said = patterns("render", "run-manifest-checklist", str(patterns.repo / "values.json"))
    assert said.code == 0
    assert "# Checklist for run `r`" in said.out
    assert "`` <b>`x`</b> ``" not in said.out
    assert "``<b>`x`</b>``" in said.out


def test_a_wrong_configuration_is_exit_2_here_too(patterns: Command) -> None:
    write_files(patterns.repo, {".codex-orchestrator.toml": "colour = 'red'\n"})
    assert patterns("lint").code == 2


def test_help_does_not_import_the_engine(tmp_path: Path) -> None:
    code = (
        "import sys; from codex_orchestrator.cli.app import run; run(['patterns', '--help']); "
        "sys.exit(bool({'ast_grep_py', 'pydantic', 'jinja2'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=True)


@pytest.mark.parametrize(
    "files",
    [
        {"patterns/__init__.py": ""},
        {"patterns/index.json": '{"stripes": ["blue"]}'},
        {"patterns/templates/page.html": "<html>"},
        {"patterns": "a file"},
    ],
)
def test_a_folder_of_that_name_that_is_no_library_is_left_alone(
    patterns: Command, files: dict[str, str]
) -> None:
    write_files(patterns.repo, {**files, "a.py": "x = 1\n"})
    assert patterns("lint").code == 0
    assert patterns("test", "py-not-in").code == 0
    assert patterns("list").code == 0
    assert patterns("build").code == 2
    assert {name: (patterns.repo / name).read_text() for name in files} == files
