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
    says what was seen. `has_tests` is false where there is surely no test yet.
    """

    strength: int
    reason: str
    has_tests: bool = True


class LanguageAdapter(Protocol):
    """One kind of project; every class that ships passes `tests/adapters/test_contract.py`."""

    @property
    def id(self) -> str:
        """The name that a task's `adapter:` gives."""

    @property
    def project_files(self) -> tuple[str, ...]:
        """The names of the files that make a folder a project of this kind."""

    def detect(self, root: Path) -> Detection:
        """Say how surely the project is of this kind. Reads files, runs nothing."""

    def holds(self, root: Path, folder: str) -> bool:
        """Say whether the checks of a project include the one in a folder below it."""

    def one_test(self, command: CheckCommand, name: str) -> tuple[str, ...]:
        """Return what a person starts to run one test of a check, by its name in the report.

        () where nothing does. It is shown, and not started by us.
        """

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


def detect_files(
    root: Path, *, project_file: str, suffix: str, language: str, test: str = ""
) -> Detection:
    """Look for a project file at the top, then for any file with a suffix.

    Args:
        root: the project's folder.
        project_file: the name of the file.
        suffix: how files of the language end.
        language: its name.
        test: how files of tests end; "" where any file may hold some.
    """
    paths = [path for path in list_files(root) if path.endswith(suffix)]
    has_tests = any(path.endswith(test) for path in paths)
    if (root / project_file).is_file():
        return Detection(2, f"{project_file} is there", has_tests)
    if paths:
        return Detection(1, f"{paths[0]} is {language}", has_tests)
    return Detection(0, f"no {language} file", has_tests=False)


def read_text(path: Path) -> str:
    """Return the start of a project file as text; "" when there is none. Never follows a link."""
    try:
        with opened(path) as descriptor:
            return os.read(descriptor, _MAX_BYTES).decode("utf-8", "replace")
    except (FileNotFoundError, UnusableFileError):
        return ""
