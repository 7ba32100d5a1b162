"""A real workspace server behind a real MCP client, called from plain test functions."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp import Client, StdioServerParameters


class Answer(NamedTuple):
    """What a tool answered: the document, or the text of its error."""

    document: dict[str, Any]
    error: str


class Caller:
    """Calls tools of one server."""

    def __init__(self, client: Client, portal: BlockingPortal) -> None:
        self._client = client
        self._portal = portal

    def tools(self) -> list[Any]:
        return list(self._portal.call(self._client.list_tools).tools)

    def call(self, tool: str, /, **arguments: Any) -> Answer:
        result = self._portal.call(self._client.call_tool, tool, arguments)
        text = "".join(part.text for part in result.content)
        if result.is_error:
            return Answer({}, text)
        assert json.loads(text) == result.structured_content
        return Answer(result.structured_content or {}, "")

    def call_within(self, timeout_s: float, tool: str, /, **arguments: Any) -> None:
        """Call a tool and give up after a time."""
        self._portal.call(
            lambda: self._client.call_tool(tool, arguments, read_timeout_seconds=timeout_s)
        )


def server_command(root: Path, folder: Path, policy: Mapping[str, Any], *more: str) -> list[str]:
    """Write the policy and return the command that starts a server on a work tree."""
    (folder / "policy.json").write_text(json.dumps(policy))
    return [
        *(sys.executable, "-m", "codex_orchestrator", "mcp", "workspace"),
        *("--root", str(root)),
        *("--policy", str(folder / "policy.json")),
        *("--decisions", str(folder / "decisions.jsonl")),
        *("--uses", str(folder / "uses.jsonl")),
        *("--log-dir", str(folder / "logs")),
        *more,
    ]


@contextmanager
def served(command: list[str], *, env: Mapping[str, str], cwd: Path) -> Iterator[Caller]:
    """Start a server over stdio and give a caller; the server ends with the block."""
    parameters = StdioServerParameters(
        command=command[0], args=command[1:], env=dict(env), cwd=str(cwd)
    )
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(Client(parameters)) as client,
    ):
        yield Caller(client, portal)


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]
