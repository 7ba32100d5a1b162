"""Gradle projects: all projects of a build, without a network, by the reports in build/."""

import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from codex_orchestrator.adapters.interface import Detection
from codex_orchestrator.adapters.poms import has_java_tests
from codex_orchestrator.model.check import CheckCommand
from codex_orchestrator.model.errors import NotCheckedError
from codex_orchestrator.model.task import CheckName
from codex_orchestrator.system.sandbox.probe import Layers, probe_layers

_WRAPPER = "gradlew"
# No daemon outlives the check, and no result comes from a cache: it may be another tree's.
_OPTIONS = ("--offline", "--no-daemon", "--no-build-cache", "--console=plain")
_SETTINGS = ("settings.gradle", "settings.gradle.kts")
_BUILDS = ("build.gradle", "build.gradle.kts")
_REPORTS = ("**/build/test-results/*/TEST-*.xml",)


class GradleAdapter:
    """A build with all its projects. The reports are Gradle's, which are removed before."""

    id = "gradle"
    project_files = (*_SETTINGS, *_BUILDS)

    def detect(self, root: Path) -> Detection:
        """Look for settings.gradle and build.gradle, in Groovy or Kotlin."""
        for name in self.project_files:
            if (root / name).is_file():
                return Detection(2, f"{name} is there", has_java_tests(root))
        return Detection(0, "no settings.gradle and no build.gradle", has_tests=False)

    def holds(self, root: Path, folder: str) -> bool:
        """Say whether a folder is of the build: all below its settings are, but other builds."""
        is_build = any((root / name).is_file() for name in _SETTINGS)
        return is_build and not any((root / folder / name).is_file() for name in _SETTINGS)

    def one_test(self, command: CheckCommand, name: str) -> tuple[str, ...]:
        """Return what runs one method of a class."""
        head, _, method = name.rpartition("::")
        module, _, place = head.rpartition("::")
        method = re.split(r"[(\[]", method)[0]
        project = ":".join(["", *module.split("/"), ""]) if module else ""
        tests = f"{place}.{method}"
        return (command.argv[0], "--offline", f"{project}test", "--tests", tests) if method else ()

    def commands(self, root: Path, *, python: str = "") -> Mapping[CheckName, CheckCommand]:
        """Return test and build."""
        gradle = f"./{_WRAPPER}" if (root / _WRAPPER).is_file() else "gradle"
        programs = (gradle, "java")
        # Java takes the home of the user that it runs as: for a contained check maybe another.
        environment = (("GRADLE_USER_HOME", str(Path.home() / ".gradle")),)
        return {
            "test": CheckCommand(
                name="test",
                # One project that fails must not hide the tests of the next.
                argv=(gradle, *_OPTIONS, "--continue", "test"),
                report="junit:report-test",
                reports=_REPORTS,
                env=environment,
                timeout_s=1800,
                programs=programs,
                first_test="write src/test/java/PACKAGE/NAMETest.java, and JUnit among the "
                "dependencies of the build.gradle",
                empty_codes=() if has_java_tests(root) else (0,),
            ),
            "build": CheckCommand(
                name="build",
                argv=(gradle, *_OPTIONS, "assemble"),
                env=environment,
                timeout_s=1800,
                programs=programs,
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
        """Make sure that Java, and Gradle or its wrapper, are there.

        Raises:
            NotCheckedError: one is missing, or the check is.
        """
        for name in checks:
            if name not in ("test", "build"):
                raise NotCheckedError(
                    f"the Gradle adapter has no `{name}`", fix="take the check out of the task"
                )
        if not (root / _WRAPPER).is_file() and shutil.which("gradle") is None:
            raise NotCheckedError(
                "the checks need gradle", fix="commit the wrapper (gradle wrapper), or install it"
            )
        if shutil.which("java") is None:
            raise NotCheckedError("the checks need java", fix="install java")
