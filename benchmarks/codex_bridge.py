"""What does the MCP bridge cost beside a direct turn of the app-server?

The floor is JSON lines written to `codex app-server` by hand, with the same settings and an
instant model; beside it our session in this process, and the bridge over MCP pipes. Then ten calls
at once over the bridge, and the polling of a hundred Codex Cloud tasks.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchlib import Measured, table

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from codex_orchestrator.codex.binary import CodexBinary, find_codex
from codex_orchestrator.codex.cloud import CodexCloud, Polling
from codex_orchestrator.codex.cloud_cli import open_cloud_cli
from codex_orchestrator.codex.hardening import (
    HARDENING,
    codex_environment,
    provider_settings,
    turn_sandbox,
)
from codex_orchestrator.codex.private_home import private_home
from codex_orchestrator.model.credential import Scope, Secret
from support.codex_bridge import RawClient, bridge
from support.codex_cloud_server import CloudPlan, chatgpt_sign_in, codex_cloud_service
from support.codex_session import session_on_loopback
from support.responses_server import ResponsesServer, Step, responses_server, say, step

MOST_RATIO = 1.3
MOST_SCHEDULING_MS = 5.0
MOST_TASK_BYTES = 1024 * 1024
Turn = Callable[[], None]


class Direct:
    """The least that drives an app-server: lines out, lines in, one turn at a time."""

    def __init__(self, binary: CodexBinary, server: ResponsesServer, home: Any, cwd: Path) -> None:
        flags = [*HARDENING, *provider_settings(server.url, has_key=True)]
        argv = [binary.path, *(part for flag in flags for part in ("-c", flag)), "app-server"]
        environment = codex_environment(os.environ, home=str(home.home))
        self._process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**environment, "CODEX_HOME": str(home.codex)},
            cwd=cwd,
        )
        self._cwd = str(cwd)
        info = {"clientInfo": {"name": "bench", "title": "bench", "version": "0"}}
        self._call("initialize", info)
        self._send({"method": "initialized"})
        self._call("account/login/start", {"type": "apiKey", "apiKey": "sk-bench"})

    def turn(self) -> None:
        thread = self._call(
            "thread/start",
            {
                "cwd": self._cwd,
                "model": "scripted",
                "sandbox": "read-only",
                "approvalPolicy": "on-request",
                "ephemeral": True,
            },
        )["thread"]["id"]
        prompt = [{"type": "text", "text": "go"}]
        policy = turn_sandbox("workspace-write")
        self._call("turn/start", {"threadId": thread, "input": prompt, "sandboxPolicy": policy})
        while self._next().get("method") != "turn/completed":
            pass

    def close(self) -> None:
        self._process.kill()
        self._process.wait()

    def _call(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self._send({"id": method, "method": method, "params": params})
        while (message := self._next()).get("id") != method:
            pass
        result: dict[str, Any] = message["result"]
        return result

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        self._process.stdin.flush()

    def _next(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        message: dict[str, Any] = json.loads(self._process.stdout.readline())
        return message


@contextmanager
def three_ways(
    binary: CodexBinary, root: Path, script: list[Step]
) -> Iterator[tuple[dict[str, Turn], RawClient]]:
    with ExitStack() as stack:
        server = stack.enter_context(responses_server({"scripted": script}))
        direct = Direct(binary, server, stack.enter_context(private_home()), root)
        stack.callback(direct.close)
        session = stack.enter_context(session_on_loopback(binary))
        client = stack.enter_context(RawClient(stack.enter_context(bridge(server, root))))

        def by_session() -> None:
            report = session.turn(root, *script, model="scripted")
            assert report.status == "completed"

        def by_bridge() -> None:
            result = client.call("codex", prompt="go")
            assert not result.get("isError"), result

        yield {"direct": direct.turn, "session": by_session, "bridge": by_bridge}, client


def measure(ways: dict[str, Turn], turns: int) -> dict[str, Measured]:
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(turns + 3):
        for name, turn in ways.items():
            began = time.perf_counter()
            turn()
            if number >= 3:  # the first ones warm up
                times[name].append(time.perf_counter() - began)
    return {name: Measured(tuple(values), 0.0) for name, values in times.items()}


def ten_at_once(client: RawClient) -> tuple[float, int]:
    began = time.perf_counter()
    arguments = {"name": "codex", "arguments": {"prompt": "go"}}
    for _ in range(10):
        client.start("tools/call", arguments)
    answers = [client.take() for _ in range(10)]
    failed = sum(bool(answer["result"].get("isError")) for answer in answers)
    return (time.perf_counter() - began) * 1000, failed


def a_hundred_cloud_tasks(binary: CodexBinary, folder: Path) -> tuple[float, float, int]:
    """Return our own CPU milliseconds per task and look, bytes per task, and tasks lost.

    The time is an upper bound: the loopback service runs in this process, too.
    """
    with codex_cloud_service(folder) as service:
        os.environ.update(service.environment)
        service.plans["go"] = CloudPlan(looks=3)
        with open_cloud_cli(binary, auth=Secret(chatgpt_sign_in(), scope=Scope.CLOUD)) as cli:
            for number in range(100):
                service.submit(
                    {
                        "new_task": {"environment_id": "env_1", "branch": "main"},
                        "input_items": [{"content": [{"text": f"go {number}"}]}],
                    }
                )
            cloud = CodexCloud(cli, environment="env_1", label="bench")
            polling = Polling(0, 0, lambda: 1.0, lambda _: None)
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            began = time.process_time()
            tasks = cloud.watch(list(service.tasks), deadline_s=300, polling=polling)
            took_ms = (time.process_time() - began) * 1000
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
            looks = 4
    lost = sum(task.state != "ready" for task in tasks)
    return took_ms / looks / 100, grown * 1024 / 100, lost


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=30)
    parser.add_argument("--codex", default="")
    options = parser.parse_args()
    binary = find_codex(options.codex)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        subprocess.run(["git", "init", "-q", str(root)], check=True)
        with three_ways(binary, root, [step(say("done"))]) as (ways, client):
            measured = measure(ways, options.turns)
            together_ms, failed = ten_at_once(client)
        task_ms, task_bytes, lost = a_hundred_cloud_tasks(binary, Path(folder))
    floor = measured["direct"].median
    ratio = measured["bridge"].median / floor
    title = f"A turn of Codex {binary.version} with an instant model"
    print(table(title, measured, floor=floor, floor_name="the app-server, driven by hand"))
    print(f"Bridge {ratio:.2f}x, goal {MOST_RATIO}x.")
    print(f"Ten calls at once: {together_ms:.0f} ms, {failed} failed.")
    print(
        f"A hundred cloud tasks: {task_ms:.2f} ms of our time a task and look (goal "
        f"{MOST_SCHEDULING_MS:.0f}), {task_bytes / 1024:.0f} KB a task (goal "
        f"{MOST_TASK_BYTES // 1024}), {lost} lost."
    )
    is_within = ratio <= MOST_RATIO and not failed and not lost
    is_within = is_within and task_ms <= MOST_SCHEDULING_MS and task_bytes <= MOST_TASK_BYTES
    return 0 if is_within else 1


if __name__ == "__main__":
    raise SystemExit(main())
