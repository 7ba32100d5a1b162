"""What the commands of a configuration report: JUnit's files in the work tree, or TAP."""

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from codex_orchestrator.adapters.choose import LanguageAdapters
from codex_orchestrator.adapters.command import CommandAdapter
from codex_orchestrator.adapters.projects import ADAPTERS
from codex_orchestrator.adapters.reports import read_report
from codex_orchestrator.model.check import CheckCommand
from codex_orchestrator.model.config import AdapterConfig, parse_config
from codex_orchestrator.model.config_file import ConfigTable
from codex_orchestrator.model.confinement import Network
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.suite_run import Outcome, SuiteRun
from codex_orchestrator.model.verdict import ValidationStatus
from codex_orchestrator.system.environment import child_environment
from codex_orchestrator.system.sandbox.probe import probe_layers
from codex_orchestrator.workspace.checks import run_check
from support.pattern_files import write_files
from support.sdists import ROOT

P, F, S = Outcome.PASSED, Outcome.FAILED, Outcome.SKIPPED
TAP_14 = """\
TAP version 14
1..4
# Subtest: math
    ok 1 - adds
    not ok 2 - divides
      ---
      message: |
        ok 3 - no test, but a detail
      ...
    1..2
not ok 1 - math
ok 2 - math
ok 3 - later # TODO it is not written
ok 4 # SKIP no database
"""


def read_tap(tmp_path: Path, text: str, *, code: int = 0) -> tuple[int, SuiteRun]:
    root = write_files(tmp_path / "tree", {"out.tap": text})
    argv = ("sh", "-c", f"cat out.tap; exit {code}")
    logs = tmp_path / "logs"
    logs.mkdir()
    command = CommandAdapter({"test": argv}, report="tap").commands(root)["test"]
    assert command.recorded == argv
    done = subprocess.run(
        command.writing_to(str(logs)).argv,
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines() == text.splitlines(), done.stderr
    return done.returncode, read_report(logs, command)


def test_tap_names_tests_and_subtests_and_equal_ones_by_number(tmp_path: Path) -> None:
    code, suite = read_tap(tmp_path, TAP_14, code=3)
    assert code == 3
    assert suite == SuiteRun(
        {
            "math": F,
            "math > adds": P,
            "math > divides": F,
            "math #2": P,
            "later": S,
            "test 4": S,
        }
    )


@pytest.mark.parametrize(
    ("text", "outcomes"),
    [
        ("ok\nnot ok\n1..2\n", {"test 1": P, "test 2": F}),
        ("1..1\nok 1 a \\# skip\r\n", {"a \\# skip": P}),
        ("1..2\nnot ok 1 a # TODO\nnot ok 2 b # skip\n", {"a": S, "b": F}),
        ("1..1\n# ok 2 - a comment\nokay, a sentence\nok 1 - \N{SNOWMAN}\n", {"\N{SNOWMAN}": P}),
        ("1..0 # SKIP nothing to do here\n", {}),
        ("        ok 1 - c\n        1..1\n    ok 1 - b\n    1..1\nok 1 - a\n1..1\n",
         {"a": P, "a > b": P, "a > b > c": P}),
    ],
)  # fmt: skip
def test_tap_that_is_whole(tmp_path: Path, text: str, outcomes: dict[str, Outcome]) -> None:
    assert read_tap(tmp_path, text)[1] == SuiteRun(outcomes)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no protocol at all\n",
        "ok 1 - a\n",
        "1..2\nok 1 - a\n",
        "1..1\nok 1 - a\nok 2 - b\n",
        "1..1\nok 1 - a\n1..1\n",
        "1..1\nok 1 - a\nBail out! the database is gone\n",
        "1..1\n    ok 1 - b\nok 1 - a\n",
        "1..1\n    1..2\n    ok 1 - b\nok 1 - a\n",
        "1..1\nok 1 - a\n    ok 1 - of no test\n    1..1\n",
        "1..2\nok 1 - a\n  ---\n  never: closed\nnot ok 2 - b\n",
        "1..1\nnot printed whole: ok 1 - a\n",
    ],
)
def test_tap_that_is_cut_or_says_two_things_proves_nothing(tmp_path: Path, text: str) -> None:
    assert "has no end" in read_tap(tmp_path, text)[1].problem


