"""Scripts of package.json that call one known runner report what became of each test."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from codex_orchestrator.adapters.node import NodeAdapter, runner_of
from codex_orchestrator.adapters.reports import parse_lines, read_report
from codex_orchestrator.model.suite_run import Outcome, SuiteRun, judge_tests
from codex_orchestrator.model.verdict import ValidationStatus
from support.missing import missing
from support.pattern_files import write_files

P, F, S = Outcome.PASSED, Outcome.FAILED, Outcome.SKIPPED
REPORTER = Path(__file__).parents[2] / "src/codex_orchestrator/adapters/script_reporter.cjs"


@pytest.mark.parametrize(
    ("script", "runner"),
    [
        ("jest", "jest"),
        ("vitest", "vitest"),
        ("vitest run --coverage", "vitest"),
        ("mocha 'test/**/*.js'", "mocha"),
        ("npx jest --ci", "jest"),
        ("CI=1 TZ='a b' ./node_modules/.bin/mocha", "mocha"),
        ("cross-env NODE_ENV=test jest", "jest"),
        ("NODE_OPTIONS=--experimental-vm-modules jest", "jest"),
        ("node --experimental-vm-modules node_modules/jest/bin/jest.js", "jest"),
        ("node --test", "node"),
        ("node --import tsx --test 'src/*.ts'", ""),
        ("node --test test/", "node"),
        ("node test/all.js --test", ""),
        ("node --test --test-reporter=dot", ""),
        ("NODE_OPTIONS=--no-warnings node --test", ""),
        ("vitest watch", ""),
        ("vitest bench", ""),
        ("jest -- a.test.js", ""),
        ("tsc && mocha", "mocha"),
        ("npm run build && NODE_ENV=test jest --ci", "jest"),
        ("node build.js && node --test", "node"),
        ("node --test > out; node done.js", "node"),
        ("node --test $FILES || true", "node"),
        ("node --test a && node --test b", ""),
        ("export NODE_OPTIONS=--no-warnings; node --test", ""),
        ("jest a && jest b", ""),
        ("vitest && tsc", ""),
        ("mocha && node --test", ""),
        ("mocha || true", ""),
        ("mocha; echo done", ""),
        ("mocha | cat", ""),
        ("jest > out", ""),
        ("jest $OPTIONS", ""),
        ("jest `cat options`", ""),
        ("jest # --ci", ""),
        ("jest\nexit 0", ""),
        ("jest 'a", ""),
        ("node check.js", ""),
        ("jest-like", ""),
        ("/opt/jest", ""),
        ("npm test", ""),
        ("CI=1", ""),
    ],
)
def test_a_report_is_ordered_of_the_one_command_of_a_known_runner(script: str, runner: str) -> None:
    assert runner_of(script) == runner


@pytest.mark.parametrize("lock", ["package-lock.json", "pnpm-lock.yaml", "yarn.lock"])
def test_what_is_recorded_is_the_script(tmp_path: Path, lock: str) -> None:
    write_files(tmp_path, {lock: "", "package.json": '{"scripts": {"test": "jest"}}'})
    command = NodeAdapter().commands(tmp_path)["test"]
    assert command.recorded[1:] == ("run", "test")
    assert ("--" in command.argv) is (lock == "package-lock.json")
    assert command.report.startswith("lines:")


class Ran(NamedTuple):
    code: int
    suite: SuiteRun
    output: str

    @property
    def status(self) -> ValidationStatus:
        passed = ValidationStatus.PASSED if self.code == 0 else ValidationStatus.FAILED
        return judge_tests(passed, self.suite)[0]


def run_script(tmp_path: Path, script: str, files: dict[str, str], modules: str = "") -> Ran:
    if not shutil.which("npm"):
        missing("npm is not installed")
    package = json.dumps({"name": "x", "scripts": {"test": script}})
    root = write_files(tmp_path / "a project", {"package.json": package, **files})
    if modules:
        (root / "node_modules").symlink_to(modules)
    logs = tmp_path / "the logs"
    logs.mkdir()
    command = NodeAdapter().commands(root)["test"].writing_to(str(logs))
    done = subprocess.run(
        command.argv,
        cwd=root,
        env={name: os.environ[name] for name in ("PATH", "HOME")} | dict(command.env),
        capture_output=True,
        text=True,
        check=False,
    )
    suite = read_report(logs, command) if command.report else SuiteRun({})
    return Ran(done.returncode, suite, done.stdout + done.stderr)


NODE_TESTS = """\
const test = require('node:test');
test('a', () => {});
test('a', () => { if (process.env.BREAKS) throw new Error(); });
"""


def test_a_script_of_nodes_runner_reports_and_still_shows_what_it_prints(tmp_path: Path) -> None:
    ran = run_script(tmp_path, "BREAKS=1 node --test t/", {"t/a.test.js": NODE_TESTS})
    assert ran.status is ValidationStatus.FAILED
    assert ran.suite == SuiteRun({"t/a.test.js > a": P, "t/a.test.js > a #2": F})
    assert "failing tests" in ran.output


def test_a_script_that_ends_without_its_tests_is_not_a_pass(tmp_path: Path) -> None:
    files = {"a.test.js": NODE_TESTS, "node_modules/.bin/jest": "#!/bin/sh\nexit 0\n"}
    root = tmp_path / "a project"
    write_files(root, files)
    (root / "node_modules/.bin/jest").chmod(0o755)
    ran = run_script(tmp_path, "jest", {})
    assert ran.code == 0, ran.output
    assert ran.status is ValidationStatus.NOT_RUN


def outcomes(
    *, passed: str = "", failed: str = "", skipped: str = "", broken: str = ""
) -> dict[str, Outcome]:
    """Return outcomes by the names of tests, which commas separate."""
    listed = ((passed, P), (failed, F), (skipped, S), (broken, Outcome.BROKEN))
    return {name: outcome for names, outcome in listed for name in names.split(", ") if name}


def test_npms_settings_of_a_user_hold_for_no_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = write_files(tmp_path / "home", {".npmrc": "script-shell=/bin/true\n"})
    monkeypatch.setenv("HOME", str(home))
    assert run_script(tmp_path, "node check.js", {"check.js": "process.exit(3);\n"}).code == 3


# What the runners call their reporters with, as far as ours reads it.
CALLS = {
    "jest": (
        """
        const one = (title, status, failing) =>
          ({ ancestorTitles: ['D', 'E'], title, status, failing });
        const file = (name, testResults, failureMessage = null) => reporter.onTestResult(
          {}, { testFilePath: `${process.cwd()}/${name}`, testResults, failureMessage });
        file('a.js', [
          one('x', 'passed'), one('x', 'passed'), one('y', 'failed'), one('z', 'pending'),
          one('t', 'todo'), one('o', 'disabled'), one('f', 'passed', true)], 'y');
        file('b.js', [one('x', 'passed')], 'afterAll');
        file('c.js', [], 'cannot be loaded');
        reporter.onRunComplete(new Set(), { wasInterrupted: false });
        """,
        outcomes(
            passed="a.js > D > E > x, a.js > D > E > x #2, b.js > D > E > x",
            failed="a.js > D > E > y",
            broken="b.js, c.js",
            skipped="a.js > D > E > z, a.js > D > E > t, a.js > D > E > o, a.js > D > E > f",
        ),
    ),
    "vitest": (
        """
        const test = (name, state, more) =>
          ({ type: 'test', name, mode: 'run', result: state && { state }, ...more });
        const suite = (name, state, tasks) =>
          ({ type: 'suite', name, mode: 'run', result: { state }, tasks });
        const file = (name, state, tasks) =>
          ({ task: { ...suite(name, state, tasks), filepath: `${process.cwd()}/${name}` } });
        reporter.onTestRunEnd([
          file('a.js', 'fail', [suite('D', 'fail', [test('x', 'pass'), test('y', 'fail')]),
            test('s', undefined, { mode: 'skip' }), test('t', undefined, { mode: 'todo' }),
            test('n', 'skip'), test('f', 'pass', { fails: true }),
            test('g', 'fail', { fails: true }), test('cut off')]),
          file('b.js', 'fail', [suite('H', 'fail', [test('x', 'pass')])]),
          file('c.js', 'fail', []),
          { task: { ...file('d.js', 'pass', [test('x', 'pass')]).task, meta: { typecheck: 1 } } },
        ], [new Error('late\\nwith a stack')], 'failed');
        reporter.onFinished([file('a.js', 'pass', [test('x', 'pass')]).task], []);
        """,
        outcomes(
            passed="a.js > D > x, b.js > H > x, d.js > types > x",
            failed="a.js > D > y, a.js > g, a.js > cut off",
            broken="b.js > H, c.js, unhandled error > late",
            skipped="a.js > s, a.js > t, a.js > n, a.js > f",
        ),
    ),
}


@pytest.mark.parametrize("runner", CALLS)
def test_what_a_runner_tells_its_reporter(tmp_path: Path, runner: str) -> None:
    if not shutil.which("node"):
        missing("node is not installed")
    calls, found = CALLS[runner]
    script = f"const reporter = new (require({str(REPORTER)!r}))({{}}, {{}});\n{calls}"
    report = tmp_path / "report"
    environment = {"PATH": os.environ["PATH"], "CODEX_ORCHESTRATOR_REPORT": str(report)}
    subprocess.run(["node", "-e", script], cwd=tmp_path, env=environment, check=True)
    assert parse_lines(report.read_bytes()) == SuiteRun(found)


@pytest.mark.parametrize(
    "calls",
    [
        "reporter.onRunComplete(new Set(), { wasInterrupted: true })",
        "reporter.onTestRunEnd([], [], 'interrupted')",
        "reporter.onInit({ config: { mergeReports: '.old' } }); reporter.onTestRunEnd([], [])",
    ],
)
def test_a_run_that_is_interrupted_or_read_from_files_has_no_end(
    tmp_path: Path, calls: str
) -> None:
    if not shutil.which("node"):
        missing("node is not installed")
    script = f"const reporter = new (require({str(REPORTER)!r}))({{}}); {calls}"
    report = tmp_path / "report"
    environment = {"PATH": os.environ["PATH"], "CODEX_ORCHESTRATOR_REPORT": str(report)}
    subprocess.run(["node", "-e", script], env=environment, check=True)
    assert "has no end" in parse_lines(report.read_bytes()).problem


@pytest.fixture(scope="session")
def modules(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Install the runners, which takes a network and minutes."""
    if os.environ.get("CODEX_ORCHESTRATOR_TESTS") != "torture":
        pytest.skip("`make torture` runs it: the runners are installed first")
    folder = tmp_path_factory.mktemp("runners")
    write_files(folder, {"package.json": '{"private": true}'})
    runners = ("jest@30", "vitest@4", "mocha@12")
    subprocess.run(["npm", "install", "--no-save", *runners], cwd=folder, check=True, timeout=300)
    return str(folder / "node_modules")


