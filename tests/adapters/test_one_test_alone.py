"""The command that a person pastes to run one failing test alone."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from codex_orchestrator.adapters.choose import LanguageAdapters
from codex_orchestrator.model.check import CheckCommand
from codex_orchestrator.model.config import AdapterConfig
from support.pattern_files import write_files

GO = {
    "go.mod": "module ex.com/tea\n\ngo 1.24\n",
    "a_test.go": 'package tea\n\nimport "testing"\n\nfunc TestA(t *testing.T) {\n'
    '\tt.Run("is hot (very)", func(t *testing.T) { println("ran it") })\n'
    '\tt.Run("other", func(t *testing.T) { println("ran other") })\n}\n',
}
NODE = {
    "package.json": '{"scripts": {"test": "node --test"}}',
    "a.test.js": "const test = require('node:test');\n"
    "test('it\\'s $HOME (hot)', () => console.log('ran it'));\n"
    "test('other', () => console.log('ran other'));\n",
}
RUST = {
    "Cargo.toml": '[package]\nname = "tea"\nversion = "0.1.0"\nedition = "2021"\n',
    "src/lib.rs": '#[test]\nfn hot() { println!("ran it"); }\n'
    '#[test]\nfn hotter() { println!("ran other"); }\n',
}
PYTEST = {
    "pytest.ini": "[pytest]\n",
    "tests/test_a.py": "import pytest\n\n@pytest.mark.parametrize('x', ['it', 'other'])\n"
    "def test_a(x): print('ran', x)\n",
}
UNITTEST = {
    "setup.py": "",
    "tests/test_a.py": "import unittest\n\nclass T(unittest.TestCase):\n"
    "    def test_a(self): print('ran it')\n    def test_b(self): print('ran other')\n",
}


MORE = " -Dtest=p.ATest#par test"


def line(root: Path, folder: str, name: str) -> str:
    entry = AdapterConfig(path=folder)
    adapters = LanguageAdapters([entry, AdapterConfig(path="none", id="go")], repo=root)
    (root / "none").mkdir()
    _, commands = adapters.commands(root, wanted=None, checks=[])
    (command,) = (one for one in commands.values() if one.folder == folder and one.kind == "test")
    return adapters.one_test(command, [name, "another"])


@pytest.mark.parametrize(
    ("files", "mark", "name", "shown"),
    [
        (GO, "::", "ex.com/tea::TestA/is_hot_(very)", ""),
        (NODE, "/", "a.test.js > it's $HOME (hot)", ""),
        (RUST, "/", "src/lib.rs::hot", "--nocapture"),
        (PYTEST, "/", "tests/test_a.py::test_a[it]", "-s"),
        (UNITTEST, "::", "test_a.T.test_a", ""),
    ],
    ids=["go", "node", "rust", "pytest", "unittest"],
)
def test_the_line_runs_that_test_and_no_other(
    tmp_path: Path, files: Mapping[str, str], mark: str, name: str, shown: str
) -> None:
    write_files(tmp_path / "a b", dict(files))
    command = line(tmp_path, "a b", f"a b{mark}{name}")
    assert command.startswith("cd 'a b' && ")
    shell = f"{command} {shown}"
    done = subprocess.run(
        ["sh", "-c", shell], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    output = done.stdout + done.stderr
    assert "ran it" in output, output
    assert "ran other" not in output


@pytest.mark.parametrize(
    ("adapter", "argv", "name", "words"),
    [
        ("maven", ("mvn",), "p.ATest::ok", "mvn -o -B -Dtest=p.ATest#ok test"),
        (
            "maven",
            ("mvn",),
            "libs/app::p.ATest::par(String)[1]",
            "mvn -o -B -pl libs/app -am -Dsurefire.failIfNoSpecifiedTests=false" + MORE,
        ),
        ("rust", ("cargo",), "tests/big.rs::one", "cargo test --test big -- --exact one"),
        (
            "rust",
            ("cargo",),
            "crates/a/src/main.rs::x::y",
            "cargo test --manifest-path crates/a/Cargo.toml --bins -- --exact x::y",
        ),
        ("rust", ("cargo",), "src/lib.rs - tea::brew #2", "cargo test --doc tea::brew"),
        ("node", ("deno", "test"), "a_test.ts::ok", "deno test --filter ok a_test.ts"),
        ("command", ("make", "test"), "a::b", ""),
    ],
)
def test_runners_that_are_not_here_get_their_own_words(
    tmp_path: Path, adapter: str, argv: tuple[str, ...], name: str, words: str
) -> None:
    command = CheckCommand(name="test", argv=argv, adapter=adapter, report="junit:r.xml")
    shown = LanguageAdapters([], repo=tmp_path).one_test(command, [name])
    assert shown.replace("'", "") == words


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("jest", "npx jest -t '^D a \\(b\\)$' t/x.test.js"),
        ("vitest run", "npx vitest run -t '^D a \\(b\\)$' t/x.test.js"),
        ("mocha", "npx mocha -g '^D a \\(b\\)$' t/x.test.js"),
        ("tsc && jest", "npx jest -t '^D a \\(b\\)$' t/x.test.js"),
        ("tsc; jest", ""),
    ],
)
def test_a_runner_that_a_script_calls_is_called_by_its_own_name(
    tmp_path: Path, script: str, words: str
) -> None:
    write_files(tmp_path, {"package.json": f'{{"scripts": {{"test": "{script}"}}}}'})
    adapters = LanguageAdapters([], repo=tmp_path)
    _, commands = adapters.commands(tmp_path, wanted=None, checks=[])
    assert adapters.one_test(commands["test"], ["t/x.test.js > D > a (b) #2"]) == words


def test_there_is_no_line_without_a_failure_or_for_a_name_that_was_cut(tmp_path: Path) -> None:
    write_files(tmp_path, GO)
    adapters = LanguageAdapters([], repo=tmp_path)
    _, commands = adapters.commands(tmp_path, wanted=None, checks=[])
    assert adapters.one_test(commands["test"], []) == ""
    assert adapters.one_test(commands["test"], ["ex.com/tea::Test" + "A" * 400]) == ""
