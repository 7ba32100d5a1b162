"""The composition of language adapters: where their port meets the patterns room."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from codex_orchestrator.model.check import CheckCommand
from codex_orchestrator.model.config import AdapterConfig
from codex_orchestrator.model.task import CheckName


class LanguageAdapters:
    """The language adapters of the patterns room, as verbs see them."""

    def __init__(self, config: AdapterConfig) -> None:
        self._config = config

    def commands(
        self, root: Path, *, wanted: str | None, checks: Sequence[CheckName]
    ) -> tuple[str, Mapping[str, CheckCommand]]:
        """Return the id of the adapter that fits and its commands by check name."""
        from codex_orchestrator.adapters.choose import choose_adapter

        adapter = choose_adapter(
            root, wanted or self._config.id or None, commands=self._config.commands
        )
        python = self._config.python
        commands = {str(name): one for name, one in adapter.commands(root, python=python).items()}
        if all(check in commands for check in checks):
            adapter.ensure_ready(root, checks, python=python)
        return adapter.id, commands

    def failures(self, report: Path) -> tuple[str, ...]:
        """Return the names of the failing tests in a JUnit report; empty when there is none."""
        from codex_orchestrator.adapters.junit import failing_tests

        return failing_tests(report) if report.is_file() else ()