def test_bailing_out_is_a_failure_and_what_ran_before_is_kept(tmp_path: Path) -> None:
    suite = read_tap(tmp_path, "1..3\nok 1 - a\nBail out!\n")[1]
    assert suite.outcomes == {"a": P, "Bail out!": Outcome.BROKEN}


def test_a_junit_path_is_of_the_work_tree_and_for_the_tests_only() -> None:
    checks = {"test": ["make", "t"], "lint": ["make", "l"]}
    commands = CommandAdapter(checks, report="junit:out/*.xml").commands(Path())  # type: ignore[arg-type]
    assert commands["test"] == CheckCommand(
        name="test", argv=("make", "t"), report="junit:report-test", reports=("out/*.xml",)
    )
    assert commands["lint"].report == ""
    assert CommandAdapter(checks).commands(Path())["test"].report == ""  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("report", "problem"),
    [
        ("junit", "is empty"),
        ("junit:", "is empty"),
        ("junit:/tmp/r.xml", "is absolute"),
        ("junit:../r.xml", "leaves the repository"),
        ("junit:.git/r.xml", "enters .git"),
        ("junit:a\\b.xml", "backslash"),
        ("junit:a\u202eb.xml", "invisible"),
        ("JUnit:r.xml", "is none of junit:PATH, tap, none"),
        ("tap:file", "is none of"),
        ("xunit", "is none of"),
        (5, "string"),
    ],
)
def test_a_report_that_cannot_be_is_wrong_input_with_its_field(report: str, problem: str) -> None:
    table = {"adapter": {"commands": {"test": ["make"]}, "report": report}}
    with pytest.raises(InputError, match=problem) as caught:
        parse_config(ConfigTable(source="pyproject.toml", values=table))
    assert "adapter.report" in str(caught.value)


def test_a_report_without_a_command_that_writes_it_is_wrong_input() -> None:
    table = {"adapter": {"id": "python", "report": "tap"}}
    with pytest.raises(InputError, match=r"adapter\.report.*only the commands"):
        parse_config(ConfigTable(source="pyproject.toml", values=table))


@pytest.mark.parametrize(
    ("report", "script", "executed"),
    [
        ("tap", "echo '1..2'; echo 'ok 1 - a'; echo 'ok 2 - b'", 2),
        ("junit:out/*.xml", "mkdir out; echo '<t><testcase name=\"a\"/></t>' > out/r.xml", 1),
        ("none", "true", None),
    ],
)
def test_a_contained_command_reports_as_the_configuration_says(
    tmp_path: Path, report: str, script: str, executed: int | None
) -> None:
    root = write_files(tmp_path / "tree", {"check.sh": script})
    config = AdapterConfig(commands={"test": ("sh", "check.sh")}, report=report)
    adapters = LanguageAdapters([config], repo=root)
    name, commands = adapters.commands(root, wanted=None, checks=["test"])
    assert name == "command"
    logs = tmp_path / "logs"
    result = run_check(
        root,
        commands["test"],
        log_dir=logs,
        deadline_s=60,
        env=child_environment(os.environ),
        layers=probe_layers(),
        network=Network.LOOPBACK,
    )
    suite = adapters.tests(commands["test"], logs)
    judged = result.judged(suite) if suite else result
    assert judged.status is ValidationStatus.PASSED, judged
    assert (judged.tests.executed if judged.tests else None) == executed


def test_the_page_on_adapters_names_them_all_and_its_example_is_right() -> None:
    page = (ROOT / "docs/adapters.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(\w+)` \| .* \| .* \| .* \|", page, re.MULTILINE)
    assert listed == [*(adapter.id for adapter in ADAPTERS), CommandAdapter.id]
    (block,) = re.findall(r"^```toml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    table = tomllib.loads(block)["tool"]["codex-orchestrator"]
    config = parse_config(ConfigTable(source="pyproject.toml", values=table))
    assert config.adapter[0].report == "junit:build/reports/**/*.xml"
