"""What the agents did, as events: every model request and every tool call, in order."""

from collections.abc import Callable, Mapping
from typing import Any

from agents import Agent, ModelResponse, RunContextWrapper, RunHooks
from agents.items import TResponseInputItem
from agents.tool import Tool
from agents.tool_context import ToolContext

from codex_orchestrator.agents.codex_calls import CodexCalls
from codex_orchestrator.agents.decisions import DecisionLog
from codex_orchestrator.model.spending import Spending

EventSink = Callable[[str, Mapping[str, str | int | bool]], None]
MAX_TEXT = 2000


class EventHooks(RunHooks[Any]):
    """Sends an event for each step of a run, counts what it costs, and checks the limits.

    A limit that is reached, an approval that is missing and a failed Codex end the agent.
    """

    def __init__(
        self, sink: EventSink, *, spending: Spending, codex: CodexCalls, decisions: DecisionLog
    ) -> None:
        self._sink = sink
        self._spending = spending
        self._codex = codex
        self._decisions = decisions

    async def on_llm_start(
        self,
        context: RunContextWrapper[Any],
        agent: Agent[Any],
        system_prompt: str | None,
        input_items: list[TResponseInputItem],
    ) -> None:
        """Check the limits, then record that a model is asked."""
        self._spending.begin_turn(agent.name)
        self._send("model-request", agent, input_items=len(input_items))

    async def on_llm_end(
        self, context: RunContextWrapper[Any], agent: Agent[Any], response: ModelResponse
    ) -> None:
        """Record what a model's answer cost, then check the limits."""
        tool_calls = sum(item.type == "function_call" for item in response.output)
        tokens = {
            "input_tokens": response.usage.input_tokens,
            "output_tokens": response.usage.output_tokens,
        }
        self._send("model-response", agent, **tokens, tool_calls=tool_calls)
        self._spending.add(requests=1, **tokens)
        self._decisions.raise_if_approval_is_needed()

    async def on_tool_start(
        self, context: RunContextWrapper[Any], agent: Agent[Any], tool: Tool
    ) -> None:
        """Record a tool call with its arguments."""
        arguments = context.tool_arguments if isinstance(context, ToolContext) else ""
        self._send("tool-call", agent, tool=tool.name, arguments=str(arguments)[:MAX_TEXT])

    async def on_tool_end(
        self, context: RunContextWrapper[Any], agent: Agent[Any], tool: Tool, result: object
    ) -> None:
        """Record the beginning of a tool's result, then check what the tool decided."""
        text = str(result)
        shown = text[:MAX_TEXT]
        self._send("tool-result", agent, tool=tool.name, result=shown, characters=len(text))
        try:
            self._codex.take(tool.name, text)
        finally:
            # A missing approval is reported before the failure that it caused.
            self._decisions.raise_if_approval_is_needed()

    def _send(self, kind: str, agent: Agent[Any], **facts: str | int) -> None:
        self._sink(kind, {"role": agent.name, **facts})
