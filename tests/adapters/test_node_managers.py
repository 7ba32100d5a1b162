"""Which program runs the scripts of a Node or Deno project, and how."""

import os
from pathlib import Path

import pytest

from codex_orchestrator.adapters.junit import parse_junit
from codex_orchestrator.adapters.node import NodeAdapter
from codex_orchestrator.model.errors import InputError, NotCheckedError
from codex_orchestrator.model.suite_run import Outcome
from support.pattern_files import write_files
from support.project import git

JEST = '{"scripts": {"test": "jest"}}'
WORKSPACE = '{"workspaces": ["packages/*"]}'


@pytest.mark.parametrize(
    ("package", "files", "words"),
    [
        (JEST, {}, "npm run test"),
        (JEST, {"package-lock.json": "{}"}, "npm run test"),
        (JEST, {"bun.lock": ""}, "bun run test"),
        (JEST, {"bun.lockb": ""}, "bun run test"),
        (JEST, {"deno.lock": "{}"}, "deno task test"),
        ('{"packageManager": "pnpm@9.1.0+sha512.ab", "scripts": {"test": "x"}}', {}, "pnpm run"),
        # What package.json says counts more than a lock file that somebody left there.
        (
            '{"packageManager": "yarn@4.1.0", "scripts": {"test": "x"}}',
            {"package-lock.json": "{}"},
            "yarn run test",
        ),
        ("{}", {"bun.lock": ""}, "bun test"),
        ("{}", {"yarn.lock": ""}, "node --test"),
        ("", {"deno.jsonc": "{ // none\n}"}, "deno test --no-prompt --cached-only"),
        ("", {"deno.json": '{"tasks": {"test": {"command": "deno test -A"},}}'}, "deno task test"),
    ],
)
def test_the_lock_file_or_the_package_decides(
    tmp_path: Path, package: str, files: dict[str, str], words: str
) -> None:
    write_files(tmp_path, files | ({"package.json": package} if package else {}))
    assert " ".join(NodeAdapter().commands(tmp_path)["test"].recorded).startswith(words)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"package-lock.json": "{}"}, "npm run test --workspaces --if-present"),
        ({"pnpm-lock.yaml": ""}, "pnpm run --recursive --if-present test"),
        ({"yarn.lock": ""}, "yarn workspaces run test"),
        ({"yarn.lock": "", ".yarnrc.yml": ""}, "yarn workspaces foreach --all run test"),
        ({"bun.lock": ""}, "bun run --filter * test"),
    ],
)
def test_a_workspace_without_a_script_runs_those_of_its_packages(
    tmp_path: Path, files: dict[str, str], words: str
) -> None:
    write_files(tmp_path, files | {"package.json": WORKSPACE, "packages/a/package.json": JEST})
    commands = NodeAdapter().commands(tmp_path)
    assert " ".join(commands["test"].recorded) == words
    assert [*commands] == ["test"]


def test_the_manager_of_a_package_in_a_folder_is_that_of_the_repository(tmp_path: Path) -> None:
    tree = write_files(tmp_path / "tree", {"pnpm-lock.yaml": "", "apps/web/package.json": JEST})
    write_files(tmp_path, {"yarn.lock": ""})
    git(tree, "init", "-q")
    assert NodeAdapter().commands(tree / "apps/web")["test"].recorded[0] == "pnpm"
    (tree / "pnpm-lock.yaml").unlink()
    # What lies above the work tree is another repository's.
    assert NodeAdapter().commands(tree / "apps/web")["test"].recorded[0] == "npm"


def test_a_manager_that_nobody_knows_is_wrong_input(tmp_path: Path) -> None:
    write_files(tmp_path, {"package.json": '{"packageManager": "rm -rf"}'})
    with pytest.raises(InputError, match="packageManager is none of") as caught:
        NodeAdapter().commands(tmp_path)
    assert (caught.value.path, caught.value.field) == ("package.json", "packageManager")


@pytest.mark.parametrize("manager", ["pnpm", "yarn", "bun", "deno"])
def test_a_manager_that_is_not_installed_is_not_checked_and_says_how_to_install_it(
    tmp_path: Path, manager: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = f'{{"packageManager": "{manager}@1.0.0", "scripts": {{"test": "x"}}}}'
    write_files(tmp_path, {"package.json": package})
    monkeypatch.setenv("PATH", os.defpath)
    with pytest.raises(NotCheckedError, match=f"`test` needs {manager}") as caught:
        NodeAdapter().ensure_ready(tmp_path, ["test"])
    assert f"npm install --global {manager}" in caught.value.fix


BUN = """<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="bun test" tests="3" assertions="2" failures="1" skipped="1" time="0.02">
  <testsuite name="b.test.ts" file="b.test.ts" tests="3" failures="1" skipped="1">
    <testsuite name="D" file="b.test.ts" line="2"><testsuite name="E" file="b.test.ts" line="2">
      <testcase name="in" classname="E &gt; D" time="0.000015" file="b.test.ts" line="2" />
    </testsuite></testsuite>
    <testcase name="bad" classname="" time="0.0001" file="b.test.ts" line="3">
      <failure type="AssertionError" message="no">no</failure>
    </testcase>
    <testcase name="later" classname="" time="0" file="b.test.ts" line="4"><skipped /></testcase>
  </testsuite>
</testsuites>
"""
DENO = """<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="1" failures="0" errors="0" time="0.014">
    <testsuite name="./a_test.ts" tests="1" disabled="0" errors="0" failures="0">
        <testcase name="ok" classname="./a_test.ts" time="0.001" line="1" col="6">
        </testcase>
    </testsuite>
</testsuites>
"""


def test_reports_that_bun_and_deno_wrote_name_file_and_titles() -> None:
    assert parse_junit(BUN.encode()).outcomes == {
        "b.test.ts > D > E > in": Outcome.PASSED,
        "b.test.ts > bad": Outcome.FAILED,
        "b.test.ts > later": Outcome.SKIPPED,
    }
    assert parse_junit(DENO.encode()).outcomes == {"a_test.ts::ok": Outcome.PASSED}
