"""Which files a command, a script or a settings file names."""

import json

import pytest

from codex_orchestrator.patterns.named_files import files_named

PACKAGE = json.dumps(
    {
        "name": "greeter",
        "main": "index.js",
        "files": ["LICENSE", "data.bin"],
        "scripts": {"test": "sh run && jest", "lint": "eslint index.js"},
        "jest": {"setupFilesAfterEnv": ["<rootDir>/config/setup.js"], "preset": "./preset"},
    }
)


@pytest.mark.parametrize(
    ("text", "path", "names"),
    [
        ("sh check", "", {"check"}),
        ("./gradlew test", "", {"gradlew"}),
        ("pytest -c conf/other.ini", "", {"conf/other.ini"}),
        ("python3 -m runtests -v", "", {"runtests.py", "runtests/__main__.py"}),
        ("python3 -B -m ci.run", "", {"ci/run.py"}),
        ("python3 runtests.py", "", {"runtests.py"}),
        ("make test", "", {"Makefile"}),
        ("inv test", "", {"tasks.py"}),
        ("node --import ./hook.mjs --test", "", {"hook.mjs"}),
        ("include test.cfg\ninclude common\n", "Makefile", {"test.cfg", "common"}),
        (". ./env.list\nscripts/all.py\n", "check", {"env.list", "scripts/all.py"}),
        ("npm test", "", {"package.json"}),
        (PACKAGE, "package.json", {"run", "jest.config.js", "config/setup.js", "preset.js"}),
        (
            "export default {test: {setupFiles: ['./config/setup']}}",
            "web/vitest.config.ts",
            {"config/setup.ts"},
        ),
        ("require: config/setup.js\n", ".mocharc.yml", {"config/setup.js"}),
    ],
)
def test_what_is_run_or_loaded_is_named(text: str, path: str, names: set[str]) -> None:
    assert names <= {named.path for named in files_named(text, path=path)}


@pytest.mark.parametrize(
    ("text", "path", "name"),
    [
        ("mypy greeter.py", "", "greeter.py"),
        ("node src/check.js", "", "src/check.js"),
        ("python3 -m unittest", "", "greeter.py"),
        ("pip install -r requirements.txt", "Makefile", "requirements.txt"),
        ("V := $(shell cat VERSION)\n\tcat README.md", "Makefile", "VERSION"),
        (PACKAGE, "package.json", "index.js"),
        (PACKAGE, "package.json", "data.bin"),
        ("open('data.json')", "runtests.py", "data.json"),
        ("module.exports = {roots: ['<rootDir>/src/a.js']}", "jest.config.js", "src/a.js"),
    ],
)
def test_the_product_and_what_people_read_are_not(text: str, path: str, name: str) -> None:
    assert name not in {named.path for named in files_named(text, path=path)}


def test_code_that_an_interpreter_runs_may_be_the_product_too() -> None:
    is_code = {named.path: named.is_code for named in files_named("python3 main.py; sh check")}
    assert is_code["main.py"]
    assert not is_code["check"]
