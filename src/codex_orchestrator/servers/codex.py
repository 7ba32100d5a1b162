"""The MCP bridge: the tools `codex` and `codex-reply`, which Codex CLI removed in 0.154.0."""

import asyncio
import json
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar, TypeVarTuple

import anyio
from mcp import types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from pydantic import ValidationError

from codex_orchestrator import __version__
from codex_orchestrator.codex.bridge import CodexBridge
from codex_orchestrator.model.codex_call import CodexCallError, Failure, FailureCode, TurnReport
from codex_orchestrator.model.document import problems_of
from codex_orchestrator.servers.client import client_may_go
from codex_orchestrator.servers.codex_schema import CodexAnswer, CodexArguments, ReplyArguments

_MAX_CALLS = 128
_STOP_TIMEOUT_S = 30.0
_STOP_PAUSE_S = 0.1
_Context = ServerRequestContext[Any]
_Arguments = TypeVarTuple("_Arguments")
_Result = TypeVar("_Result")


def build_server(bridge: CodexBridge) -> Server[Any]:
    """Return the MCP server of a bridge; the caller opens and closes the bridge."""
    tools = _Tools(bridge)
    return Server(
        "codex-orchestrator-codex",
        version=__version__,
        title="Codex",
        instructions=(
            f"Runs OpenAI Codex {bridge.codex_version} in a sandbox. `codex` starts a thread and "
            "runs its first turn; `codex-reply` runs another turn of it."
        ),
        on_list_tools=tools.list_tools,
        on_call_tool=tools.call_tool,
    )


async def serve_stdio(bridge: CodexBridge) -> None:
    """Serve one client over stdin and stdout until it closes stdin."""
    server = build_server(bridge)
    with client_may_go():
        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())


def _tool(
    name: str, description: str, arguments: type[CodexArguments | ReplyArguments]
) -> types.Tool:
    return types.Tool(
        name=name,
        description=description,
        input_schema=arguments.model_json_schema(by_alias=True),
        output_schema=CodexAnswer.model_json_schema(by_alias=True, mode="serialization"),
    )


_TOOLS = [
    _tool("codex", "Start a Codex thread in a folder and run its first turn.", CodexArguments),
    _tool("codex-reply", "Run another turn of a Codex thread.", ReplyArguments),
]


class _Tools:
    def __init__(self, bridge: CodexBridge) -> None:
        self._bridge = bridge
        # Each call waits in its own thread: a full pool would delay interrupts.
        self._pool = ThreadPoolExecutor(_MAX_CALLS, thread_name_prefix="codex-call")

    async def list_tools(
        self, _context: _Context, _params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=_TOOLS)

    async def call_tool(
        self, context: _Context, params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        arguments = params.arguments or {}
        try:
            if params.name == "codex":
                wanted = CodexArguments.model_validate(arguments)
                thread_id = await self._in_thread(self._bridge.start_thread, wanted.as_request())
                return await self._turn(context, thread_id, wanted.prompt)
            if params.name == "codex-reply":
                reply = ReplyArguments.model_validate(arguments)
                return await self._turn(context, reply.thread_id, reply.prompt)
        except ValidationError as error:
            problem = problems_of(error)[0]
            text = f"{json.dumps(problem.field)}: {problem.message}"
            return _refusal(Failure(FailureCode.INVALID_ARGUMENTS, text))
        except CodexCallError as error:
            return _refusal(error.failure)
        return _refusal(Failure(FailureCode.INVALID_ARGUMENTS, f"no tool {params.name!r}"))

    async def _turn(self, context: _Context, thread_id: str, prompt: str) -> types.CallToolResult:
        progress = _Progress(context)
        cancelled = threading.Event()
        run_turn = partial(self._bridge.run_turn, on_progress=progress.send, cancelled=cancelled)
        turn = self._in_thread(run_turn, thread_id, prompt)
        try:
            report = await asyncio.shield(turn)
        except asyncio.CancelledError:
            cancelled.set()
            # The client is gone, so its turn must stop. The scope is cancelled already, so
            # the wait needs a shield of its own.
            with anyio.move_on_after(_STOP_TIMEOUT_S, shield=True):
                await self._stop(turn, thread_id)
            raise
        await progress.flush()
        return _result(report, self._bridge.codex_version)

    async def _stop(self, turn: "asyncio.Future[TurnReport]", thread_id: str) -> None:
        # Repeated, because the turn may not have begun at the first time.
        while not turn.done():
            await self._in_thread(self._bridge.interrupt, thread_id)
            await asyncio.wait([turn], timeout=_STOP_PAUSE_S)
        turn.exception()  # marks it as read: no caller is left

    def _in_thread(
        self, call: Callable[[*_Arguments], _Result], *arguments: *_Arguments
    ) -> "asyncio.Future[_Result]":
        return asyncio.get_running_loop().run_in_executor(self._pool, call, *arguments)


class _Progress:
    """Passes lines from the turn's thread to the client, in order."""

    def __init__(self, context: _Context) -> None:
        self._context = context
        self._loop = asyncio.get_running_loop()
        self._sent: list[Future[None]] = []

    def send(self, line: str) -> None:
        report = self._context.session.report_progress(len(self._sent) + 1, None, line)
        self._sent.append(asyncio.run_coroutine_threadsafe(report, self._loop))

    async def flush(self) -> None:
        # Progress after the result would be an error.
        await asyncio.gather(*map(asyncio.wrap_future, self._sent), return_exceptions=True)


def _result(report: TurnReport, codex_version: str) -> types.CallToolResult:
    answer = CodexAnswer.of(report, codex_version=codex_version)
    document = answer.model_dump(mode="json", by_alias=True)
    if report.failure is not None:
        return _refusal(report.failure, document)
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=report.content)], structured_content=document
    )


def _refusal(failure: Failure, document: dict[str, Any] | None = None) -> types.CallToolResult:
    error = {"code": str(failure.code), "message": failure.message}
    return types.CallToolResult(
        is_error=True,
        content=[types.TextContent(type="text", text=str(failure))],
        # Usage and actions of a failed turn are reported too.
        structured_content={**(document or {}), "error": error},
    )
