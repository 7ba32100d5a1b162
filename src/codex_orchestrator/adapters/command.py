"""The generic adapter: a project whose checks are commands that the task or the config gives."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from codex_orchestrator.adapters.interface import Detection
from codex_orchestrator.model.check import CheckCommand
from codex_orchestrator.model.errors import NotCheckedError
from codex_orchestrator.model.task import CheckName
from codex_orchestrator.system.sandbox.probe import Layers, probe_layers


class CommandAdapter:
    """Checks by name, each an argument list. Never detected, only named."""

    id = "command"

    def __init__(self, checks: Mapping[CheckName, Sequence[str]]) -> None:
        self._checks = {name: tuple(argv) for name, argv in checks.items() if argv}

    def detect(self, root: Path) -> Detection:
        """Answer no: the commands are configured, not detected."""
        return Detection(0, "its commands are given, not found")

    def commands(self, root: Path, *, python: str = "") -> Mapping[CheckName, CheckCommand]:
        """Return the given commands."""
        return {name: CheckCommand(name=name, argv=argv) for name, argv in self._checks.items()}

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