PASSED, FAILED = ValidationStatus.PASSED, ValidationStatus.FAILED
NOT_RUN = ValidationStatus.NOT_RUN
IMPORT = "import { test } from 'vitest';\n"
LATE = IMPORT + (
    "test('a', async () => {\n  setTimeout(() => { throw new Error('late'); });\n"
    "  await new Promise((done) => setTimeout(done, 50));\n});\n"
)
EQUAL = (
    "describe('D', () => {\n  it('a', () => {});\n  it('a', () => { throw 1; });\n"
    "  it.skip('s');\n});\n"
)
HOOK = "describe('D', () => { before(() => { throw 1; }); it('a', () => {}); });\n"
EXIT = "test('a', () => process.exit(0));\n"
BAD = "() => { throw 1; });\n"
MOCHA = "mocha t.test.js"
# The script, the test, what became of its tests, and the check.
REAL = {
    "jest: outcomes": (
        *("jest", f"test('a', () => {{}});\ntest('b', {BAD}"),
        *(outcomes(passed="t.test.js > a", failed="t.test.js > b"), FAILED),
    ),
    "jest: exit": ("jest", EXIT, {}, NOT_RUN),
    "jest: no test": ("jest --passWithNoTests", None, {}, NOT_RUN),
    "jest: expected to fail": (
        *("jest", f"test.failing('a', {BAD}", outcomes(skipped="t.test.js > a"), NOT_RUN),
    ),
    "vitest: outcomes": (
        *("vitest run", f"{IMPORT}test('a', () => {{}});\ntest.fails('b', {BAD}"),
        *(outcomes(passed="t.test.js > a", skipped="t.test.js > b"), PASSED),
    ),
    "vitest: exit": ("vitest", IMPORT + EXIT, outcomes(failed="t.test.js > a"), FAILED),
    "vitest: ignored error": (
        *("vitest run --dangerouslyIgnoreUnhandledErrors", LATE),
        *(outcomes(passed="t.test.js > a", broken="unhandled error > late"), FAILED),
    ),
    "vitest: no test": ("vitest run --passWithNoTests", None, {}, NOT_RUN),
    "mocha: outcomes": (
        *(MOCHA, EQUAL),
        outcomes(
            passed="t.test.js > D > a",
            failed="t.test.js > D > a #2",
            skipped="t.test.js > D > s",
        ),
        FAILED,
    ),
    "mocha: exit": (
        *(MOCHA, "it('a', () => {});\nit('b', () => process.exit(0));\n"),
        *(outcomes(passed="t.test.js > a"), NOT_RUN),
    ),
    "mocha: a hook fails": (
        *(MOCHA, HOOK),
        *(outcomes(broken='t.test.js > D > "before all" hook for "a"'), FAILED),
    ),
    "mocha: no test": (MOCHA, "", {}, NOT_RUN),
    "mocha: dry run": (
        *("mocha --dry-run t.test.js", f"it('a', {BAD}"),
        *(outcomes(skipped="t.test.js > a"), NOT_RUN),
    ),
}


@pytest.mark.parametrize("name", REAL)
def test_real_runners(tmp_path: Path, modules: str, name: str) -> None:
    script, test, found, status = REAL[name]
    files = {} if test is None else {"t.test.js": test}
    ran = run_script(tmp_path, script, files, modules)
    assert (ran.suite.outcomes, ran.status) == (found, status), ran.output
