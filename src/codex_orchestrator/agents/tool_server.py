"""MCP servers for the agents: child processes that speak over stdio."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from agents import AgentsException
from agents.mcp import MCPServerStdio
from agents.mcp.server import MCPStreamTransport
from agents.mcp.util import ToolFilterContext
from anyio.from_thread import BlockingPortal
from mcp import MCPError
from mcp.client.stdio import stdio_client
from mcp.types import CallToolResult, Tool
from pydantic import TypeAdapter

from codex_orchestrator.agents.held_signals import hold_signals
from codex_orchestrator.model.check import CheckCommand
from codex_orchestrator.model.errors import NotCheckedError
from codex_orchestrator.model.policy import Policy
from codex_orchestrator.model.server import ServerCommand

_COMMANDS = TypeAdapter(list[CheckCommand])
_TAIL = 2000
Mask: TypeAlias = Callable[[Any], Any]
"""Takes a JSON value and returns it with secrets masked."""


class ServerFiles(NamedTuple):
    """The private files that go with one server."""

    policy: Path
    checks: Path
    decisions: Path
    uses: Path
    log: Path


class ToolServer(MCPServerStdio):
    """A server that offers each role a set of its tools; its stderr goes to a file.

    `on_answer` takes the structured content of each call's result: the SDK leaves it out of the
    error of a call that failed. `mask` masks secrets in a JSON value: results go to the model.
    """

    def __init__(
        self,
        name: str,
        command: ServerCommand,
        *,
        offers: Mapping[str, frozenset[str]],
        log: Path,
        mask: Mask,
        on_answer: Callable[[Mapping[str, Any]], None] = lambda _: None,
    ) -> None:
        async def is_offered(context: ToolFilterContext, tool: Tool) -> bool:
            return tool.name in offers.get(context.agent.name, ())

        super().__init__(
            params=command.as_params(),  # type: ignore[arg-type]  # a typed dict of these keys
            name=name,
            cache_tools_list=True,
            # The default of 5 s would end every test run; the run's own limits bound the call.
            client_session_timeout_seconds=None,
            use_structured_content=True,
            tool_filter=is_offered,
        )
        self._log = log
        self._mask = mask
        self._on_answer = on_answer

    async def call_tool(
        self,
        tool_name: str,
        arguments: dict[str, Any] | None,
        meta: dict[str, Any] | None = None,
    ) -> CallToolResult:
        """Call a tool and pass its structured content on."""
        result = await super().call_tool(tool_name, arguments, meta)
        self._on_answer(result.structured_content or {})
        plain = result.model_dump(mode="json", by_alias=True)
        masked = self._mask(plain)
        return result if masked == plain else CallToolResult.model_validate(masked)

    def create_streams(self) -> AbstractAsyncContextManager[MCPStreamTransport]:
        """Start the process. Its stderr is kept apart from our own."""
        stream = self._log.open("a", encoding="utf-8")
        self.exit_stack.callback(stream.close)
        return stdio_client(self.params, errlog=stream)

    def printed(self) -> str:
        """Return the end of what the process wrote to stderr."""
        text = self._log.read_text("utf-8", "replace") if self._log.exists() else ""
        return text.strip()[-_TAIL:]


def enter_server(stack: ExitStack, portal: BlockingPortal, server: ToolServer) -> ToolServer:
    """Start a server for as long as the stack lasts, and return it.

    Raises:
        NotCheckedError: it did not start; the message has what it printed.
    """
    try:
        # A start that is cancelled halfway would never end: the SDK waits for a shielded client.
        with hold_signals():
            stack.enter_context(portal.wrap_async_context_manager(server))
            return server
    except (ExceptionGroup, OSError, AgentsException, MCPError) as error:
        printed = server.printed() or str(error)
        raise NotCheckedError(
            f"the {server.name} server did not start: {printed}",
            fix="codex-orchestrator doctor shows what is missing",
        ) from error


def write_server_files(folder: Path, policy: Policy, checks: Sequence[CheckCommand]) -> ServerFiles:
    """Write the files that a server reads at its start into a private folder."""
    names = ("policy.json", "checks.json", "decisions.jsonl", "uses.jsonl", "server.log")
    files = ServerFiles(*(folder / name for name in names))
    files.policy.write_text(policy.model_dump_json(), "utf-8")
    files.checks.write_bytes(_COMMANDS.dump_json(list(checks)))
    return files
