"""Which files are tests and snapshots, and which settings of checks a change touches."""

import json

import pytest

from codex_orchestrator.patterns.check_files import is_snapshot, is_test_file
from codex_orchestrator.patterns.check_settings import changed_settings, is_settings_file

POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <version>1.0</version>
  <properties><junit.version>5.9</junit.version><skipTests>false</skipTests></properties>
  <dependencies><dependency><artifactId>a</artifactId></dependency></dependencies>
  <build><plugins><plugin><artifactId>maven-surefire-plugin</artifactId></plugin></plugins></build>
</project>
"""
PACKAGE = {"name": "a", "version": "1.0.0", "scripts": {"test": "jest", "lint": "eslint ."}}
CARGO = '[package]\nname = "a"\nversion = "1.0.0"\n[dependencies]\nserde = "1"\n'
PYPROJECT = (
    '[project]\nname = "a"\nversion = "1.0"\ndependencies = ["click"]\n'
    '[tool.pytest.ini_options]\naddopts = "-q"\n[tool.ruff]\nline-length = 100\n'
)
GO_MOD = "module a.org/a\n\ngo 1.22\n\nrequire a.org/b v1.2.0\n"
GRADLE = """plugins {
    id 'org.b' version '3.1'
}
version = '1.7'
dependencies {
    api 'com.google.guava:guava:32.0'
}
"""


@pytest.mark.parametrize(
    "path",
    [
        *("test_a.py", "tests/conftest.py", "a/b_test.py", "tests/unit/helpers.py"),
        *("src/a.test.ts", "a.spec.jsx", "src/__tests__/a.tsx", "test/a.mjs", "e2e/login.cy.ts"),
        *("pkg/a_test.go", "tests/it.rs", "src/tests.rs", "src/store_tests.rs"),
        *("src/test/java/a/Helper.java", "a/ATest.java", "TestA.java", "a/OrderIT.java"),
        *("app/tests.py", "test.py", "testorder.py", "testOrder.py", "a_tests.py", "Tests/a.py"),
        *("test.js", "lib/test-a.js", "a_test.ts", "a_test.js", "a-test.mjs", "a_spec.js"),
        *(
            "fooSpec.js",
            "src/OrderTest.ts",
            "a.cy.js",
            "b-spec.ts",
            "TEST/a.js",
            "src/Tests/A.java",
        ),
        *("features/steps/a.py", "features/environment.py", "features/step_definitions/a.js"),
        *("src/setupTests.js", "setup-jest.ts", "testSetup.ts", "src/__mocks__/fs.js"),
        *("testutil/a.go", "pkg/testing/fake.go", "testhelpers/b/c.go", "internal/testdb/a.go"),
        *("internal/test/a.go", "a/OrderITCase.java", "src/integrationTest/java/a/B.java"),
    ],
)
def test_a_test_file_is_known_by_its_name(path: str) -> None:
    assert is_test_file(path)


@pytest.mark.parametrize(
    "path",
    [
        *("src/contest.py", "src/testing.py", "tester.py", "app/testimonials.py", "features/a.py"),
        *("a.ts", "latest.js", "src/spec.md", "inspect.ts", "src/features/cart.ts", "attest.ts"),
        *("pkg/a.go", "attest.go", "latest/a.go", "test.go", "internal/attest/a.go"),
        *("src/lib.rs", "src/main/java/a/Latest.java", "src/main/java/a/Item.java"),
    ],
)
def test_code_of_the_product_is_no_test_file(path: str) -> None:
    assert not is_test_file(path)


@pytest.mark.parametrize(
    "path",
    [
        *("src/__snapshots__/a.test.ts.snap", "tests/__snapshots__/test_a.ambr", "a.snap"),
        *("tests/__image_snapshots__/a.png", "src/snapshots/lib__a.snap", "A.approved.txt"),
        *("testdata/out.golden", "pkg/testdata/want/a.txt", "tests/cassettes/a.yaml"),
        *("b.verified.json", "goldens/a.png", "ui/a.stderr", "tests/ui/b.stdout"),
        *("tests/expected.json", "test/data/a.txt", "src/__tests__/page.html", "spec/fixtures/a"),
        *("src/test/resources/want.xml", "tests/fixtures/a.csv", "Tests/out", "tests/a.sql"),
        *("tests/fixtures/package.json", "tests/fixtures/requirements.txt"),
    ],
)
def test_a_file_that_tests_compare_with_is_a_snapshot(path: str) -> None:
    assert is_snapshot(path)


@pytest.mark.parametrize(
    "path",
    [
        *("src/snapshot.ts", "testdata/a.go", "docs/golden.md", "a.snapx", "latest/a.json"),
        *("tests/a.py", "test/a.js", "tests/b.rs", "src/test/java/A.java", "tests/run.sh"),
        *("tests/README.md", "tests/README", "testdata/README.txt", "tests/conftest.py"),
        *("tests/pytest.ini", "test/package.json", "tests/requirements.txt", "tests/poetry.lock"),
        *("tests/.gitignore", "tests/Dockerfile", "fixtures/a.json", "spec/openapi.yaml"),
    ],
)
def test_other_files_are_no_snapshots(path: str) -> None:
    assert not is_snapshot(path)


def package(**changes: object) -> str:
    return json.dumps({**PACKAGE, **changes})


@pytest.mark.parametrize(
    ("path", "before", "after", "expected"),
    [
        (
            "pyproject.toml",
            PYPROJECT,
            PYPROJECT.replace("-q", "-k no"),
            "`[tool.pytest.ini_options]`",
        ),
        ("pyproject.toml", PYPROJECT, PYPROJECT.replace("100", "200"), "`[tool.ruff]`"),
        (
            "pyproject.toml",
            PYPROJECT,
            PYPROJECT + "[tool.pytest]\naddopts=['-x']\n",
            "`[tool.pytest]`",
        ),
        (
            "pyproject.toml",
            PYPROJECT,
            PYPROJECT + "[tool.coverage.report]\nfail_under = 1\n",
            "`[tool.coverage]`",
        ),
        (
            "pyproject.toml",
            PYPROJECT,
            PYPROJECT + '[project.entry-points.pytest11]\na = "a"\n',
            "`[project.entry-points.pytest11]`",
        ),
        ("pyproject.toml", PYPROJECT, PYPROJECT + "[", "the whole file"),
        ("pytest.ini", "[pytest]\naddopts = -q\n", "[pytest]\naddopts = --co\n", "`[pytest]`"),
        ("pytest.ini", "", "[pytest]\naddopts = --co\n", "`[pytest]`"),
        ("setup.cfg", "[metadata]\nname=a\n", "[tool:pytest]\naddopts=-x\n", "`[tool:pytest]`"),
        ("tox.ini", "[testenv]\ncommands = pytest\n", "", "`[testenv]`"),
        (".coveragerc", "[report]\nfail_under=90\n", "[report]\nfail_under=1\n", "`[report]`"),
        ("tests/conftest.py", "", "collect_ignore = ['test_a.py']\n", "the whole file"),
        ("noxfile.py", "import nox\n", "", "the whole file"),
        ("unittest.py", "", "class TestCase: pass\n", "the whole file"),
        ("ruff.toml", "line-length = 1\n", "line-length = 2\n", "`line-length`"),
        (
            "web/package.json",
            package(),
            package(scripts={"test": "true"}),
            "script `test`, script `lint`",
        ),
        ("package.json", package(), package(jest={"testMatch": []}), "`jest`"),
        ("package.json", package(), "{", "the whole file"),
        ("package.json", package(), "[]", "the whole file"),
        (
            "jest.config.js",
            "module.exports = {}\n",
            "module.exports = {bail: 1}\n",
            "the whole file",
        ),
        ("vitest.config.ts", "", "export default {}\n", "the whole file"),
        (".mocharc.json", '{"spec": "a"}', '{"spec": "b"}', "the whole file"),
        ("eslint.config.mjs", "a", "b", "the whole file"),
        (".npmrc", "", "ignore-scripts=true\n", "the whole file"),
        ("Makefile", "test:\n\tpytest\n", "test:\n\t-pytest\n", "the whole file"),
        ("Taskfile.yml", "a: 1\n", "a: 2\n", "the whole file"),
        (".golangci.yml", "a: 1\n", "a: 2\n", "the whole file"),
        ("go.work", "use .\n", "use ./a\n", "the whole file"),
        ("Cargo.toml", CARGO, CARGO + "[lib]\ntest = false\n", "`lib.test`"),
        ("Cargo.toml", CARGO, CARGO + '[[test]]\nname = "a"\nharness = false\n', "`test`"),
        ("Cargo.toml", CARGO, CARGO + '[[bin]]\nname = "a"\ntest = false\n', "`[[bin]]` a"),
        ("Cargo.toml", CARGO, CARGO + '[lints.rust]\nunsafe_code = "allow"\n', "`lints`"),
        (".cargo/config.toml", "", '[target.x]\nrunner = "true"\n', "`target`"),
        (".config/nextest.toml", "", '[profile.default]\ndefault-filter = "a"\n', "`profile`"),
        ("pom.xml", POM, POM.replace(">false<", ">true<"), "`<skipTests>`"),
        (
            "pom.xml",
            POM,
            POM.replace("</plugin>", "<configuration><skip>true</skip></configuration></plugin>"),
            "`<build>`",
        ),
        (
            "pom.xml",
            POM,
            POM.replace(
                "</project>",
                "<profiles><profile><properties><maven.test.skip>true</maven.test.skip>"
                "</properties></profile></profiles></project>",
            ),
            "profile 1 `<maven.test.skip>`",
        ),
        ("pom.xml", POM, POM.replace("</build>", ""), "the whole file"),
        ("pom.xml", POM, "<!DOCTYPE a [<!ENTITY b 'c'>]>" + POM, "the whole file"),
        (".mvn/maven.config", "", "-DskipTests\n", "the whole file"),
        ("app/build.gradle.kts", "", "tasks.test { enabled = false }\n", "the whole file"),
        ("build.gradle", GRADLE, GRADLE + "test { enabled = false }\n", "the whole file"),
        (
            "build.gradle",
            GRADLE,
            GRADLE.replace("    api", "    test.exclude '**'\n    api"),
            "the whole file",
        ),
        (
            "build.gradle",
            GRADLE,
            GRADLE.replace("    api", "    apply from: 'a.gradle'\n    api"),
            "the whole file",
        ),
        ("gradle.properties", "a=1\n", "a=2\n", "the whole file"),
        ("vite.config.ts", "export default {}", "export default {test: {}}", "the whole file"),
        ("vite.config.ts", "export default {test: {}}", "", "the whole file"),
        ("src/pytest.py", "", "a = 1\n", "the whole file"),
        ("tests/unittest/__init__.py", "", "a = 1\n", "the whole file"),
        ("doctest/__init__.py", "", "a = 1\n", "the whole file"),
        ("a.dist-info/entry_points.txt", "", "[pytest11]\na = b\n", "the whole file"),
        ("src/a.egg-info/PKG-INFO", "Name: a\n", "Name: b\n", "the whole file"),
        ("bunfig.toml", "", '[test]\npreload = "./a.ts"\n', "`test`"),
        ("Rakefile", "task :test\n", "task :a\n", "the whole file"),
        ("jest.config.ci.js", "a", "b", "the whole file"),
        ("cypress.config.ts", "a", "b", "the whole file"),
        ("spec/support/jasmine.json", "{}", '{"spec_files": []}', "the whole file"),
        ("go.mod", GO_MOD, GO_MOD + "replace a.org/b => ./fake\n", "`replace`"),
        ("go.mod", GO_MOD, GO_MOD + "replace (\n\ta.org/b => ./fake\n)\n", "`replace`"),
        ("sub/go.mod", GO_MOD, GO_MOD + "exclude a.org/b v1.2.0\n", "`exclude`"),
        ("Cargo.toml", CARGO, CARGO + '[patch.crates-io]\na = {path = "a"}\n', "`patch`"),
        ("Cargo.toml", CARGO, CARGO + '[replace]\n"a:1.0.0" = {path = "a"}\n', "`replace`"),
        (
            "Cargo.toml",
            CARGO,
            CARGO + "[profile.test]\ndebug-assertions = false\n",
            "`profile.test`",
        ),
        ("Cargo.toml", CARGO, CARGO + "[profile.dev]\nopt-level = 3\n", "`profile.dev`"),
        (".cargo/config", "", '[target.x]\nrunner = "true"\n', "`target`"),
        ("src/test/resources/junit-platform.properties", "", "a=b\n", "the whole file"),
        *(
            (name, "a=1\n", "a=2\n", "the whole file")
            for name in (
                *("jest.preset.js", "jest-preset.js", "vitest.shared.ts", "babel.config.js"),
                *(".babelrc", ".swcrc", ".rspec", "phpunit.xml.dist", ".env", "web/.env.test"),
                *("gradlew", "mvnw.cmd", "gradle/wrapper/gradle-wrapper.properties"),
                "src/main/resources/META-INF/services/org.junit.platform.engine.TestEngine",
            )
        ),
        ("pyproject.toml", "", "[tool.pytest_env]\nA = 1\n", "`[tool.pytest_env]`"),
        (
            "package.json",
            package(scripts={"test": "run-s test:*", "test:unit": "jest"}),
            package(scripts={"test": "run-s test:*", "test:unit": "true"}),
            "script `test:unit`",
        ),
        (
            "package.json",
            package(imports={"#a": "./a.js"}),
            package(imports={"#a": "./b.js"}),
            "`imports` #a",
        ),
        (
            "package.json",
            package(imports={"#*": "./*.js"}),
            package(imports={"#*": "./*.js", "#a": "./b.js"}),
            "`imports` #a",
        ),
        (
            "package.json",
            package(devDependencies={"jest": "^29"}),
            package(devDependencies={"jest": "file:./fake"}),
            "`devDependencies`",
        ),
        (
            "package.json",
            package(),
            package(overrides={"mocha": {".": "link:../fake"}}),
            "`overrides`",
        ),
    ],
)
def test_a_changed_setting_of_a_check_is_named(
    path: str, before: str, after: str, expected: str
) -> None:
    assert changed_settings(path, before.encode() or None, after.encode() or None) == expected


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("pyproject.toml", PYPROJECT, PYPROJECT.replace("1.0", "1.1").replace('"click"', '"rich"')),
        ("pyproject.toml", PYPROJECT, "# new\n" + PYPROJECT.replace("= ", "=  ")),
        ("setup.cfg", "[metadata]\nname=a\n", "[metadata]\nname=b\n"),
        ("pyproject.toml", PYPROJECT, PYPROJECT.replace('"-q"', '"-q"\nmarkers = ["slow"]')),
        ("pytest.ini", "[pytest]\n", "[pytest]\nmarkers =\n  slow: a\nlog_level = INFO\n"),
        (
            "pytest.toml",
            "[pytest]\naddopts = ['-q']\n",
            "[pytest]\naddopts = ['-q']\nmarkers=['a']",
        ),
        (
            "package.json",
            package(imports={"#a": "./a.js"}),
            package(imports={"#a": "./a.js", "#b": "b"}),
        ),
        (
            "package.json",
            package(),
            package(devDependencies={"a": "^1"}, dependencies={"b": "file:b"}),
        ),
        ("pytest.ini", "[pytest]\naddopts = -q\n", "# new\n[pytest]\naddopts=-q\n"),
        ("package.json", package(), package(version="2.0.0", author="b", dependencies={"a": "1"})),
        ("package.json", package(), json.dumps(PACKAGE, indent=4)),
        (".mocharc.json", '{"spec": "a"}', '{\n  "spec":   "a"\n}\n'),
        ("Cargo.toml", CARGO, CARGO.replace("1.0.0", "1.1.0") + 'rand = "0.8"\n'),
        ("Cargo.toml", CARGO, CARGO + '[[bin]]\nname = "b"\n'),
        ("pom.xml", POM, POM.replace("1.0<", "1.1<").replace("5.9", "5.10").replace(">a<", ">b<")),
        ("pom.xml", POM, POM.replace("\n  ", "\n\n    ").replace("<build>", "<build><!-- a -->")),
        ("Makefile", "test:\n\tpytest\n", "# how to test\ntest:\n\tpytest\n"),
        ("Cargo.toml", CARGO, CARGO + "[target.'cfg(unix)'.dependencies]\nlibc = '0.2'\n"),
        ("Cargo.toml", CARGO, CARGO + "[profile.release]\nlto = true\n"),
        ("build.gradle", GRADLE, GRADLE.replace("1.7", "2.0").replace("32.0", "33.0")),
        (
            "build.gradle",
            GRADLE,
            GRADLE.replace("    api", "    testImplementation 'a:b:1'\n    api"),
        ),
        (
            "build.gradle.kts",
            GRADLE,
            GRADLE.replace("    api", '    implementation("a:b:1")\n    api'),
        ),
        ("build.gradle", "a\n", "a\ndependencies { testRuntimeOnly libs.junit }\n"),
        ("build.gradle", GRADLE, GRADLE.replace("3.1", "3.2")),
        ("gradle.properties", "a=1\nversion=1.0\n", "a=1\nversion=1.1\n"),
        ("vite.config.ts", "export default {}", "export default {base: '/'}"),
        ("src/greeter/coverage.py", "a = 1\n", "a = 2\n"),
        ("src/greeter/unittest/__init__.py", "a = 1\n", "a = 2\n"),
        ("app/doctest.py", "a = 1\n", "a = 2\n"),
        ("go.mod", GO_MOD, GO_MOD.replace("v1.2.0", "v1.3.0") + "require c.org/d v1.0.0\n"),
        ("go.mod", GO_MOD, GO_MOD + "// replace a.org/b => ./fake\n"),
        ("manage.py", "a = 1\n", "a = 2\n"),
        ("src/app.py", "a = 1\n", "a = 2\n"),
        ("README.md", "a\n", "b\n"),
    ],
)
def test_other_changes_touch_no_settings(path: str, before: str, after: str) -> None:
    assert changed_settings(path, before.encode(), after.encode()) == ""


LINTERS = [
    ("pyproject.toml", PYPROJECT, PYPROJECT.replace("100", "200")),
    ("setup.cfg", "[flake8]\na=1\n", "[flake8]\na=2\n"),
    ("tox.ini", "[pylint]\na=1\n", "[pylint]\na=2\n"),
    ("package.json", package(), package(eslintConfig={"rules": {}})),
    *((name, "a = 1\n", "a = 2\n") for name in ("ruff.toml", "clippy.toml", ".golangci.toml")),
    *((name, "[mypy]\na=1\n", "[mypy]\na=2\n") for name in (".flake8", "mypy.ini", ".pylintrc")),
    *((name, "a", "b") for name in ("eslint.config.mjs", ".eslintrc.json", "web/.eslintignore")),
]


@pytest.mark.parametrize(("path", "before", "after"), LINTERS)
def test_settings_of_linters_count_only_where_a_linter_is_a_check(
    path: str, before: str, after: str
) -> None:
    contents = before.encode(), after.encode()
    assert changed_settings(path, *contents, checks=("test", "build")) == ""
    assert changed_settings(path, *contents, checks=("lint",)) != ""


def test_settings_of_tests_count_beside_those_of_linters() -> None:
    after = PYPROJECT.replace("100", "200").replace("-q", "-x").encode()
    found = changed_settings("pyproject.toml", PYPROJECT.encode(), after, checks=("test",))
    assert found == "`[tool.pytest.ini_options]`"


@pytest.mark.parametrize(
    ("added", "is_named"),
    [
        ("\n# tidy up\nclean: unit\n\trm -rf build\n", False),
        ("clean:\n\ttrue\n\nwipe:\n\ttrue\n", False),
        ("\ttrue\n", True),
        ("unit:\n\ttrue\n", True),
        ("test:\n\ttrue\n", True),
        ("ARGS = -k b\n", True),
        ("clean: $(eval ARGS=-k b)\n", True),
        ("clean: ARGS = -k b\n", True),
        (".SILENT:\n", True),
        ("clean:\n\ttrue \\\nARGS = -k b\n", True),
        ("lint:\n\ttrue\n", True),
    ],
)
def test_new_targets_at_the_end_of_a_makefile_decide_nothing(added: str, is_named: bool) -> None:
    makefile = "test: unit\n\tpytest $(ARGS)\n"
    found = changed_settings("Makefile", makefile.encode(), (makefile + added).encode())
    assert bool(found) is is_named


@pytest.mark.parametrize(
    "path", ["src/filecmp.py", "difflib/__init__.py", "tests/json.py", "packages/a/src/random.py"]
)
def test_a_new_module_that_hides_one_of_python_is_named(path: str) -> None:
    assert is_settings_file(path)
    assert changed_settings(path, None, b"x = 1\n") == "the whole file"
    assert not changed_settings(path, b"x = 1\n", b"x = 2\n")


@pytest.mark.parametrize("path", ["src/shop/types.py", "test/__init__.py", "app/queue.py"])
def test_a_module_with_a_name_of_python_hides_none_elsewhere(path: str) -> None:
    assert not is_settings_file(path)


@pytest.mark.parametrize(
    ("after", "checks", "named"),
    [
        ('{"compilerOptions": {"paths": {"a": ["./fake"]}}}', ["test"], "`paths`"),
        ('{"extends": "./other.json"}', ["test"], "`extends`"),
        ('{"compilerOptions": {"strict": false}}', ["test"], ""),
        ('{"compilerOptions": {"strict": false}}', ["lint"], "`compilerOptions`"),
        ("{,}", ["test"], "the whole file"),
    ],
)
def test_settings_of_typescript_count_where_they_lead_to_other_modules(
    after: str, checks: list[str], named: str
) -> None:
    assert changed_settings("tsconfig.json", b"{}", after.encode(), checks=checks) == named


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("package.json", b"[" * 100_000),
        ("pyproject.toml", b"a = " + b"[" * 100_000),
        ("pom.xml", b"<a>" * 100_000),
        ("setup.cfg", b"\xff\xfe\0[\0"),
        ("pom.xml", "<project/>".encode("utf-16")),
    ],
)
def test_a_hostile_file_counts_as_changed(path: str, data: bytes) -> None:
    assert changed_settings(path, b"", data) == "the whole file"


def scripts(**found: str) -> bytes:
    return package(scripts=found).encode()


@pytest.mark.parametrize(
    ("before", "after", "checks", "named"),
    [
        (scripts(test="jest"), scripts(test="jest", build="tsc"), ["test"], ""),
        (scripts(test="jest"), scripts(test="jest", pretest="rm -r t"), ["test"], "`pretest`"),
        (scripts(test="npm run u", u="jest"), scripts(test="npm run u", u="true"), ["test"], "`u`"),
        (scripts(ci="jest"), scripts(ci="true"), ["test"], ""),
        (scripts(ci="jest"), scripts(ci="true"), ["test", "npm", "run", "ci"], "`ci`"),
        (scripts(test="npm test"), scripts(test="npm test || true"), ["test"], "`test`"),
    ],
)
def test_a_script_of_npm_counts_where_a_check_leads_to_it(
    before: bytes, after: bytes, checks: list[str], named: str
) -> None:
    found = changed_settings("package.json", before, after, checks=checks)
    assert named in found
    assert bool(named) == bool(found)
