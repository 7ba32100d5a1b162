"""The bridge as its clients start it: a process of its own, over a scripted model."""

import json
import os
import queue
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from codex_orchestrator.codex.launch import bridge_launch
from codex_orchestrator.model.credential import Scope, Secret
from codex_orchestrator.model.engine import ModelEndpoint
from codex_orchestrator.model.server import BridgeRequest, ServerCommand
from support.responses_server import ResponsesServer

KEY = "sk-canary-fedcba9876543210"


@contextmanager
def bridge(
    server: ResponsesServer, root: Path, *options: str, **more: Any
) -> Iterator[ServerCommand]:
    """Yield the launch of a bridge that retries without long waits."""
    endpoint = ModelEndpoint("scripted", server.url, Secret(KEY, scope=Scope.MODEL))
    codex = os.environ.get("CODEX_ORCHESTRATOR_TEST_CODEX", "")
    request = BridgeRequest(root, **more)
    with bridge_launch(request, endpoint, codex_path=codex) as launch:
        yield launch._replace(argv=(*launch.argv, "--retry-delay", "0.02", *options))


class RawClient:
    """An MCP client of a few lines: JSON-RPC over the bridge's pipes, and nothing else."""

    def __init__(
        self,
        launch: ServerCommand,
        environment: Mapping[str, str] | None = None,
        *,
        pass_fds: tuple[int, ...] = (),
    ) -> None:
        self.process = subprocess.Popen(
            launch.argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=launch.cwd,
            env={**launch.environment, **(environment or {})},
            pass_fds=pass_fds,
        )
        self._number = 0
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self.notices: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        hello = {"protocolVersion": "2025-06-18", "capabilities": {}}
        self.request("initialize", {**hello, "clientInfo": {"name": "raw", "version": "0"}})
        self.send({"method": "notifications/initialized"})
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        try:
            self.process.wait(20)
        finally:
            self.process.kill()
            self._reader.join(5)
            self.process.stdout.close()

    def request(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Send a request and wait for its answer."""
        number = self.start(method, params)
        answer = self.take()
        assert answer["id"] == number
        return answer

    def start(self, method: str, params: Mapping[str, Any]) -> int:
        """Send a request and return its number."""
        self._number += 1
        self.send({"id": self._number, "method": method, "params": params})
        return self._number

    def take(self) -> dict[str, Any]:
        """Wait for the next answer, whichever request it belongs to."""
        return self._answers.get(timeout=60)

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool and return its result."""
        params = {
            "name": tool,
            "arguments": {name.replace("_", "-"): value for name, value in arguments.items()},
        }
        result: dict[str, Any] = self.request("tools/call", params)["result"]
        return result

    def send(self, message: Mapping[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        self.process.stdin.flush()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            message = json.loads(line)
            (self._answers.put if "id" in message else self.notices.append)(message)
