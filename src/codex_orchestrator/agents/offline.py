"""The embedded default model: carries out a task's steps, with no key and no network.

It is an Agents SDK model like any other. It reads the same framed data, calls the same tools and
answers in the same output types as a model behind an API; nothing else in the product knows that
it is there. It decides nothing that a step does not say.
"""

import json
from collections.abc import AsyncIterator
from typing import Any

from agents import Model, ModelResponse, ModelSettings, ModelTracing, Usage
from agents.agent_output import AgentOutputSchemaBase
from agents.handoffs import Handoff
from agents.items import TResponseInputItem, TResponseOutputItem, TResponseStreamEvent
from agents.tool import Tool
from openai.types.responses import (
    ResponseFunctionToolCall,
    ResponseOutputMessage,
    ResponseOutputText,
)
from openai.types.responses.response_prompt_param import ResponsePromptParam

from codex_orchestrator.agents.offline_answers import Answer, Transcript, answer_as
from codex_orchestrator.model.frame import unframe


class OfflineModel(Model):
    """A deterministic model that does what the task's steps say and nothing more."""

    def __init__(self) -> None:
        self._calls = 0

    async def get_response(
        self,
        system_instructions: str | None,
        input: str | list[TResponseInputItem],  # noqa: A002 - the SDK names it
        model_settings: ModelSettings,
        tools: list[Tool],
        output_schema: AgentOutputSchemaBase | None,
        handoffs: list[Handoff],
        tracing: ModelTracing,
        *,
        previous_response_id: str | None,
        conversation_id: str | None,
        prompt: ResponsePromptParam | None,
    ) -> ModelResponse:
        """Answer one turn: a tool call that the step needs next, or the final document."""
        if output_schema is None:
            raise ValueError("the offline model answers agents that have an output type")
        transcript = read_transcript(input, tools=tuple(tool.name for tool in tools))
        answer = answer_as(output_schema.name(), transcript)
        output = [self._output_item(answer)]
        return ModelResponse(output=output, usage=Usage(requests=1), response_id=None)

    def stream_response(
        self, *_arguments: Any, **_options: Any
    ) -> AsyncIterator[TResponseStreamEvent]:
        """Refuse: the engine never streams."""
        raise NotImplementedError("the offline model does not stream")

    def _output_item(self, answer: Answer) -> TResponseOutputItem:
        self._calls += 1
        body = json.dumps(answer.body, ensure_ascii=False)
        if answer.tool:
            return ResponseFunctionToolCall(
                id=f"offline-{self._calls}",
                call_id=f"offline-call-{self._calls}",
                type="function_call",
                name=answer.tool,
                arguments=body,
            )
        text = ResponseOutputText(text=body, type="output_text", annotations=[], logprobs=[])
        return ResponseOutputMessage(
            id=f"offline-{self._calls}",
            type="message",
            role="assistant",
            status="completed",
            content=[text],
        )


def read_transcript(items: str | list[TResponseInputItem], *, tools: tuple[str, ...]) -> Transcript:
    """Take apart what a model is sent: the framed data, and the tool results so far."""
    if isinstance(items, str):
        return Transcript(data=unframe(items), results=(), tools=tools)
    data: dict[str, Any] | None = None
    results: list[str] = []
    for item in items:
        entry: dict[str, Any] = dict(item)
        if entry.get("type") == "function_call_output":
            results.append(_text_of(entry.get("output")))
        elif entry.get("role") == "user" and data is None:
            data = unframe(_text_of(entry.get("content")))
    return Transcript(data=data or {}, results=tuple(results), tools=tools)


def _text_of(content: object) -> str:
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return str(content)
