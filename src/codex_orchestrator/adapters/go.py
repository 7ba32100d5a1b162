"""Go modules: go test, go vet, go build."""

import posixpath
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from codex_orchestrator.adapters.interface import Detection, detect_files, read_text
from codex_orchestrator.adapters.reports import LOADED, read_output
from codex_orchestrator.model.check import LOG_DIR, CheckCommand
from codex_orchestrator.model.errors import NotCheckedError
from codex_orchestrator.model.task import CheckName
from codex_orchestrator.system.listing import work_tree_of
from codex_orchestrator.system.sandbox.probe import Layers, probe_layers

# The toolchain that is there, and the module files as they are: a check fetches nothing. What
# `go env -w` set for a user holds for no check.
_ENVIRONMENT = (("GOTOOLCHAIN", "local"), ("GOFLAGS", "-mod=readonly"), ("GOENV", "off"))
_USED = re.compile(r"^\s*(?:use\s+)?(\.[\w./-]*)\s*(?://.*)?$", re.MULTILINE)
_MEND = "name the folder in `replace` or `use` by a path that is relative to the file"


class GoAdapter:
    """One module, or those of a go.work; all their packages."""

    id = "go"
    project_files = ("go.mod", "go.work")

    def detect(self, root: Path) -> Detection:
        """Look for go.work and go.mod, then for Go files."""
        file = "go.work" if (root / "go.work").is_file() else "go.mod"
        return detect_files(root, project_file=file, suffix=".go", language="Go", test="_test.go")

    def holds(self, root: Path, folder: str) -> bool:
        """Say whether a go.work uses the module in a folder."""
        return folder in _used_modules(root)

    def one_test(self, command: CheckCommand, name: str) -> tuple[str, ...]:
        """Return what runs a test or subtest of a package."""
        package, _, test = name.partition("::")
        pattern = "/".join(f"^{re.escape(part)}$" for part in test.split("/"))
        return ("go", "test", "-count=1", "-v", "-run", pattern, package) if test else ()

    def commands(self, root: Path, *, python: str = "") -> Mapping[CheckName, CheckCommand]:
        """Return test, lint (vet) and build over all packages."""
        # A workspace above the tree is that of another checkout, or nobody's.
        tree = work_tree_of(root)
        inside = [one for one in (root, *root.parents) if one.is_relative_to(tree)]
        own = () if any((one / "go.work").is_file() for one in inside) else (("GOWORK", "off"),)
        environment = (*_ENVIRONMENT, *own)
        # Without a module at the top, `./...` is outside of those that a go.work uses.
        used = [f"./{one}/..." if one != "." else "./..." for one in _used_modules(root)]
        packages = tuple(used) or ("./...",)
        test = read_output(
            "go",
            packages,
            ("go", "test", *packages),
            loaded=LOADED,
            must_measure=True,
            mend=_MEND,
            env=(*environment, ("CODEX_ORCHESTRATOR_LOADED", f"{LOG_DIR}/{LOADED}")),
            programs=("go",),
            first_test="write NAME_test.go with `func TestName(t *testing.T)` beside the package",
        )
        verbs: dict[CheckName, str] = {"lint": "vet", "build": "build"}
        others = {
            name: CheckCommand(name=name, argv=("go", verb, *packages), env=environment)
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


def _used_modules(root: Path) -> tuple[str, ...]:
    """Return the folders whose modules a go.work uses, relative to it; () where there is none."""
    found = (posixpath.normpath(one) for one in _USED.findall(read_text(root / "go.work")))
    return tuple(dict.fromkeys(one for one in found if not one.startswith("..")))
