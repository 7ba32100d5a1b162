"""Gradle: its reports, as recorded from it, and the wrapper that writes them. It is not here."""

import os
from pathlib import Path

import pytest

from codex_orchestrator.adapters.choose import LanguageAdapters
from codex_orchestrator.adapters.gradle import GradleAdapter
from codex_orchestrator.model.check import CheckResult
from codex_orchestrator.model.confinement import Network
from codex_orchestrator.model.suite_run import Outcome, SuiteRun
from codex_orchestrator.model.verdict import ValidationStatus
from codex_orchestrator.system.environment import child_environment
from codex_orchestrator.system.sandbox.probe import probe_layers
from codex_orchestrator.workspace.checks import run_check
from support.pattern_files import write_files

RECORDED = """<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="org.x.TeaTest" tests="3" skipped="1" failures="1" errors="0" \
timestamp="2026-01-05T10:11:12" hostname="host" time="0.045">
  <properties/>
  <testcase name="brews()" classname="org.x.TeaTest" time="0.012"/>
  <testcase name="cools()" classname="org.x.TeaTest" time="0.003">
    <failure message="expected: &lt;1&gt; but was: &lt;2&gt;" \
type="org.opentest4j.AssertionFailedError">org.opentest4j.AssertionFailedError
\tat org.x.TeaTest.cools(TeaTest.java:12)
</failure>
  </testcase>
  <testcase name="later()" classname="org.x.TeaTest" time="0.0">
    <skipped/>
  </testcase>
  <system-out><![CDATA[brewing]]></system-out>
  <system-err><![CDATA[]]></system-err>
</testsuite>
"""
# It stands in for Gradle: it writes the recorded report of each project that has tests.
WRAPPER = """#!/bin/sh
echo "$@"
for project in app lib; do
  [ -d $project/src/test ] || continue
  mkdir -p $project/build/test-results/test
  cp report.xml $project/build/test-results/test/TEST-org.x.TeaTest.xml
done
exit {code}
"""


def run(root: Path) -> tuple[CheckResult, SuiteRun]:
    adapters = LanguageAdapters([], repo=root)
    _, commands = adapters.commands(root, wanted=None, checks=[])
    command, logs = commands["test"], root.parent / "logs"
    result = run_check(
        root,
        command,
        log_dir=logs,
        deadline_s=100,
        env=child_environment(os.environ),
        layers=probe_layers(),
        network=Network.LOOPBACK,
    )
    suite = adapters.tests(command, logs, result.exit_code)
    assert suite is not None
    return result.judged(suite, first_test=command.first_test), suite


def project(folder: Path, *, code: int, with_tests: tuple[str, ...]) -> Path:
    files = {"settings.gradle": "include 'app', 'lib'\n", "report.xml": RECORDED}
    files |= {f"{name}/src/test/java/TeaTest.java": "" for name in with_tests}
    root = write_files(folder, files | {"gradlew": WRAPPER.format(code=code)})
    (root / "gradlew").chmod(0o755)
    return root


def test_the_reports_of_all_projects_are_read_by_their_project(tmp_path: Path) -> None:
    root = project(tmp_path / "tree", code=1, with_tests=("app", "lib"))
    old = {"old/build/test-results/test/TEST-old.xml": RECORDED}
    result, suite = run(write_files(root, old))
    assert suite.outcomes == {
        f"{name}::org.x.TeaTest::{test}()": outcome
        for name in ("app", "lib")
        for test, outcome in (
            ("brews", Outcome.PASSED),
            ("cools", Outcome.FAILED),
            ("later", Outcome.SKIPPED),
        )
    }
    assert result.status is ValidationStatus.FAILED
    words = "--offline --no-daemon --no-build-cache --console=plain --continue test"
    assert result.output_tail.startswith(words)


def test_a_build_without_tests_is_not_checked_and_is_told_what_to_write(tmp_path: Path) -> None:
    result, suite = run(project(tmp_path / "tree", code=0, with_tests=()))
    assert (suite, result.status) == (SuiteRun({}), ValidationStatus.NOT_RUN)
    assert "there is no test; write src/test/java/" in result.detail


def test_a_build_that_ends_well_and_wrote_no_report_is_not_checked(tmp_path: Path) -> None:
    root = project(tmp_path / "tree", code=0, with_tests=("app",))
    (root / "gradlew").write_text("#!/bin/sh\n")
    result, _ = run(root)
    assert result.status is ValidationStatus.NOT_RUN
    assert "there is no report" in result.detail


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("org.x.TeaTest::brews()", "./gradlew --offline test --tests org.x.TeaTest.brews"),
        (
            "libs/tea::org.x.TeaTest::brews(int)[1]",
            "./gradlew --offline :libs:tea:test --tests org.x.TeaTest.brews",
        ),
    ],
)
def test_one_test_is_run_by_its_class_and_method(tmp_path: Path, name: str, line: str) -> None:
    root = project(tmp_path / "tree", code=0, with_tests=())
    command = GradleAdapter().commands(root)["test"]
    assert " ".join(GradleAdapter().one_test(command, name)) == line
