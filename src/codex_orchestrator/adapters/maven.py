"""Maven projects: the whole reactor, without a network."""

import posixpath
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from codex_orchestrator.adapters.interface import Detection, read_text
from codex_orchestrator.adapters.pinned_folders import pinned_folders
from codex_orchestrator.adapters.poms import has_java_tests, installed_modules, read_pom
from codex_orchestrator.model.check import CheckCommand
from codex_orchestrator.model.errors import NotCheckedError
from codex_orchestrator.model.task import CheckName
from codex_orchestrator.system.sandbox.probe import Layers, probe_layers

_PROGRAMS = ("mvn", "java")
MEND = "test the module together with those that it needs: `-am`, or the whole reactor"
_MAVEN = ("mvn", "-o", "-B")
# Settings of the machine and of the user, which may skip tests.
_ENVIRONMENT = (("MAVEN_SKIP_RC", "1"),)
_REPORTS = ("**/target/surefire-reports/TEST-*.xml",)


class MavenAdapter:
    """All modules of a pom. The reports are surefire's, which are removed before."""

    id = "maven"
    project_files = ("pom.xml",)

    def detect(self, root: Path) -> Detection:
        """Look for pom.xml."""
        if (root / "pom.xml").is_file():
            return Detection(2, "pom.xml is there", has_java_tests(root))
        return Detection(0, "no pom.xml", has_tests=False)

    def holds(self, root: Path, folder: str) -> bool:
        """Say whether a folder has a module of the project, or a module of a module."""
        modules = [posixpath.normpath(one) for one in read_pom(root).modules]
        inner = (one for one in modules if folder.startswith(f"{one}/"))
        return folder in modules or any(
            self.holds(root / one, folder.removeprefix(f"{one}/")) for one in inner
        )

    def one_test(self, command: CheckCommand, name: str) -> tuple[str, ...]:
        """Return what runs one method, with the modules that its own needs."""
        head, _, method = name.rpartition("::")
        module, _, place = head.rpartition("::")
        method = re.split(r"[(\[]", method)[0]
        if not method:
            return ()
        only = ("-pl", module, "-am", "-Dsurefire.failIfNoSpecifiedTests=false")
        return (*_MAVEN, *(only if module else ()), f"-Dtest={place}#{method}", "test")

    def commands(self, root: Path, *, python: str = "") -> Mapping[CheckName, CheckCommand]:
        """Return test and build.

        A module alone would be tested with what was installed of the others: the whole is built.
        """
        local = _local_repository(root)
        return {
            "test": CheckCommand(
                name="test",
                # One module that fails must not hide the tests of the next.
                argv=(*_MAVEN, *local, "-fae", "test"),
                shown=(*_MAVEN, "-fae", "test"),
                report="junit:report-test",
                reports=(*_REPORTS, *pinned_folders(root)),
                env=_ENVIRONMENT,
                timeout_s=1800,
                modules=installed_modules(root),
                mend=MEND,
                programs=_PROGRAMS,
                first_test="write src/test/java/PACKAGE/NAMETest.java, and JUnit among the "
                "dependencies of the pom.xml",
                # Surefire writes no report for a module without tests.
                empty_codes=() if has_java_tests(root) else (0,),
            ),
            "build": CheckCommand(
                name="build",
                argv=(*_MAVEN, *local, "-DskipTests", "package"),
                shown=(*_MAVEN, "-DskipTests", "package"),
                env=_ENVIRONMENT,
                timeout_s=1800,
                programs=_PROGRAMS,
            ),
        }

    def ensure_ready(
        self,
        root: Path,
        checks: Sequence[CheckName],
        *,
        python: str = "",
        layers: Layers = probe_layers,
    ) -> None:
        """Make sure that Maven and Java are installed, and that something was downloaded.

        Raises:
            NotCheckedError: one is missing, or the check is.
        """
        for name in checks:
            if name not in ("test", "build"):
                raise NotCheckedError(
                    f"the Maven adapter has no `{name}`", fix="take the check out of the task"
                )
        for program in ("mvn", "java"):
            if shutil.which(program) is None:
                raise NotCheckedError(f"the checks need {program}", fix=f"install {program}")
        if not _is_elsewhere(root) and not _usual_repository().is_dir():
            raise NotCheckedError(
                "the checks run without a network, and there is no ~/.m2/repository",
                fix="run `mvn verify` once, so that Maven has its plugins and the dependencies",
            )


def _local_repository(root: Path) -> tuple[str, ...]:
    """Return the option that names the user's local repository, unless the project names one.

    Java takes the home of the user that it runs as, which for a contained check may be another.
    """
    return () if _is_elsewhere(root) else (f"-Dmaven.repo.local={_usual_repository()}",)


def _is_elsewhere(root: Path) -> bool:
    return "maven.repo.local" in read_text(root / ".mvn" / "maven.config")


def _usual_repository() -> Path:
    return Path.home() / ".m2" / "repository"
