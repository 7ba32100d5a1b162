"""Ctrl-C and SIGTERM that come while the servers of the agents are being started."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from codex_orchestrator.agents.held_signals import hold_signals
from support.four_agents import course, manifest_of, serving
from support.graph_run import descendants

PATIENCE_S = 60.0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_interrupted_while_its_server_starts_ends_and_can_be_resumed(
    project: Path, number: signal.Signals, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with serving(course()) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        words = ["run", str(project / "tasks/logging.md"), "--model", "any/model"]
        more = ["--builder", "workspace", "--repo", str(project)]
        argv = [sys.executable, "-m", "codex_orchestrator", *words, *more]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            end = time.monotonic() + PATIENCE_S
            while not any("mcp workspace" in one for one in descendants(process.pid).values()):
                assert time.monotonic() < end
                assert process.poll() is None
                time.sleep(0.01)
            os.kill(process.pid, number)
            try:
                _, said = process.communicate(timeout=PATIENCE_S)
            finally:
                process.kill()
    assert process.returncode == 130, said.decode()
    assert manifest_of(project)["run"]["state"] == "interrupted"


def send_itself(count: int, passed: list[int]) -> None:
    with hold_signals():
        for number in range(count):
            signal.raise_signal(signal.SIGINT)
            passed.append(number)


@pytest.mark.parametrize(("count", "ran"), [(1, [0]), (2, [0])])
def test_one_signal_is_held_to_the_end_and_a_second_one_is_not(count: int, ran: list[int]) -> None:
    passed: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        send_itself(count, passed)
    assert passed == ran
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_another_thread_has_no_signals_to_hold() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def look() -> None:
        with hold_signals():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [before]
