"""The generic adapter: a project whose checks are commands that the task or the config gives."""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from codex_orchestrator.adapters.interface import Detection
from codex_orchestrator.adapters.maven import MEND
from codex_orchestrator.adapters.poms import installed_modules
from codex_orchestrator.adapters.reports import read_output
from codex_orchestrator.model.check import CheckCommand
from codex_orchestrator.model.errors import NotCheckedError
from codex_orchestrator.model.task import CheckName
from codex_orchestrator.system.sandbox.plan import program_places
from codex_orchestrator.system.sandbox.probe import Layers, probe_layers


class CommandAdapter:
    """Checks by name, each an argument list. Never detected, only named.

    Args:
        checks: the commands.
        report: what the command `test` writes, see `AdapterConfig`; of `none` only the exit code
            is known.
    """

    id = "command"
    project_files = ()

    def __init__(self, checks: Mapping[CheckName, Sequence[str]], *, report: str = "none") -> None:
        self._checks = {name: tuple(argv) for name, argv in checks.items() if argv}
        self._form, _, self._glob = report.partition(":")

    def detect(self, root: Path) -> Detection:
        """Answer no: the commands are configured, not detected."""
        return Detection(0, "its commands are given, not found")

    def holds(self, root: Path, folder: str) -> bool:
        """Answer no: what the commands reach is not known."""
        return False

    def one_test(self, command: CheckCommand, name: str) -> tuple[str, ...]:
        """Return nothing: what the command understands is not known."""
        return ()

    def commands(self, root: Path, *, python: str = "") -> Mapping[CheckName, CheckCommand]:
        """Return the given commands."""
        found = {name: CheckCommand(name=name, argv=argv) for name, argv in self._checks.items()}
        if "test" in found and self._form == "junit":
            # A command may start Maven, whose reports say what was loaded.
            update: dict[str, object] = {"report": "junit:report-test", "reports": (self._glob,)}
            if (root / "pom.xml").is_file():
                update |= {"modules": installed_modules(root), "mend": MEND}
            found["test"] = found["test"].model_copy(update=update)
        elif "test" in found and self._form == "tap":
            argv = self._checks["test"]
            search = os.environ.get("PATH", os.defpath)
            places = program_places(argv[0], path=search, cwd=str(root))
            found["test"] = read_output("tap", argv, argv, read=places, programs=(argv[0],))
        return found

    def ensure_ready(
        self,
        root: Path,
        checks: Sequence[CheckName],
        *,
        python: str = "",
        layers: Layers = probe_layers,
    ) -> None:
        """Make sure that every check has a command whose program is there.

        Raises:
            NotCheckedError: a check has no command, or its program cannot be found.
        """
        for name in checks:
            if name not in self._checks:
                raise NotCheckedError(
                    f"no command is given for `{name}`", fix=f"configure one for `{name}`"
                )
            program = self._checks[name][0]
            found = (root / program).is_file() if "/" in program else shutil.which(program)
            if not found:
                raise NotCheckedError(
                    f"`{name}` needs {program}, which is not installed", fix="install it"
                )
