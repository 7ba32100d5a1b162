"""What a language adapter is: it knows how one kind of project is tested, linted and built."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from codex_orchestrator.model.check import CheckCommand
from codex_orchestrator.model.task import CheckName
from codex_orchestrator.system.files import UnusableFileError, opened
from codex_orchestrator.system.listing import list_files
from codex_orchestrator.system.sandbox.probe import Layers, probe_layers

_MAX_BYTES = 512 * 1024


class Detection(NamedTuple):
    """How surely a project is of an adapter's kind.

    `strength` is 0 for not at all, 1 for files of the language, 2 for its project file. `reason`
    says what was seen.
    """

    strength: int
    reason: str


class LanguageAdapter(Protocol):
    """One kind of project; every class that ships passes `tests/adapters/test_contract.py`."""

    @property
    def id(self) -> str:
        """The name that a task's `adapter:` gives."""

    def detect(self, root: Path) -> Detection:
        """Say how surely the project is of this kind. Reads files, runs nothing."""

    def commands(self, root: Path, *, python: str = "") -> Mapping[CheckName, CheckCommand]:
        """Return the project's checks. `python` is the interpreter to use, "" for our own."""

    def ensure_ready(
        self,
        root: Path,
        checks: Sequence[CheckName],
        *,
        python: str = "",
        layers: Layers = probe_layers,
    ) -> None:
        """Make sure that what the checks need is there.

        `layers` tells how a program that is started for that is contained.

        Raises:
            NotCheckedError: a check or its tool is missing, so nothing could be decided.
        """


def detect_files(root: Path, *, project_file: str, suffix: str, language: str) -> Detection:
    """Look for a project file at the top, then for any file with a suffix."""
    if (root / project_file).is_file():
        return Detection(2, f"{project_file} is there")
    first = next((path for path in list_files(root) if path.endswith(suffix)), "")
    return Detection(1, f"{first} is {language}") if first else Detection(0, f"no {language} file")


def read_text(path: Path) -> str:
    """Return the start of a project file as text; "" when there is none. Never follows a link."""
    try:
        with opened(path) as descriptor:
            return os.read(descriptor, _MAX_BYTES).decode("utf-8", "replace")
    except (FileNotFoundError, UnusableFileError):
        return ""
