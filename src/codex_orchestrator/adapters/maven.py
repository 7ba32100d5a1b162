"""Maven projects: the whole reactor, without a network."""

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from codex_orchestrator.adapters.interface import Detection, read_text
from codex_orchestrator.model.check import CheckCommand
from codex_orchestrator.model.errors import NotCheckedError
from codex_orchestrator.model.task import CheckName
from codex_orchestrator.system.listing import list_files
from codex_orchestrator.system.sandbox.probe import Layers, probe_layers
from codex_orchestrator.text.globs import glob_of, glob_problem

_MAVEN = ("mvn", "-o", "-B")
# Settings of the machine and of the user, which may skip tests.
_ENVIRONMENT = (("MAVEN_SKIP_RC", "1"),)
_REPORTS = ("**/target/surefire-reports/TEST-*.xml",)
_PINNED = re.compile(r"<reportsDirectory>\s*([^<]+?)\s*</reportsDirectory>")
_VARIABLES = {"project.build.directory": "target", "project.basedir": ".", "basedir": "."}


class MavenAdapter:
    """All modules of a pom. The reports are surefire's, which are removed before."""

    id = "maven"

    def detect(self, root: Path) -> Detection:
        """Look for pom.xml."""
        if (root / "pom.xml").is_file():
            return Detection(2, "pom.xml is there")
        return Detection(0, "no pom.xml")

    def commands(self, root: Path, *, python: str = "") -> Mapping[CheckName, CheckCommand]:
        """Return test and build.

        A module alone would be tested with what was installed of the others: the whole is built.
        """
        return {
            "test": CheckCommand(
                name="test",
                # One module that fails must not hide the tests of the next.
                argv=(*_MAVEN, "-fae", "test"),
                report="junit:report-test",
                reports=(*_REPORTS, *_pinned(root)),
                env=_ENVIRONMENT,
                timeout_s=1800,
            ),
            "build": CheckCommand(
                name="build",
                argv=(*_MAVEN, "-DskipTests", "package"),
                env=_ENVIRONMENT,
                timeout_s=1800,
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
        is_elsewhere = "maven.repo.local" in read_text(root / ".mvn" / "maven.config")
        if not is_elsewhere and not (Path.home() / ".m2" / "repository").is_dir():
            raise NotCheckedError(
                "the checks run without a network, and there is no ~/.m2/repository",
                fix="run `mvn verify` once, so that Maven has its plugins and the dependencies",
            )


def _pinned(root: Path) -> Iterator[str]:
    """Yield globs of the folders that poms set for reports; they win over a command's option."""
    for path in list_files(root):
        if path.rsplit("/", 1)[-1] != "pom.xml":
            continue
        for folder in _PINNED.findall(read_text(root / path)):
            place = re.sub(r"\$\{([^}]*)\}", lambda found: _VARIABLES.get(found[1], "/"), folder)
            # What lies outside the project, or in a folder of another variable, is not found: the
            # check has no report.
            glob = f"**/{glob_of(place.removeprefix('./'))}/TEST-*.xml"
            if not glob_problem(glob):
                yield glob
