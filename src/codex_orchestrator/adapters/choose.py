"""The adapters of a repository's projects: those that are configured, else those that are found."""

import os
import re
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from codex_orchestrator.adapters.command import CommandAdapter
from codex_orchestrator.adapters.interface import LanguageAdapter
from codex_orchestrator.adapters.interpreter import find_interpreter
from codex_orchestrator.adapters.neighbours import outside_used
from codex_orchestrator.adapters.projects import adapter_of, find_in_folder, find_projects
from codex_orchestrator.adapters.python import PythonAdapter
from codex_orchestrator.adapters.reports import (
    MISSING,
    read_class_path,
    read_loaded,
    read_modules,
    read_report,
)
from codex_orchestrator.model.check import CheckCommand
from codex_orchestrator.model.config import AdapterConfig, adapter_keys
from codex_orchestrator.model.config_file import ConfigTable
from codex_orchestrator.model.errors import InputError, NotCheckedError
from codex_orchestrator.model.suite_run import MAX_NAME, SuiteRun
from codex_orchestrator.model.task import CheckName
from codex_orchestrator.system.folders import folder_problem
from codex_orchestrator.system.listing import other_trees
from codex_orchestrator.system.sandbox.probe import Layers, probe_layers

_BEGINS_WITH_A_FILE = re.compile(r"[^:>]+\.(py|rs|[cm]?[jt]sx?)( \(|::| - | > |$)")


class Chosen(NamedTuple):
    """An adapter at work in a folder, why, and the entry of the configuration that it is by."""

    folder: str
    adapter: LanguageAdapter
    reason: str
    entry: AdapterConfig


