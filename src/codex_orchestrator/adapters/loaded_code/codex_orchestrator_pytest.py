"""Report what really happens to tests in the processes that pytest-xdist starts for them.

A plugin that the project's pytest loads by this name; in the process that starts the others it does
nothing, for test_runner.py has its own there.
"""

import importlib.util
import os
from pathlib import Path
from typing import Any

REPORT = "CODEX_ORCHESTRATOR_REPORT"


def pytest_configure(config: Any) -> None:
    """Load the plugin of test_runner.py, which adds to the report."""
    path = os.environ.get(REPORT)
    runner = Path(__file__).parents[1] / "test_runner.py"
    spec = importlib.util.spec_from_file_location("codex_orchestrator_test_runner", runner)
    if path and hasattr(config, "workerinput") and spec and spec.loader:
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        plugin = module.pytest_plugin(module.Report(path, is_new=False))
        config.pluginmanager.register(plugin)
