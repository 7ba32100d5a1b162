import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.four_agents import course, serving
from support.project import CommandLine, Outcome, make_project, task_with
from support.responses_server import ResponsesServer, Step


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / "repo", **{"tasks/logging.md": task_with(steps="")})


@pytest.fixture
def run_with(
    project: Path, call: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[Outcome, dict[str, Any], ResponsesServer]]:
    """Run the project's task with scripted agents, or resume a run of it."""

    def run(
        *, resume: str = "", **roles: list[Step]
    ) -> tuple[Outcome, dict[str, Any], ResponsesServer]:
        with serving(course(**roles)) as server:
            monkeypatch.setenv("OPENAI_BASE_URL", server.url)
            monkeypatch.setenv("OPENAI_API_KEY", "sk-test-loopback-key")
            what = ["--resume", resume] if resume else [str(project / "tasks/logging.md")]
            settings = ["--model", "any/model", "--builder", "workspace", "--repo", str(project)]
            done = call("run", *what, *settings, "--format", "json")
        report = json.loads(done.out) if done.out else {}
        return done, report, server

    return run
