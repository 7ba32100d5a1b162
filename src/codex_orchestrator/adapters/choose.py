"""Which adapter a project gets: the one it names, else the one that fits best."""

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from codex_orchestrator.adapters.command import CommandAdapter
from codex_orchestrator.adapters.go import GoAdapter
from codex_orchestrator.adapters.interface import LanguageAdapter
from codex_orchestrator.adapters.interpreter import find_interpreter
from codex_orchestrator.adapters.maven import MavenAdapter
from codex_orchestrator.adapters.node import NodeAdapter
from codex_orchestrator.adapters.python import PythonAdapter
from codex_orchestrator.adapters.reports import read_loaded, read_report
from codex_orchestrator.adapters.rust import RustAdapter
from codex_orchestrator.model.check import CheckCommand
from codex_orchestrator.model.config import AdapterConfig
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.suite_run import SuiteRun
from codex_orchestrator.model.task import CheckName
from codex_orchestrator.system.listing import other_trees
from codex_orchestrator.system.sandbox.probe import Layers, probe_layers

ADAPTERS: tuple[LanguageAdapter, ...] = (
    PythonAdapter(),
    NodeAdapter(),
    GoAdapter(),
    RustAdapter(),
    MavenAdapter(),
)


class LanguageAdapters:
    """The adapters as the configuration of one repository sets them up.

    `interpreter` says which Python checks are run by and why, "" as long as none was looked for.
    """

    def __init__(
        self,
        config: AdapterConfig,
        *,
        repo: Path,
        layers: Layers = probe_layers,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._config = config
        self._repo = repo
        self._layers = layers
        self._environ = environ
        self.interpreter = ""

    def commands(
        self, root: Path, *, wanted: str | None, checks: Sequence[CheckName]
    ) -> tuple[str, Mapping[str, CheckCommand]]:
        """Return the id of the adapter that fits and its commands by check name.

        Where there is a command for every one of `checks`, their tools are there too.

        Args:
            root: the project's top folder.
            wanted: the adapter that the task names; None for the configured one, or to detect it.
            checks: the checks that will run.

        Raises:
            InputError: the adapter is unknown, nothing fits, or two fit equally well.
            NotCheckedError: a tool of one of the checks is missing.
        """
        adapter = choose_adapter(
            root,
            wanted or self._config.id or None,
            commands=self._config.commands,
            report=self._config.report,
        )
        python = self._python if adapter.id == PythonAdapter.id else ""
        found = adapter.commands(root, python=python)
        if all(check in found for check in checks):
            adapter.ensure_ready(root, checks, python=python, layers=self._layers)
        others = (os.path.realpath(self._repo), *other_trees(root))
        trees = tuple(dict.fromkeys([os.path.realpath(root), *others]))
        return adapter.id, {
            str(name): command.model_copy(update={"trees": trees}) if command.loaded else command
            for name, command in found.items()
        }

    @cached_property
    def _python(self) -> str:
        program, self.interpreter = find_interpreter(
            self._repo, self._config.python, environ=self._environ, layers=self._layers
        )
        return program

    def loaded(self, command: CheckCommand, log_dir: Path) -> Mapping[str, str]:
        """Return which code a check loaded, see `judge_code`; nothing where none was measured."""
        return read_loaded(log_dir, command.loaded) if command.loaded else {}

    def tests(self, command: CheckCommand, log_dir: Path) -> SuiteRun | None:
        """Return what the report that a check ordered says; None when it ordered none."""
        return read_report(log_dir, command) if command.report else None


def choose_adapter(
    root: Path,
    wanted: str | None = None,
    *,
    commands: Mapping[CheckName, Sequence[str]] | None = None,
    report: str = "none",
) -> LanguageAdapter:
    """Choose the adapter of a project.

    Args:
        root: the project's top folder.
        wanted: an adapter's id; None to detect it.
        commands: the commands of the generic adapter, which is chosen by the id `command`, or
            when commands are given and no id is.
        report: what its command `test` writes, see `AdapterConfig`.

    Raises:
        InputError: the id is unknown, nothing fits, or two fit equally well.
    """
    if wanted == CommandAdapter.id or (wanted is None and commands):
        if not commands:
            raise InputError(
                "the adapter `command` has no commands",
                field="adapter",
                fix="configure the commands of its checks",
            )
        return CommandAdapter(commands, report=report)
    if wanted is not None:
        for adapter in ADAPTERS:
            if adapter.id == wanted:
                return adapter
        known = ", ".join([*(adapter.id for adapter in ADAPTERS), CommandAdapter.id])
        raise InputError(f"no adapter {wanted!r}", field="adapter", fix=f"use one of: {known}")
    found = [(adapter.detect(root), adapter) for adapter in ADAPTERS]
    best = max(detection.strength for detection, _ in found)
    fitting = [(detection, adapter) for detection, adapter in found if detection.strength == best]
    if best == 0:
        reasons = "; ".join(detection.reason for detection, _ in found)
        raise InputError(
            f"no adapter fits this project: {reasons}",
            field="adapter",
            fix="name the commands of its checks in the configuration, with `adapter: command`",
        )
    if len(fitting) > 1:
        reasons = " and ".join(f"{adapter.id} ({seen.reason})" for seen, adapter in fitting)
        raise InputError(
            f"two adapters fit this project: {reasons}",
            field="adapter",
            fix=f"say which in the task, for example `adapter: {fitting[0][1].id}`",
        )
    return fitting[0][1]
