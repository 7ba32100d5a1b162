"""Go modules: go test, go vet, go build."""

import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from codex_orchestrator.adapters.interface import Detection, detect_files
from codex_orchestrator.adapters.reports import LOADED, RUNNER, TEST_REPORT
from codex_orchestrator.model.check import LOG_DIR, CheckCommand
from codex_orchestrator.model.errors import NotCheckedError
from codex_orchestrator.model.task import CheckName
from codex_orchestrator.system.sandbox.probe import Layers, probe_layers

# The toolchain that is there, and the module files as they are: a check fetches nothing. What
# `go env -w` set for a user holds for no check.
_ENVIRONMENT = (("GOTOOLCHAIN", "local"), ("GOFLAGS", "-mod=readonly"), ("GOENV", "off"))
_MEND = "name the folder in `replace` or `use` by a path that is relative to the file"


class GoAdapter:
    """One module, all its packages."""

    id = "go"

    def detect(self, root: Path) -> Detection:
        """Look for go.mod, then for Go files."""
        return detect_files(root, project_file="go.mod", suffix=".go", language="Go")

    def commands(self, root: Path, *, python: str = "") -> Mapping[CheckName, CheckCommand]:
        """Return test, lint (vet) and build over all packages."""
        # A workspace above the tree is that of another checkout, or nobody's.
        own = () if (root / "go.work").is_file() else (("GOWORK", "off"),)
        environment = (*_ENVIRONMENT, *own)
        test = CheckCommand(
            name="test",
            argv=(sys.executable, str(RUNNER), "go", f"{LOG_DIR}/{TEST_REPORT}", "./..."),
            shown=("go", "test", "./..."),
            report=f"lines:{TEST_REPORT}",
            loaded=LOADED,
            must_measure=True,
            mend=_MEND,
            env=(*environment, ("CODEX_ORCHESTRATOR_LOADED", f"{LOG_DIR}/{LOADED}")),
            read=(sys.prefix, sys.base_prefix, str(RUNNER)),
        )
        verbs: dict[CheckName, str] = {"lint": "vet", "build": "build"}
        others = {
            name: CheckCommand(name=name, argv=("go", verb, "./..."), env=environment)
            for name, verb in verbs.items()
        }
        return {"test": test, **others}

    def ensure_ready(
        self,
        root: Path,
        checks: Sequence[CheckName],
        *,
        python: str = "",
        layers: Layers = probe_layers,
    ) -> None:
        """Make sure that go is installed. A module may have no test yet; its report says so.

        Raises:
            NotCheckedError: go is missing.
        """
        if shutil.which("go") is None:
            raise NotCheckedError("the checks need go", fix="install go")
