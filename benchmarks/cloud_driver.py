"""Carries out one run in cloud mode for cloud_tasks.py and prints its course as JSON.

    python cloud_driver.py REPOSITORY TASK [--profile FILE]

The pipeline and the `codex cloud` command are the real ones; only clocks are put around them.
"""

import json
import os
import resource
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from codex_orchestrator.codex.binary import find_codex, require_tested
from codex_orchestrator.codex.cloud import CodexCloud, Polling
from codex_orchestrator.codex.cloud_cli import CloudCli, CloudOutput, open_cloud_cli
from codex_orchestrator.compose.run import compose_run
from codex_orchestrator.compose.settings import load_settings
from codex_orchestrator.model.cloud import CloudTask
from codex_orchestrator.model.credential import Scope, Secret
from codex_orchestrator.model.mode import choose_mode
from codex_orchestrator.pipeline.outcome import FinishedRun
from codex_orchestrator.pipeline.request import RunRequest
from codex_orchestrator.pipeline.run_task import run_task
from codex_orchestrator.pipeline.services import Terminal
from codex_orchestrator.pipeline.task_file import read_task

PAGE = os.sysconf("SC_PAGE_SIZE")


class Clock:
    """What has passed so far, and how much of it somebody else took."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._active = 0
        self._since = 0.0
        self._elsewhere_s = 0.0
        self.marks: list[dict[str, Any]] = []

    @contextmanager
    def elsewhere(self) -> Iterator[None]:
        """Count as somebody else's, whether one or many are at it at once."""
        with self._lock:
            self._active += 1
            if self._active == 1:
                self._since = time.perf_counter()
        try:
            yield
        finally:
            with self._lock:
                self._active -= 1
                if self._active == 0:
                    self._elsewhere_s += time.perf_counter() - self._since

    def mark(self, name: str) -> None:
        """Note a moment, and what this process holds in memory then."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        self.marks.append(
            {
                "name": name,
                "wall_s": time.perf_counter(),
                "elsewhere_s": self._elsewhere_s,
                "cpu_s": usage.ru_utime + usage.ru_stime,
                "bytes": int(Path("/proc/self/statm").read_text().split()[1]) * PAGE,
            }
        )


class TimedCli:
    """The real command, with a clock around each process of it."""

    def __init__(self, cli: CloudCli, clock: Clock) -> None:
        self._cli = cli
        self.version = cli.version
        self._clock = clock

    def run(self, *arguments: str, **more: Any) -> CloudOutput:
        with self._clock.elsewhere():
            return self._cli.run(*arguments, **more)


class MarkedCloud(CodexCloud):
    """Codex Cloud for a run; it marks when tasks are sent, waited for, and ready."""

    def __init__(self, cli: TimedCli, clock: Clock, *, label: str) -> None:
        super().__init__(cli, environment="acme/repo", label=label)  # type: ignore[arg-type]
        self._clock = clock

    def submit(self, prompt: str, **more: Any) -> Any:
        if not self._clock.marks:
            self._clock.mark("first sent")
        return super().submit(prompt, **more)

    def watch(
        self, task_ids: Sequence[str], *, deadline_s: float, **_: Any
    ) -> tuple[CloudTask, ...]:
        self._clock.mark("all sent")

        def sleep(seconds: float) -> None:
            with self._clock.elsewhere():
                time.sleep(seconds)

        polling = Polling(0.1, 1.0, lambda: 1.0, sleep)
        tasks = super().watch(task_ids, deadline_s=deadline_s, polling=polling)
        self._clock.mark("all ready")
        return tasks


def carry_out(repo: Path, task: str) -> dict[str, Any]:
    """Run a task in cloud mode and return the marks and what came of it."""
    clock = Clock()
    settings = load_settings(str(repo), None, flags={"model.name": "scripted"})
    task_file = read_task(task, repo)
    binary = require_tested(find_codex(settings.config.codex.path))

    @contextmanager
    def open_cloud(run_id: str) -> Iterator[MarkedCloud]:
        auth = Secret(os.environ["CODEX_ORCHESTRATOR_CLOUD_AUTH"], scope=Scope.CLOUD)
        with open_cloud_cli(binary, auth=auth) as cli:
            yield MarkedCloud(TimedCli(cli, clock), clock, label=run_id)

    def progress(line: str) -> None:
        if line.startswith("test") and clock.marks[-1]["name"] == "all ready":
            clock.mark("all merged")

    request = RunRequest(task_file, settings, choose_mode(task_file.task))
    services = compose_run(request, Terminal(progress))
    rooms = services.rooms._replace(open_cloud=open_cloud)
    finished = run_task(request, services._replace(rooms=rooms))
    assert isinstance(finished, FinishedRun)
    return {
        "marks": clock.marks,
        "verdict": finished.manifest.verdict,
        "branch": finished.branch,
        "items": [
            {"id": one.id, "state": one.state, "sent": len(one.submissions)}
            for one in finished.manifest.items
        ],
    }


def main(repo: str, task: str, profile: str = "") -> None:
    """Carry out the run, under a profiler when a file for its figures is named."""
    if not profile:
        print(json.dumps(carry_out(Path(repo), task)))
        return
    import cProfile

    with cProfile.Profile() as profiler:
        carry_out(Path(repo), task)
    profiler.dump_stats(profile)


if __name__ == "__main__":
    main(*sys.argv[1:])
