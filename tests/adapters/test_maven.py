"""Maven: the reports of all modules, of this run only."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from codex_orchestrator.adapters.choose import LanguageAdapters
from codex_orchestrator.adapters.command import CommandAdapter
from codex_orchestrator.adapters.maven import MavenAdapter
from codex_orchestrator.adapters.poms import installed_modules
from codex_orchestrator.adapters.reports import read_report
from codex_orchestrator.model.check import CheckCommand, CheckResult
from codex_orchestrator.model.config import AdapterConfig
from codex_orchestrator.model.confinement import Network
from codex_orchestrator.model.errors import NotCheckedError
from codex_orchestrator.model.suite_run import Outcome, SuiteRun
from codex_orchestrator.model.verdict import ValidationStatus
from codex_orchestrator.system.environment import child_environment
from codex_orchestrator.system.sandbox.probe import probe_layers
from codex_orchestrator.workspace.checks import run_check
from support.missing import missing
from support.pattern_files import write_files
from support.project import git

P, F, S = Outcome.PASSED, Outcome.FAILED, Outcome.SKIPPED
PROJECT = '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
PINNED = "<project><reportsDirectory>{}</reportsDirectory></project>"
REPORT = '<testsuite tests="9"><testcase classname="p.T" name="a">{}</testcase></testsuite>'
CLASS_PATH = '<properties><property name="java.class.path" value="{}"/></properties>'
MODULES = {
    "pom.xml": f"{PROJECT}<groupId>org.x</groupId><artifactId>all</artifactId><version>1</version>"
    "<modules><module>app</module><module>lib</module></modules></project>",
    **{
        f"{name}/pom.xml": f"{PROJECT}<parent><groupId>org.x</groupId><version>1</version></parent>"
        f"<artifactId>{name}</artifactId></project>"
        for name in ("app", "lib")
    },
}
# It stands in for Maven: it runs the script of each module.
MVN = '#!/bin/sh\necho "$@"\nfor module in */run; do (cd $(dirname $module) && sh run); done\n'


def run(
    root: Path,
    *,
    path: str = "",
    read: tuple[str, ...] = (),
    command: CheckCommand | None = None,
) -> tuple[CheckResult, SuiteRun]:
    command = command or MavenAdapter().commands(root)["test"]
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
    words = result.output_tail.split()
    assert [word for word in words[:5] if "repo.local" not in word] == ["-o", "-B", "-fae", "test"]


@pytest.mark.parametrize(
    ("places", "code", "problem"),
    [
        (["{tree}/app/target/classes", "{tree}/lib/target/classes"], "work-tree", ""),
        (["{tree}/app/target/classes", "{m2}/org/y/lib/1/lib-1.jar"], "work-tree", ""),
        # An older release of a module, which a plugin of the build may need, is no copy of it.
        (["{tree}/app/target/classes", "{m2}/org/x/lib/0.9/lib-0.9.jar"], "work-tree", ""),
        (
            ["{tree}/app/target/classes", "{m2}/org/x/lib/1/lib-1.jar"],
            "elsewhere",
            "lib-1.jar was loaded, an installed copy of lib; test the module together with",
        ),
        (["{other}/lib/target/classes"], "elsewhere", "classes was loaded from another work tree"),
        ([], None, ""),
    ],
)
@pytest.mark.parametrize("text", ["", 'commands = {test = ["mvn", "-pl", "app", "test"]}'])
def test_a_module_that_is_taken_from_the_local_repository_proves_nothing(
    tmp_path: Path, fake: str, places: list[str], code: str | None, problem: str, text: str
) -> None:
    tree, other = tmp_path / "tree", tmp_path / "other"
    where = {"tree": tree, "m2": tmp_path / "m2", "other": other}
    listed = ":".join(places).format(**where)
    report = REPORT.format("").replace("<testcase", f"{CLASS_PATH.format(listed)}<testcase", 1)
    script = (
        f"mkdir -p target/surefire-reports; echo '{report}' > target/surefire-reports/TEST-a.xml"
    )
    write_files(tree, MODULES | {"app/run": f"{script}\n"})
    entry = AdapterConfig(id="maven")
    if text:
        glob = "junit:**/target/surefire-reports/TEST-*.xml"
        entry = AdapterConfig(commands={"test": ("mvn", "-pl", "app", "test")}, report=glob)
    adapters = LanguageAdapters([entry], repo=other)
    command = MavenAdapter().commands(tree)["test"]
    if text:
        command = CommandAdapter(entry.commands, report=entry.report).commands(tree)["test"]
    command = command.model_copy(update={"trees": (str(tree), str(other))})
    result, _ = run(tree, path=fake, command=command)
    found = result.with_code(adapters.loaded(command, tmp_path / "logs"), command)
    assert found.code == code
    assert problem in found.detail
    status = ValidationStatus.NOT_RUN if problem else ValidationStatus.PASSED
    assert found.status is status


@pytest.mark.parametrize(
    ("version", "end"), [("1", "org/x/tea/1"), ("${revision}", "org/x/tea"), ("", "org/x/tea")]
)
def test_a_module_is_known_by_the_coordinates_of_its_pom(
    tmp_path: Path, version: str, end: str
) -> None:
    pom = (
        f"{PROJECT}<!-- <artifactId>no</artifactId> --><parent><groupId>org.x</groupId>"
        f"<artifactId>all</artifactId></parent><artifactId> tea </artifactId>"
        f"<version>{version}</version><dependencies><dependency><artifactId>junit</artifactId>"
        "</dependency></dependencies></project>"
    )
    write_files(tmp_path, {"a/b/pom.xml": pom, "broken/pom.xml": "<project>", "pom.xml": ""})
    assert installed_modules(tmp_path) == ((end, "a/b"),)


def test_a_project_without_a_test_has_none_and_that_is_no_missing_report(
    tmp_path: Path, fake: str
) -> None:
    tree = write_files(tmp_path / "tree", {"pom.xml": PROJECT, "app/run": "true\n"})
    adapters = LanguageAdapters([], repo=tree)
    command = MavenAdapter().commands(tree)["test"]
    result, _ = run(tree, path=fake, command=command)
    suite = adapters.tests(command, tmp_path / "logs", result.exit_code)
    assert suite == SuiteRun({})
    judged = result.judged(suite, first_test=command.first_test)
    assert judged.status is ValidationStatus.NOT_RUN
    assert "there is no test; write src/test/java/" in judged.detail
    # What cannot be compiled says nothing of tests.
    failed = adapters.tests(command, tmp_path / "logs", 1)
    assert failed is not None
    assert "there is no report" in failed.problem
    write_files(tree, {"app/src/test/java/p/ATest.java": ""})
    assert MavenAdapter().commands(tree)["test"].empty_codes == ()


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
    """Download Maven's plugins and JUnit, which takes a network and minutes.

    The modules of the project are installed there as well.
    """
    if os.environ.get("CODEX_ORCHESTRATOR_TESTS") != "torture":
        pytest.skip("`make torture` runs it: Maven downloads its plugins first")
    if not shutil.which("mvn"):
        missing("mvn is not installed")
    folder = tmp_path_factory.mktemp("maven")
    for number, pom in enumerate((SUREFIRE, "")):
        root = write_files(folder / str(number), dict(files_of(pom, "last() {}")))
        argv = ("mvn", "-B", "-q", f"-Dmaven.repo.local={folder}/repository", "install")
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


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("argv", "folder", "is_own"),
    [
        (("mvn", "-o", "-B", "test"), ".", True),
        (("mvn", "-o", "-B", "-pl", "app", "-am", "test"), ".", True),
        (("mvn", "-o", "-B", "-pl", "app", "test"), ".", False),
        (("mvn", "-o", "-B", "test"), "app", False),
    ],
    ids=["reactor", "-am", "-pl", "cd"],
)
def test_real_maven_takes_a_module_alone_from_the_local_repository(
    tmp_path: Path, repository: str, argv: tuple[str, ...], folder: str, is_own: bool
) -> None:
    files = dict(files_of(SUREFIRE, "last() {}"))
    files[".mvn/maven.config"] = files[".mvn/maven.config"].format(repository=repository)
    tree = write_files(tmp_path / "tree", files)
    git(tree, "init", "-q")
    entry = AdapterConfig(
        path=folder, commands={"test": argv}, report="junit:**/target/surefire-reports/TEST-*.xml"
    )
    adapters = LanguageAdapters([entry], repo=tree)
    _, commands = adapters.commands(tree, wanted=None, checks=["test"])
    (command,) = commands.values()
    result, _ = run(tree, read=(repository,), command=command)
    found = result.with_code(adapters.loaded(command, tmp_path / "logs"), command)
    assert found.code == ("work-tree" if is_own else "elsewhere"), result.output_tail
    assert found.status is (ValidationStatus.PASSED if is_own else ValidationStatus.NOT_RUN)
    assert is_own or "lib-1.jar was loaded, an installed copy of lib; test the module together" in (
        found.detail
    )


@pytest.mark.parametrize("is_elsewhere", [False, True])
def test_the_users_local_repository_is_named_unless_the_project_names_one(
    tmp_path: Path, is_elsewhere: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A contained check may run as another user, whose home Java would take."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    named = "-Dmaven.repo.local=/elsewhere\n" if is_elsewhere else "-T1\n"
    write_files(tmp_path, {"pom.xml": PROJECT, ".mvn/maven.config": named})
    for command in MavenAdapter().commands(tmp_path).values():
        option = f"-Dmaven.repo.local={tmp_path}/home/.m2/repository"
        assert (option in command.argv) is not is_elsewhere
        assert str(tmp_path) not in " ".join(command.recorded)
