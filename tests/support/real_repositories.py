"""Twelve ordinary repositories, composed of pinned packages, each with a good and a bad change."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import filelock

from support.project import commit_all, git, write
from support.sdists import CACHE, Sdist, fetch, unpack

SCHEMA = Sdist(
    "schema", "0.7.8", "e86cc08edd6fe6e2522648f4e47e3a31920a76e82cce8937535422e310862ab5"
)
TOMLI = Sdist("tomli", "2.2.1", "cd45e1dc79c835ce60f7404ec8119f2eb06d38b1deba146f07ced3bbc44505ff")
VOLUPTUOUS = Sdist(
    "voluptuous", "0.16.0", "006535e22fed944aec17bef6e8725472476194743c87bd233e912eb463f8ff05"
)
GO_MODULE = ("github.com/google/uuid", "v1.6.0", "h1:NIvaJDMOsjHA8n1jAhLSgzrAzy1Hgr+hNrb57e+94F0=")
CRATE = ("fnv", "1.0.7", "3f9eec918d3f24069decb9af1554cad7c880e2da24a9afd88aca000531ab82c1")
# Names and integrity of packages, as a lock file has them.
IS_ODD = (
    "3.0.1",
    "sha512-CQpnWPrDwmP1+SMHXZhtLtJv90yiyVfluGsX5iNCVkrhQtU3TQHsUWPG9wkdk9Lgd5yNpAg9jQEo90CBaXgWMA==",
)
IS_NUMBER = (
    "6.0.0",
    "sha512-Wu1VHeILBK8KAWJUAiSZQX94GmOE45Rg6/538fKwiloUu21KncEkYGPqob2oSZ5mUT73vLGrHQjKw3KMPwfDzg==",
)
PNPM = "9.15.9"


class Edit(NamedTuple):
    """One replacement in a file."""

    path: str
    old: str
    new: str


class RealRepository(NamedTuple):
    """How to compose a repository, what changes it well and badly, and which test then fails."""

    compose: Callable[[Path], None]
    good: Edit
    bad: Edit
    failing: str


def compose(repository: RealRepository, folder: Path) -> Path:
    """Make the repository in a folder, with one commit and what its checkout needs."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "config", "user.name", "Test")
    git(folder, "config", "user.email", "test@example.org")
    repository.compose(folder)
    commit_all(folder, "start")
    return folder


def run(folder: Path, *argv: str, **environment: str) -> str:
    """Run a command that composes something, and return what it printed."""
    done = subprocess.run(
        argv,
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(argv)}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


def _sdist(sdist: Sdist, folder: Path) -> None:
    top = unpack(fetch(sdist), folder / ".unpacked")
    for place in sorted(top.iterdir()):
        place.rename(folder / place.name)
    shutil.rmtree(folder / ".unpacked")
    (folder / "PKG-INFO").unlink(missing_ok=True)
    for place in folder.glob("*.egg-info"):
        shutil.rmtree(place)


def _src_layout(folder: Path) -> None:
    _sdist(TOMLI, folder)
    write(
        folder,
        "tests/test_tomli.py",
        "import pytest\n\nimport tomli\n\n\n"
        "@pytest.mark.parametrize(('text', 'number'), [('0xff', 255), ('1_000', 1000)])\n"
        "def test_reads_numbers(text, number):\n"
        "    assert tomli.loads(f'a = {text}') == {'a': number}\n",
    )


def _flat(folder: Path) -> None:
    _sdist(SCHEMA, folder)


