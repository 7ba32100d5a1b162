"""Maven: the reports of all modules, of this run only."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from codex_orchestrator.adapters.maven import MavenAdapter
from codex_orchestrator.adapters.reports import read_report
from codex_orchestrator.model.check import CheckResult
from codex_orchestrator.model.confinement import Network
from codex_orchestrator.model.errors import NotCheckedError
from codex_orchestrator.model.suite_run import Outcome, SuiteRun
from codex_orchestrator.model.verdict import ValidationStatus
from codex_orchestrator.system.environment import child_environment
from codex_orchestrator.system.sandbox.probe import probe_layers
from codex_orchestrator.workspace.checks import run_check
from support.missing import missing
from support.pattern_files import write_files

P, F, S = Outcome.PASSED, Outcome.FAILED, Outcome.SKIPPED
PROJECT = '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
PINNED = "<project><reportsDirectory>{}</reportsDirectory></project>"
REPORT = '<testsuite tests="9"><testcase classname="p.T" name="a">{}</testcase></testsuite>'
# It stands in for Maven: it runs the script of each module.
MVN = '#!/bin/sh\necho "$@"\nfor module in */run; do (cd $(dirname $module) && sh run); done\n'


def run(root: Path, *, path: str = "", read: tuple[str, ...] = ()) -> tuple[CheckResult, SuiteRun]:
    command = MavenAdapter().commands(root)["test"]
    command = command.model_copy(update={"read": read})
    logs = root.parent / "logs"
    result = run_check(
        root,
        command,
        log_dir=logs,
        deadline_s=300,
        env=child_environment({**os.environ, "PATH": f"{path}{os.environ['PATH']}"}),
        layers=probe_layers(),
        network=Network.LOOPBACK,
    )
    suite = read_report(logs, command)
    return result.judged(suite), suite


@pytest.fixture
def fake(tmp_path: Path) -> str:
    """Return what comes first in PATH for a Maven that stands in for the real one."""
    folder = write_files(tmp_path / "bin", {"mvn": MVN})
    (folder / "mvn").chmod(0o755)
    return f"{folder}:"


def writes(outcome: str = "", folder: str = "target/surefire-reports") -> str:
    return f"mkdir -p {folder}; echo '{REPORT.format(outcome)}' > {folder}/TEST-p.T.xml\n"


def test_every_module_is_tested_and_its_tests_keep_its_name(tmp_path: Path, fake: str) -> None:
    files = {"pom.xml": PROJECT, "app/run": writes(), "lib/run": writes("<failure/>")}
    result, suite = run(write_files(tmp_path / "tree", files), path=fake)
    assert suite == SuiteRun({"app::p.T::a": P, "lib::p.T::a": F})
    assert result.status is ValidationStatus.FAILED
    assert "exit code is 0, and lib::p.T::a failed" in result.detail
    assert result.output_tail.startswith("-o -B -fae test")


def test_a_report_of_an_earlier_run_is_none(tmp_path: Path, fake: str) -> None:
    old = {"app/target/surefire-reports/TEST-p.T.xml": REPORT.format("")}
    files = {"pom.xml": PROJECT, "app/run": "true\n", **old}
    result, _ = run(write_files(tmp_path / "tree", files), path=fake)
    assert result.status is ValidationStatus.NOT_RUN
    assert "there is no report" in result.detail


@pytest.mark.parametrize(
    ("pinned", "glob"),
    [
        ("${project.build.directory}/my-reports", "**/target/my-reports/TEST-*.xml"),
        (" ${basedir}/out ", "**/out/TEST-*.xml"),
        ("out/[x]", "**/out/[[]x]/TEST-*.xml"),
        ("/tmp/out", ""),
        ("${basedir}/../out", ""),
        ("${my.folder}/out", ""),
        ("${basedir}", ""),
    ],
)
def test_a_folder_that_a_pom_pins_is_read_where_it_is_in_the_project(
    tmp_path: Path, pinned: str, glob: str
) -> None:
    write_files(tmp_path, {"pom.xml": PROJECT, "app/pom.xml": PINNED.format(pinned)})
    reports = MavenAdapter().commands(tmp_path)["test"].reports
    assert reports[1:] == ((glob,) if glob else ())


def test_a_pinned_folder_is_read_and_an_old_report_in_it_is_not(tmp_path: Path, fake: str) -> None:
    pom = PINNED.format("${project.build.directory}/r")
    old = {"lib/target/r/TEST-p.U.xml": REPORT.format("<failure/>")}
    files = {"pom.xml": PROJECT, "app/pom.xml": pom, "app/run": writes(folder="target/r"), **old}
    result, suite = run(write_files(tmp_path / "tree", files), path=fake)
    assert suite == SuiteRun({"app::p.T::a": P})
    assert result.status is ValidationStatus.PASSED


def test_without_anything_downloaded_the_check_is_not_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake: str
) -> None:
    shutil.copy(tmp_path / "bin/mvn", tmp_path / "bin/java")
    monkeypatch.setenv("PATH", fake + os.environ["PATH"])
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    root = write_files(tmp_path / "tree", {"pom.xml": PROJECT})
    with pytest.raises(NotCheckedError, match=r"no ~/\.m2/repository") as caught:
        MavenAdapter().ensure_ready(root, ["test"])
    assert "mvn verify" in caught.value.fix
    (tmp_path / "home/.m2/repository").mkdir(parents=True)
    MavenAdapter().ensure_ready(root, ["test", "build"])


PARENT = (
    f"{PROJECT}<groupId>g</groupId><artifactId>all</artifactId><version>1</version>"
    "<packaging>pom</packaging><modules><module>app</module><module>lib</module></modules>"
    "<properties><maven.compiler.source>17</maven.compiler.source>"
    "<maven.compiler.target>17</maven.compiler.target></properties><dependencies><dependency>"
    "<groupId>org.junit.jupiter</groupId><artifactId>junit-jupiter</artifactId>"
    "<version>5.10.2</version><scope>test</scope></dependency></dependencies>{}</project>"
)
SUREFIRE = (
    "<build><plugins><plugin><artifactId>maven-surefire-plugin</artifactId>"
    "<version>3.2.5</version></plugin></plugins></build>"
)
MODULE = (
    f"{PROJECT}<parent><groupId>g</groupId><artifactId>all</artifactId><version>1</version>"
    "</parent><artifactId>{}</artifactId>{}</project>"
)
ON_LIB = (
    "<dependencies><dependency><groupId>g</groupId><artifactId>lib</artifactId>"
    "<version>1</version></dependency></dependencies>"
)
TEST = (
    "package p; import org.junit.jupiter.api.*;\nclass ATest {{\n"
    "  @Test void ok() {{ Assertions.assertEquals(1, A.f()); }}\n"
    "  @Test @Disabled void later() {{}}\n  @Test void {}\n}}\n"
)


def files_of(pom: str, last: str) -> Mapping[str, str]:
    code = "package p; public class A { public static int f() { return 1; } }\n"
    return {
        "pom.xml": PARENT.format(pom),
        "lib/pom.xml": MODULE.format("lib", ""),
        "lib/src/main/java/p/A.java": code,
        "lib/src/test/java/p/ATest.java": TEST.format("last() {}"),
        "app/pom.xml": MODULE.format("app", ON_LIB),
        "app/src/test/java/p/ATest.java": TEST.format(last),
        ".mvn/maven.config": "-Dmaven.repo.local={repository}\n",
    }


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Download Maven's plugins and JUnit, which takes a network and minutes."""
    if os.environ.get("CODEX_ORCHESTRATOR_TESTS") != "torture":
        pytest.skip("`make torture` runs it: Maven downloads its plugins first")
    if not shutil.which("mvn"):
        missing("mvn is not installed")
    folder = tmp_path_factory.mktemp("maven")
    for number, pom in enumerate((SUREFIRE, "")):
        root = write_files(folder / str(number), dict(files_of(pom, "last() {}")))
        argv = ("mvn", "-B", "-q", f"-Dmaven.repo.local={folder}/repository", "package")
        (root / ".mvn/maven.config").unlink()
        subprocess.run(argv, cwd=root, check=True, timeout=500)
    return str(folder / "repository")


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("pom", "last", "last_is", "status"),
    [
        (SUREFIRE, "last() {}", P, ValidationStatus.PASSED),
        (SUREFIRE, "last() { Assertions.fail(); }", F, ValidationStatus.FAILED),
        (SUREFIRE, "last() { Runtime.getRuntime().halt(0); }", None, ValidationStatus.FAILED),
        # The surefire that Maven takes by itself does not know JUnit 5, and ends well.
        ("", "last() {}", None, ValidationStatus.NOT_RUN),
    ],
)
def test_real_maven(
    tmp_path: Path, repository: str, pom: str, last: str, last_is: Outcome | None, status: str
) -> None:
    files = dict(files_of(pom, last))
    files[".mvn/maven.config"] = files[".mvn/maven.config"].format(repository=repository)
    result, suite = run(write_files(tmp_path / "tree", files), read=(repository,))
    assert result.status is status, result.output_tail
    assert suite.outcomes.get("app::p.ATest::last") is last_is
    if pom:
        assert suite.outcomes["lib::p.ATest::ok"] is P
        assert suite.outcomes["lib::p.ATest::later"] is S