class LanguageAdapters:
    """The adapters as the configuration of one repository sets them up.

    Args:
        entries: the configuration; none to look at the files.
        repo: the repository's top folder.
        layers: tells how a program that is started to look for tools is contained.
        environ: our environment, which may name an interpreter.
        table: where the entries are written, for messages.

    `interpreter` says which Python checks are run by and why, "" as long as none was looked for.
    """

    def __init__(
        self,
        entries: Sequence[AdapterConfig],
        *,
        repo: Path,
        layers: Layers = probe_layers,
        environ: Mapping[str, str] = os.environ,
        table: ConfigTable | None = None,
    ) -> None:
        self._entries = tuple(entries)
        self._repo = repo
        self._layers = layers
        self._environ = environ
        self._table = table or ConfigTable(source="")
        self._interpreters: dict[tuple[str, str], str] = {}
        self.interpreter = ""

    def commands(
        self, root: Path, *, wanted: str | None, checks: Sequence[CheckName]
    ) -> tuple[str, Mapping[str, CheckCommand]]:
        """Return the ids of the adapters that fit and their commands by name.

        A check has its own name at the top of the repository. In a folder it is `test@FOLDER`, and
        where a folder has two adapters it is `test:ID` or `test@FOLDER:ID`.

        Where there is a command for every one of `checks`, their tools are there too; of several
        projects some may have an obstacle instead, and some no command for a check.

        Args:
            root: the project's top folder.
            wanted: the adapter that the task names; None for the configured ones, or to look.
            checks: the checks that will run.

        Raises:
            InputError: the adapter is unknown, nothing fits, or a folder is not there.
            NotCheckedError: a tool of one of the checks is missing.
        """
        chosen = self.choose(root, wanted)
        sharing = Counter(one.folder for one in chosen)
        others = (os.path.realpath(self._repo), *other_trees(root))
        trees = tuple(dict.fromkeys([os.path.realpath(root), *others]))
        found: dict[str, CheckCommand] = {}
        for one in chosen:
            end = "" if one.folder == "." else f"@{one.folder}"
            end += f":{one.adapter.id}" if sharing[one.folder] > 1 else ""
            uses = outside_used(root, one.folder) if len(chosen) > 1 else ()
            for command in self._commands_of(one, root, checks, is_only=len(chosen) == 1):
                facts: dict[str, object] = {"name": command.name + end, "folder": one.folder}
                facts["adapter"] = one.adapter.id
                facts["runs_always"] = one.entry.when == "always"
                facts["uses"] = uses
                facts["trees"] = trees if command.measures_code else ()
                found[command.name + end] = command.model_copy(update=facts)
        return ", ".join(dict.fromkeys(one.adapter.id for one in chosen)), found

    def choose(self, root: Path, wanted: str | None = None) -> tuple[Chosen, ...]:
        """Return the adapters of the projects in a work tree; see `commands`.

        Raises:
            InputError: the adapter is unknown, nothing fits, or a folder is not there.
        """
        chosen: list[Chosen] = []
        for number, entry in enumerate(self._entries):
            if wanted is None or entry.adapter_id in ("", wanted):
                chosen += self._of_entry(root, number, wanted)
        if chosen:
            return tuple(chosen)
        if wanted == CommandAdapter.id:
            raise InputError(
                "the adapter `command` has no commands",
                field="adapter",
                fix="configure the commands of its checks",
            )
        default = AdapterConfig(python=next((e.python for e in self._entries if e.python), ""))
        return tuple(Chosen(*one[:3], default) for one in find_projects(root, wanted))

    def _of_entry(self, root: Path, number: int, wanted: str | None) -> list[Chosen]:
        entry = self._entries[number]
        if not entry.adapter_id and len(self._entries) == 1 and entry.path == ".":
            # It sets something for whatever is there.
            return [Chosen(*one[:3], entry) for one in find_projects(root, wanted)]
        if problem := folder_problem(root, entry.path):
            keys = adapter_keys(self._table, number, "path")
            raise self._table.error(keys, problem, fix="name a folder that the base commit has")
        if name := entry.adapter_id or wanted:
            adapter = _command_adapter(entry) or adapter_of(name)
            return [Chosen(entry.path, adapter, "it is configured", entry)]
        named = {e.adapter_id for e in self._entries if e.path == entry.path}
        found = [one for one in find_in_folder(root, entry.path) if one.adapter.id not in named]
        return [Chosen(*one[:3], entry) for one in found]

    def _commands_of(
        self, one: Chosen, root: Path, checks: Sequence[CheckName], *, is_only: bool
    ) -> list[CheckCommand]:
        """Return the commands of one project; with an obstacle where something is missing.

        Raises:
            InputError: a file of the only project is wrong.
            NotCheckedError: what is missing is of the only project, or of one that always runs.
        """
        python = self._python(one) if one.adapter.id == PythonAdapter.id else ""
        folder = root / one.folder
        is_needed = is_only or one.entry.when == "always"
        try:
            found = one.adapter.commands(folder, python=python)
            has_all = all(check in found for check in checks)
            known = checks if is_only else [check for check in checks if check in found]
            if has_all or not is_only:
                one.adapter.ensure_ready(folder, known, python=python, layers=self._layers)
        except (InputError, NotCheckedError) as error:
            if is_needed:
                raise
            obstacle = "; ".join(filter(None, [error.message, error.fix]))
            return [CheckCommand(name=c, argv=(one.adapter.id,), obstacle=obstacle) for c in checks]
        return [command.model_copy(update={"name": name}) for name, command in found.items()]

    def _python(self, one: Chosen) -> str:
        """Return the interpreter of a project; a work tree has no environment of its own."""
        asked = (one.folder, one.entry.python)
        if asked not in self._interpreters:
            program, why = find_interpreter(
                self._repo, asked[1], environ=self._environ, layers=self._layers, folder=asked[0]
            )
            self._interpreters[asked] = program
            self.interpreter = self.interpreter or why
        return self._interpreters[asked]

    def loaded(self, command: CheckCommand, log_dir: Path) -> Mapping[str, str]:
        """Return which code a check loaded, see `judge_code`; nothing where none was measured."""
        if command.modules:
            return read_class_path(log_dir / command.report_file, command)
        return read_loaded(log_dir, command.loaded) if command.loaded else {}

    def modules(self, command: CheckCommand, log_dir: Path) -> Mapping[str, tuple[str, ...]]:
        """Return which modules a check loaded from the work tree, see `CheckRun`."""
        return read_modules(log_dir, command) if command.loaded else {}

    def one_test(self, command: CheckCommand, failures: Sequence[str]) -> str:
        """Return a line for a shell that runs the first of failing tests alone; "" for none.

        Args:
            command: the check.
            failures: their names, as records have them.
        """
        name = failures[0] if failures else ""
        # A name that was cut stands for no test.
        if not name or len(name) >= MAX_NAME or command.adapter in ("", CommandAdapter.id):
            return ""
        if command.folder != ".":
            name = re.sub(r"^(/|::)", "", name.removeprefix(command.folder))
        line = shlex.join(adapter_of(command.adapter).one_test(command, name))
        is_below = line and command.folder != "."
        return f"cd {shlex.quote(command.folder)} && {line}" if is_below else line

    def tests(
        self, command: CheckCommand, log_dir: Path, exit_code: int | None = None
    ) -> SuiteRun | None:
        """Return what the report that a check ordered says; None when it ordered none.

        The names of tests, and of files, begin with the folder of the check.

        Args:
            command: the check.
            log_dir: where its report was kept.
            exit_code: how it ended; None if that says nothing about a missing report.
        """
        if not command.report:
            return None
        suite = read_report(log_dir, command)
        if suite.problem == MISSING and exit_code in command.empty_codes:
            suite = SuiteRun({})
        if command.folder == ".":
            return suite
        return suite._replace(
            outcomes={_in_folder(command.folder, n): found for n, found in suite.outcomes.items()},
            plugins=tuple(f"{command.folder}/{path}" for path in suite.plugins),
        )


def _in_folder(folder: str, name: str) -> str:
    """Return a test's name with its folder: a part of the path where it begins with a file."""
    return f"{folder}/{name}" if _BEGINS_WITH_A_FILE.match(name) else f"{folder}::{name}"


def _command_adapter(entry: AdapterConfig) -> CommandAdapter | None:
    """Return the generic adapter where an entry means it, else None.

    Raises:
        InputError: it has no commands.
    """
    if entry.adapter_id != CommandAdapter.id:
        return None
    return CommandAdapter(entry.commands, report=entry.report)
