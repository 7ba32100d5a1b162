"""No module is imported once foreign code may have run: it could have been rewritten by then."""

import json
import subprocess
import sys
from pathlib import Path

from codex_orchestrator.compose.containment import find_layers
from codex_orchestrator.model.confinement import Network, Sandbox
from support import late_imports
from support.project import make_project
from support.workspace_server import served, server_command


def test_a_run_loads_everything_before_its_workspace_server_starts(tmp_path: Path) -> None:
    repo = make_project(tmp_path / "repo")
    report = tmp_path / "report.json"
    done = subprocess.run(
        [sys.executable, late_imports.__file__, str(report), "mcp workspace", "--",
         "run", "tasks/logging.md"], cwd=repo,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    seen = json.loads(report.read_text())
    assert seen["started"] > 0
    assert seen["late"] == []


def test_the_workspace_server_loads_everything_before_its_first_check(tmp_path: Path) -> None:
    repo = make_project(tmp_path / "repo")
    checks = [{"name": "test", "argv": ["true"], "timeout_s": 60}]
    (tmp_path / "checks.json").write_text(json.dumps(checks))
    report = tmp_path / "report.json"
    policy = {"protected": [], "run": []}
    command = server_command(repo, tmp_path, policy, "--checks", str(tmp_path / "checks.json"))
    command[1:3] = [late_imports.__file__, str(report), "sandbox", "--"]
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    # Kept from now on: to ask for the layers starts the launcher too, with nothing foreign below.
    find_layers(Sandbox.AUTO, Network.LOOPBACK, environ)
    with served(command, env=environ, cwd=tmp_path) as server:
        assert server.call("run_check", name="test").document["status"] == "passed"
        server.call("apply_pattern", pattern="py-print-to-logging", paths=["src"])
        server.call("git_diff", paths=[])
    seen = json.loads(report.read_text())
    assert seen["started"] > 0
    assert seen["late"] == []
