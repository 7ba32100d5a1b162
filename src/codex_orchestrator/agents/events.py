"""What the agents did, as events: every model request and every tool call, in order."""

from collections.abc import Callable, Mapping
from typing import Any

from agents import Agent, ModelResponse, RunContextWrapper, RunHooks, Usage
from agents.items import TResponseInputItem
from agents.tool import Tool
from agents.tool_context import ToolContext

EventSink = Callable[[str, Mapping[str, str | int | bool]], None]
MAX_TEXT = 2000


class EventHooks(RunHooks[Any]):
    """Sends an event for each step of a run, and calls out where limits are checked.

    `before_request` takes the agent's name, `after_request` what an answer cost, `after_tool` a
    tool's name and result. What they raise ends the agent.
    """

    def __init__(
        self,
        sink: EventSink,
        *,
        before_request: Callable[[str], None],
        after_request: Callable[[Usage], None],
        after_tool: Callable[[str, str], None],
    ) -> None:
        self._sink = sink
        self._before_request = before_request
        self._after_request = after_request
        self._after_tool = after_tool

    async def on_llm_start(
        self,
        context: RunContextWrapper[Any],
        agent: Agent[Any],
        system_prompt: str | None,
        input_items: list[TResponseInputItem],
    ) -> None:
        """Check the limits, then record that a model is asked."""
        self._before_request(agent.name)
        self._sink("model-request", {"role": agent.name, "input_items": len(input_items)})

    async def on_llm_end(
        self, context: RunContextWrapper[Any], agent: Agent[Any], response: ModelResponse
    ) -> None:
        """Record what a model's answer cost, then check the limits."""
        self._sink(
            "model-response",
            {
                "role": agent.name,
                "input_tokens": response.usage.input_tokens,
                "output_tokens": response.usage.output_tokens,
                "tool_calls": sum(item.type == "function_call" for item in response.output),
            },
        )
        self._after_request(response.usage)

    async def on_tool_start(
        self, context: RunContextWrapper[Any], agent: Agent[Any], tool: Tool
    ) -> None:
        """Record a tool call with its arguments."""
        arguments = context.tool_arguments if isinstance(context, ToolContext) else ""
        self._sink(
            "tool-call",
            {"role": agent.name, "tool": tool.name, "arguments": str(arguments)[:MAX_TEXT]},
        )

    async def on_tool_end(
        self, context: RunContextWrapper[Any], agent: Agent[Any], tool: Tool, result: object
    ) -> None:
        """Record the beginning of a tool's result, then check what the tool decided."""
        text = str(result)
        self._sink(
            "tool-result",
            {
                "role": agent.name,
                "tool": tool.name,
                "result": text[:MAX_TEXT],
                "characters": len(text),
            },
        )
        self._after_tool(tool.name, text)