def _lib_editable(folder: Path) -> None:
    _sdist(TOMLI, folder)
    (folder / "src").rename(folder / "lib")
    write(
        folder,
        "pyproject.toml",
        '[build-system]\nrequires = ["setuptools>=68"]\nbuild-backend = "setuptools.build_meta"\n\n'
        '[project]\nname = "tomli"\nversion = "2.2.1"\n\n'
        '[tool.setuptools.packages.find]\nwhere = ["lib"]\n\n[tool.pytest.ini_options]\n',
    )
    write(folder, ".gitignore", ".venv/\n*.egg-info/\n__pycache__/\n")
    _tomli_tests(folder, "tests/test_tomli.py")
    run(folder, sys.executable, "-m", "venv", ".venv")
    pip = (".venv/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    run(folder, *pip, "pytest==9.1.0", "--editable", ".")


def _tomli_tests(folder: Path, path: str) -> None:
    write(
        folder,
        path,
        "import unittest\n\nimport tomli\n\n\nclass Reading(unittest.TestCase):\n"
        "    def test_reads_a_table(self):\n"
        "        self.assertEqual(tomli.loads('[a]\\nb = 1'), {'a': {'b': 1}})\n\n"
        "    def test_reads_hexadecimal_numbers(self):\n"
        "        self.assertEqual(tomli.loads('a = 0xff'), {'a': 255})\n",
    )


def _unittest_only(folder: Path) -> None:
    _sdist(TOMLI, folder)
    write(folder, "tests/__init__.py", "")
    _tomli_tests(folder, "tests/test_tomli.py")


def _failing_at_the_base(folder: Path) -> None:
    _sdist(VOLUPTUOUS, folder)
    tests = folder / "voluptuous/tests/tests.py"
    with tests.open("a") as stream:
        stream.write(
            "\n\ndef test_of_a_promise_that_nobody_kept():\n    assert Schema(int)('1') == 1\n"
        )


def _two_languages(folder: Path) -> None:
    _sdist(SCHEMA, folder)
    write(folder, "frontend/package.json", _package("frontend", {}, test="node --test"))
    write(
        folder,
        "frontend/src/label.js",
        "exports.label = (name) => `name: ${name}`;\n",
    )
    write(
        folder,
        "frontend/test/label.test.js",
        _node_test("label", "../src/label.js", "'a'", "name: a"),
    )


def _node_test(name: str, module: str, argument: str, expected: str) -> str:
    return (
        "const test = require('node:test');\nconst assert = require('node:assert');\n"
        f"const {{ {name} }} = require('{module}');\n\n"
        f"test('{name} is as promised', () => {{\n"
        f"  assert.equal({name}({argument}), '{expected}');\n}});\n\n"
        f"test('{name} is a function', () => {{\n  assert.equal(typeof {name}, 'function');\n}});\n"
    )


def _package(name: str, dependencies: Mapping[str, str], *, test: str = "") -> str:
    document = {"name": name, "version": "1.0.0", "private": True}
    scripts = {"scripts": {"test": test}} if test else {}
    return json.dumps({**document, **scripts, "dependencies": dependencies}, indent=2) + "\n"


def _npm(folder: Path) -> None:
    write(folder, "package.json", _package("parity", {"is-odd": IS_ODD[0]}, test="node --test"))
    packages = {
        "": {"name": "parity", "version": "1.0.0", "dependencies": {"is-odd": IS_ODD[0]}},
        "node_modules/is-number": {"version": IS_NUMBER[0], "integrity": IS_NUMBER[1]},
        "node_modules/is-odd": {
            "version": IS_ODD[0],
            "integrity": IS_ODD[1],
            "dependencies": {"is-number": "^6.0.0"},
        },
    }
    lock = {"name": "parity", "version": "1.0.0", "lockfileVersion": 3, "requires": True}
    write(folder, "package-lock.json", json.dumps({**lock, "packages": packages}, indent=2) + "\n")
    write(
        folder,
        "src/parity.js",
        "const isOdd = require('is-odd');\n\n"
        "exports.parity = (number) => (isOdd(number) ? 'odd' : 'even');\n",
    )
    write(folder, "test/parity.test.js", _node_test("parity", "../src/parity.js", "3", "odd"))
    write(folder, ".gitignore", "node_modules/\n")
    run(folder, "npm", "ci", "--silent", "--no-audit", "--no-fund")


def _pnpm(folder: Path) -> None:
    write(
        folder,
        "package.json",
        json.dumps(
            {
                "name": "top",
                "private": True,
                "packageManager": f"pnpm@{PNPM}",
                "scripts": {"test": "node --test packages/app/test/app.test.js"},
            },
            indent=2,
        )
        + "\n",
    )
    write(folder, "pnpm-workspace.yaml", "packages:\n  - packages/*\n")
    write(folder, "packages/lib/package.json", _package("@top/lib", {"is-odd": IS_ODD[0]}))
    write(
        folder,
        "packages/lib/index.js",
        "const isOdd = require('is-odd');\n\n"
        "exports.parity = (n) => (isOdd(n) ? 'odd' : 'even');\n",
    )
    write(folder, "packages/app/package.json", _package("@top/app", {"@top/lib": "workspace:*"}))
    write(
        folder,
        "packages/app/src/app.js",
        "const { parity } = require('@top/lib');\n\nexports.app = (n) => `it is ${parity(n)}`;\n",
    )
    write(
        folder,
        "packages/app/test/app.test.js",
        _node_test("app", "../src/app.js", "3", "it is odd"),
    )
    write(folder, ".gitignore", "node_modules/\n")
    run(folder, str(pnpm()), "install", "--silent", CI="1")


def pnpm() -> Path:
    """Return pnpm's program, installed by npm when the cache does not hold it."""
    place = CACHE / f"pnpm-{PNPM}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(CACHE / "pnpm.lock", timeout=100):
        if not (place / "done").exists():
            run(CACHE, "npm", "install", "--silent", "--prefix", str(place), f"pnpm@{PNPM}")
            (place / "done").touch()
    return place / "node_modules/.bin/pnpm"


def _go(folder: Path) -> None:
    name, version, sha = GO_MODULE
    answer = run(folder, "go", "mod", "download", "-json", f"{name}@{version}", GOFLAGS="-mod=mod")
    facts = json.loads(answer)
    assert facts["Sum"] == sha, f"{name} {version} has another hash: {facts['Sum']}"
    _copy_plain(Path(facts["Dir"]), folder)


def _copy_plain(source: Path, folder: Path) -> None:
    """Copy the files of a cache, which are read-only there."""
    for place in sorted(source.rglob("*")):
        if place.is_file():
            write(folder, str(place.relative_to(source)), place.read_bytes())


def _rust(folder: Path) -> None:
    name, version, sha = CRATE
    vendor = folder / ".vendor"
    write(
        vendor,
        "Cargo.toml",
        f'[package]\nname = "x"\nversion = "0.1.0"\n\n[dependencies]\n{name} = "={version}"\n',
    )
    write(vendor, "src/lib.rs", "")
    run(vendor, "cargo", "vendor", "--quiet", "vendor")
    sums = json.loads((vendor / f"vendor/{name}/.cargo-checksum.json").read_bytes())
    assert sums["package"] == sha, f"{name} {version} has another hash: {sums['package']}"
    for path in ("lib.rs", "README.md", "LICENSE-MIT"):
        text = (vendor / f"vendor/{name}" / path).read_bytes()
        assert hashlib.sha256(text).hexdigest() == sums["files"][path]
        write(folder, path, text)
    shutil.rmtree(vendor)
    write(
        folder,
        "Cargo.toml",
        f'[package]\nname = "{name}"\nversion = "{version}"\n\n[lib]\npath = "lib.rs"\n\n'
        '[features]\ndefault = ["std"]\nstd = []\n',
    )
    write(folder, ".gitignore", "target/\n")
    run(folder, "cargo", "generate-lockfile", "--offline", "--quiet")


_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>org.example</groupId>
  <artifactId>parity</artifactId>
  <version>1.0.0</version>
  <properties>
    <maven.compiler.release>17</maven.compiler.release>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
  </properties>
  <dependencies>
    <dependency>
      <groupId>org.junit.jupiter</groupId>
      <artifactId>junit-jupiter</artifactId>
      <version>5.10.2</version>
      <scope>test</scope>
    </dependency>
  </dependencies>
  <build>
    <plugins>
      <plugin><artifactId>maven-compiler-plugin</artifactId><version>3.13.0</version></plugin>
      <plugin><artifactId>maven-surefire-plugin</artifactId><version>3.5.2</version></plugin>
    </plugins>
  </build>
</project>
"""


def _maven(folder: Path) -> None:
    write(folder, "pom.xml", _POM)
    write(
        folder,
        "src/main/java/org/example/Parity.java",
        "package org.example;\n\npublic final class Parity {\n  private Parity() {}\n\n"
        "  public static String of(int number) {\n"
        '    return number % 2 == 0 ? "even" : "odd";\n  }\n}\n',
    )
    write(
        folder,
        "src/test/java/org/example/ParityTest.java",
        "package org.example;\n\nimport static org.junit.jupiter.api.Assertions.assertEquals;\n"
        "import static org.junit.jupiter.api.Assertions.assertNotNull;\n\n"
        "import org.junit.jupiter.api.Test;\n\nclass ParityTest {\n"
        '  @Test\n  void twoIsEven() {\n    assertEquals("even", Parity.of(2));\n  }\n\n'
        "  @Test\n  void hasAnAnswer() {\n    assertNotNull(Parity.of(1));\n  }\n}\n",
    )
    write(folder, ".gitignore", "target/\n")
    run(folder, "mvn", "-B", "-q", "test")


def _submodule(folder: Path) -> None:
    vendored = folder.parent / f"{folder.name}-vendored"
    compose(REPOSITORIES["python-src-layout"], vendored)
    _sdist(SCHEMA, folder)
    git(
        folder, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add",
        str(vendored), "vendor/tomli",
    )  # fmt: skip
    write(
        folder,
        "test_with_vendored.py",
        "import sys\nfrom pathlib import Path\n\n"
        "sys.path.insert(0, str(Path(__file__).parent / 'vendor/tomli/src'))\n\n"
        "import tomli\nfrom schema import Schema\n\n\n"
        "def test_a_value_of_the_vendored_reader():\n"
        "    assert Schema({'a': int}).validate(tomli.loads('a = 1')) == {'a': 1}\n",
    )


_MISSING_KEY = "Missing key%s: %s"
_OF_SCHEMA = Edit("schema/__init__.py", _MISSING_KEY, "Absent key%s: %s")


def _remark(path: str, line: str, mark: str = "#") -> Edit:
    """Return a change of no behaviour: a remark behind a line."""
    return Edit(path, line, f"{line}  {mark} looked at")


REPOSITORIES = {
    "python-src-layout": RealRepository(
        _src_layout,
        _remark("src/tomli/_re.py", "from typing import Any, Final"),
        Edit("src/tomli/_re.py", "x[0-9A-Fa-f]", "x[0-9A-E]"),
        "test_reads_numbers[0xff-255]",
    ),
    "python-flat": RealRepository(
        _flat, _remark("schema/__init__.py", "import inspect"), _OF_SCHEMA, "test_dict"
    ),
    "python-lib-editable": RealRepository(
        _lib_editable,
        _remark("lib/tomli/_re.py", "from typing import Any, Final"),
        Edit("lib/tomli/_re.py", "x[0-9A-Fa-f]", "x[0-9A-E]"),
        "test_reads_hexadecimal_numbers",
    ),
    "python-unittest": RealRepository(
        _unittest_only,
        _remark("src/tomli/_re.py", "from typing import Any, Final"),
        Edit("src/tomli/_re.py", "x[0-9A-Fa-f]", "x[0-9A-E]"),
        "test_reads_hexadecimal_numbers",
    ),
    "python-failing-at-the-base": RealRepository(
        _failing_at_the_base,
        _remark("voluptuous/util.py", "from voluptuous import validators"),
        Edit("voluptuous/schema_builder.py", "er.Invalid('extra keys not", "er.Invalid('keys not"),
        "test_schema_empty_dict",
    ),
    "python-and-node": RealRepository(
        _two_languages,
        _remark("frontend/src/label.js", "exports.label = (name) => `name: ${name}`;", "//"),
        Edit("frontend/src/label.js", "`name: ", "`label: "),
        "label is as promised",
    ),
    "npm": RealRepository(
        _npm,
        _remark("src/parity.js", "const isOdd = require('is-odd');", "//"),
        Edit("src/parity.js", "'odd' : 'even'", "'even' : 'odd'"),
        "parity is as promised",
    ),
    "pnpm-workspace": RealRepository(
        _pnpm,
        _remark("packages/lib/index.js", "const isOdd = require('is-odd');", "//"),
        Edit("packages/lib/index.js", "'odd' : 'even'", "'even' : 'odd'"),
        "app is as promised",
    ),
    "go-module": RealRepository(
        _go,
        _remark("uuid.go", "func (uuid UUID) URN() string {", "//"),
        Edit("uuid.go", 'copy(buf[:], "urn:uuid:")', 'copy(buf[:], "urn:ugly:")'),
        "TestCoding",
    ),
    "rust-crate": RealRepository(
        _rust,
        _remark("lib.rs", "        FnvHasher(0xcbf29ce484222325)", "//"),
        Edit("lib.rs", "wrapping_mul(0x100000001b3)", "wrapping_mul(0x100000001b5)"),
        "basic_tests",
    ),
    "maven": RealRepository(
        _maven,
        _remark("src/main/java/org/example/Parity.java", "  private Parity() {}", "//"),
        Edit("src/main/java/org/example/Parity.java", '"even" : "odd"', '"odd" : "even"'),
        "twoIsEven",
    ),
    "with-a-submodule": RealRepository(
        _submodule, _remark("schema/__init__.py", "import inspect"), _OF_SCHEMA, "test_dict"
    ),
}
