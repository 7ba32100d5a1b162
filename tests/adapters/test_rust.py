"""Rust: what really ran, by name, on the stable toolchain."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from codex_orchestrator.adapters.reports import read_report
from codex_orchestrator.adapters.rust import RustAdapter
from codex_orchestrator.model.errors import NotCheckedError
from codex_orchestrator.model.suite_run import Outcome, SuiteRun, judge_tests
from codex_orchestrator.model.verdict import ValidationStatus
from codex_orchestrator.system.environment import child_environment
from support.missing import missing
from support.pattern_files import write_files

P, F, S = Outcome.PASSED, Outcome.FAILED, Outcome.SKIPPED
PASSED, FAILED = ValidationStatus.PASSED, ValidationStatus.FAILED
NOT_RUN = ValidationStatus.NOT_RUN
PACKAGE = '[package]\nname = "tea"\nversion = "0.1.0"\nedition = "2021"\n'
FAILING = "#[test] fn a() { assert_eq!(1, 2); }\n"
TRUE_RUNNER = '[target."cfg(unix)"]\nrunner = "/bin/true"\n'
WORKSPACE = {
    "Cargo.toml": f'{PACKAGE}[workspace]\nmembers = ["crates/b"]\n'
    '[[test]]\nname = "plain"\nharness = false\n',
    "src/lib.rs": "/// ```\n/// assert_eq!(tea::f(), 1);\n/// ```\n/// Text.\n"
    "/// ```\n/// assert_eq!(tea::f(), 2);\n/// ```\npub fn f() -> i32 { 1 }\n"
    "mod tests {\n  #[test] fn ok() { println!(\"hello\"); }\n"
    "  #[test] #[ignore] fn later() {}\n  #[test] #[should_panic] fn panics() { panic!() }\n}\n",
    "src/main.rs": "fn main() {}\n#[test] fn ok() {}\n",
    # A test that writes to the stream of the events, and one that looks for what is ours.
    "tests/it.rs": "use std::io::Write;\n"
    '#[test] fn ok() { std::io::stdout().write_all(b"no line end").unwrap(); }\n'
    "#[test] fn bad() { panic!(\"a\\nb\"); }\n"
    '#[test] fn clean() { assert!(std::env::vars().all(|(k, _)| !k.contains("RUNNER"))); }\n',
    "tests/plain.rs": "fn main() { assert_eq!(std::env::args().count(), 1); }\n",
    "crates/b/Cargo.toml": PACKAGE.replace("tea", "b").replace("2021", "2024"),
    "crates/b/src/lib.rs": "//! ```\n//! std::process::exit(0);\n//! ```\n//! ```\n"
    "//! assert_eq!(b::g(), 2);\n//! ```\npub fn g() -> i32 { 1 }\n#[test] fn ok() {}\n",
    ".cargo/config.toml": TRUE_RUNNER,
}  # fmt: skip


def run(tmp_path: Path, files: dict[str, str]) -> tuple[ValidationStatus, SuiteRun, str]:
    if not shutil.which("cargo"):
        missing("cargo is not installed")
    root = write_files(tmp_path / "a package", files)
    logs = tmp_path / "logs"
    logs.mkdir()
    command = RustAdapter().commands(root)["test"].writing_to(str(logs))
    done = subprocess.run(
        command.argv,
        cwd=root,
        env=child_environment(os.environ) | dict(command.env),
        capture_output=True,
        text=True,
        check=False,
    )
    suite = read_report(logs, command)
    status = PASSED if done.returncode == 0 else FAILED
    return judge_tests(status, suite)[0], suite, done.stdout + done.stderr


@pytest.mark.timeout(400)
def test_tests_of_equal_names_are_told_apart_by_their_file(tmp_path: Path) -> None:
    status, suite, output = run(tmp_path, WORKSPACE)
    assert status is FAILED
    assert suite == SuiteRun(
        {
            "crates/b/src/lib.rs::ok": P,
            "crates/b/src/lib.rs -": P,
            "crates/b/src/lib.rs - #2": F,
            "src/lib.rs::tests::ok": P,
            "src/lib.rs::tests::later": S,
            "src/lib.rs::tests::panics": P,
            "src/lib.rs - f": P,
            "src/lib.rs - f #2": F,
            "src/main.rs::ok": P,
            "tests/it.rs::ok": P,
            "tests/it.rs::bad": F,
            "tests/it.rs::clean": P,
            "tests/plain.rs": P,
        }
    ), output
    assert "test bad ... failed" in output
    assert "panicked at tests/it.rs" in output


CHEATS = {
    "exit in a test": ({"src/lib.rs": "#[test] fn a() { std::process::exit(0) }\n"}, NOT_RUN),
    "ignored": ({"src/lib.rs": f"#[ignore]\n{FAILING}"}, NOT_RUN),
    "a runner that runs nothing": ({".cargo/config.toml": TRUE_RUNNER}, FAILED),
    "no target has tests": (
        {"Cargo.toml": f"{PACKAGE}[lib]\ntest = false\ndoctest = false\n"},
        NOT_RUN,
    ),
    "it does not compile": ({"src/lib.rs": "#[test] fn a() { nothing }\n"}, FAILED),
    "a test that aborts": ({"src/lib.rs": "#[test] fn a() { std::process::abort() }\n"}, FAILED),
}


@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", CHEATS)
def test_a_failing_test_cannot_be_made_a_pass(tmp_path: Path, name: str) -> None:
    change, wanted = CHEATS[name]
    files = {"Cargo.toml": PACKAGE, "src/lib.rs": FAILING, **change}
    status, suite, output = run(tmp_path, files)
    assert status is wanted, (suite, output)


@pytest.mark.parametrize(
    ("files", "options"),
    [
        ({"Cargo.toml": PACKAGE}, ("--workspace", "--offline")),
        ({"Cargo.toml": PACKAGE, "Cargo.lock": ""}, ("--workspace", "--offline", "--locked")),
        (
            {"Cargo.toml": '[workspace]\nmembers = ["a", "b"]\ndefault-members = ["a"]\n'},
            ("--offline",),
        ),
    ],
)
def test_all_packages_are_tested_and_nothing_is_fetched(
    tmp_path: Path, files: dict[str, str], options: tuple[str, ...]
) -> None:
    write_files(tmp_path, files)
    assert RustAdapter().commands(tmp_path)["test"].recorded == ("cargo", "test", *options)


def test_the_target_folder_is_the_work_trees_own(tmp_path: Path) -> None:
    root = write_files(tmp_path / "tree", {"Cargo.toml": PACKAGE})
    for command in RustAdapter().commands(root).values():
        assert dict(command.env)["CARGO_TARGET_DIR"] == str(root / "target/checks")
        assert dict(command.env)["CARGO_BUILD_BUILD_DIR"] == str(root / "target/checks")
    (root / "target").symlink_to(tmp_path)
    if not shutil.which("cargo"):
        missing("cargo is not installed")
    with pytest.raises(NotCheckedError, match="`target` is a link"):
        RustAdapter().ensure_ready(root, ["test"])
