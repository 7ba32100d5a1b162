"""Report what really happens to tests in the processes that pytest-xdist starts for them.

A plugin that the project's pytest loads by this name; in the process that starts the others it does
nothing, for test_runner.py has its own there, and takes `PluginFiles` from here.
"""

import importlib.util
import inspect
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

REPORT = "CODEX_ORCHESTRATOR_REPORT"


class PluginFiles:
    """Tells which files of a tree hook into pytest, each once.

    Args:
        tell: takes the path of a file, relative to the tree.
        tree: the absolute path of the tree.
    """

    def __init__(self, tell: Callable[[str], None], tree: str) -> None:
        self._tell = tell
        self._tree = tree
        self._told: set[str] = set()

    def pytest_plugin_registered(self, plugin: Any, manager: Any) -> None:
        """Take a plugin; pytest tells of earlier ones too."""
        self._take(manager, [plugin])

    def pytest_sessionfinish(self, session: Any) -> None:
        """Look again, for what took the place of a hook while tests ran."""
        manager = session.config.pluginmanager
        self._take(manager, manager.get_plugins())

    def _take(self, manager: Any, plugins: Iterable[Any]) -> None:
        for source in {name for plugin in plugins for name in _sources(manager, plugin)}:
            named = os.path.join(self._tree, source)
            # A link or what it leads to: either may be what was changed.
            for place in (os.path.normpath(named), os.path.realpath(named)):
                path = os.path.relpath(place, self._tree)
                is_inside = path.split(os.sep)[0] not in (os.curdir, os.pardir)
                if is_inside and path not in self._told:
                    self._told.add(path)
                    self._tell(path)


def _sources(manager: Any, plugin: Any) -> Iterator[str]:
    modules = {type(plugin).__module__}
    yield str(getattr(plugin, "__file__", None) or "")
    for hook in manager.get_hookcallers(plugin) or ():
        for found in hook.get_hookimpls():
            if found.plugin is plugin:
                # A module may have taken its hooks from another one.
                for function in (found.function, inspect.unwrap(found.function)):
                    modules.add(str(getattr(function, "__module__", None) or ""))
                    yield str(getattr(getattr(function, "__code__", None), "co_filename", ""))
    for module in modules:
        yield str(getattr(sys.modules.get(module), "__file__", None) or "")


def pytest_configure(config: Any) -> None:
    """Load the plugin of test_runner.py, which adds to the report."""
    path = os.environ.get(REPORT)
    runner = Path(__file__).parents[1] / "test_runner.py"
    spec = importlib.util.spec_from_file_location("codex_orchestrator_test_runner", runner)
    if path and hasattr(config, "workerinput") and spec and spec.loader:
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        report = module.Report(path, is_new=False)
        config.pluginmanager.register(PluginFiles(report.plugin, os.getcwd()))
        config.pluginmanager.register(module.pytest_plugin(report))
