"""Node projects: the package's own scripts, else node's test runner."""

import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from codex_orchestrator.adapters.interface import Detection, read_text
from codex_orchestrator.adapters.reports import TEST_REPORT
from codex_orchestrator.model.canonical import CanonicalError, load_strict
from codex_orchestrator.model.check import LOG_DIR, CheckCommand
from codex_orchestrator.model.errors import InputError, NotCheckedError
from codex_orchestrator.model.task import CheckName
from codex_orchestrator.system.listing import list_files
from codex_orchestrator.system.sandbox.probe import Layers, probe_layers

_REPORTER = Path(__file__).with_name("node_reporter.mjs")
_NO_TEST = "no test specified"
_TEST_FILE = re.compile(r"(.*/)?([^/]+[._-]test|test-[^/]+|test)\.[cm]?js|(.*/)?test/.*\.[cm]?js")
_CHECKS: tuple[CheckName, ...] = ("test", "lint", "build")
_ENVIRONMENT = (
    ("CI", "1"),
    ("npm_config_update_notifier", "false"),
    ("npm_config_fund", "false"),
    ("npm_config_audit", "false"),
)


class NodeAdapter:
    """npm, pnpm or yarn scripts by the lock file; `node --test` where there is no script."""

    id = "node"

    def detect(self, root: Path) -> Detection:
        """Look for package.json."""
        if not (root / "package.json").is_file():
            return Detection(0, "no package.json")
        if self.commands(root):
            return Detection(2, "package.json has checks")
        return Detection(1, "package.json is there, without a check")

    def commands(self, root: Path, *, python: str = "") -> Mapping[CheckName, CheckCommand]:
        """Return a command for each of the scripts test, lint and build.

        Raises:
            InputError: package.json is not JSON.
        """
        scripts = _package(root).get("scripts")
        scripts = scripts if isinstance(scripts, dict) else {}
        manager = _manager(root)
        found: dict[CheckName, CheckCommand] = {}
        for name in _CHECKS:
            script = scripts.get(name)
            if isinstance(script, str) and script.strip() and _NO_TEST not in script:
                argv = (manager, "run", name)
                found[name] = CheckCommand(name=name, argv=argv, env=_ENVIRONMENT)
        if "test" not in found and any(_TEST_FILE.fullmatch(path) for path in list_files(root)):
            found["test"] = CheckCommand(
                name="test",
                argv=(
                    "node",
                    "--test",
                    "--test-reporter=spec",
                    "--test-reporter-destination=stdout",
                    f"--test-reporter={_REPORTER}",
                    f"--test-reporter-destination={LOG_DIR}/{TEST_REPORT}",
                ),
                shown=("node", "--test"),
                report=f"lines:{TEST_REPORT}",
                read=(str(_REPORTER),),
                env=_ENVIRONMENT,
            )
        return found

    def ensure_ready(
        self,
        root: Path,
        checks: Sequence[CheckName],
        *,
        python: str = "",
        layers: Layers = probe_layers,
    ) -> None:
        """Make sure that scripts, their program and the dependencies are there.

        Raises:
            NotCheckedError: something is missing.
        """
        known = self.commands(root)
        package = _package(root)
        for name in checks:
            if name not in known:
                raise NotCheckedError(
                    f"package.json has no script `{name}`", fix="add it, or drop the check"
                )
            program = known[name].argv[0]
            if shutil.which(program) is None:
                raise NotCheckedError(f"`{name}` needs {program}", fix=f"install {program}")
        needs_modules = any(package.get(key) for key in ("dependencies", "devDependencies"))
        if needs_modules and not (root / "node_modules").is_dir():
            raise NotCheckedError(
                "package.json has dependencies and node_modules is missing",
                fix="give the work tree its dependencies before the checks run",
            )


def _package(root: Path) -> dict[str, Any]:
    text = read_text(root / "package.json")
    if not text:
        return {}
    try:
        package = load_strict(text.encode("utf-8"))
    except CanonicalError as error:
        raise InputError(str(error), path="package.json", fix="fix the file") from error
    return package if isinstance(package, dict) else {}


def _manager(root: Path) -> str:
    if (root / "pnpm-lock.yaml").is_file():
        return "pnpm"
    return "yarn" if (root / "yarn.lock").is_file() else "npm"
