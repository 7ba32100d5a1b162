"""Replies of a model server, validated before the SDKs use them.

The SDKs trust any reply with status 200: a sign-in page of a proxy in place of JSON, or a field
of another type, would end in a Python error somewhere inside them.
"""

from typing import Annotated, Any, Protocol

from openai import APIConnectionError
from pydantic import BaseModel, Field, ValidationError

from codex_orchestrator.agents.failures import RESUME
from codex_orchestrator.model.document import problems_of
from codex_orchestrator.model.errors import ServiceError
from codex_orchestrator.model.spending import Spending

# More than any request can cost; what is counted must fit into a manifest.
MAX_TOKENS = 10**12
_UNFINISHED = ("failed", "incomplete")
# Failures of the model server itself; other failures are about the request.
_PASSING = ("server_error", "rate_limit_exceeded")


class Reply(Protocol):
    """An HTTP response whose body may not have been read yet."""

    status_code: int

    @property
    def headers(self) -> Any:
        """The headers, looked up without regard to case."""

    @property
    def request(self) -> Any:
        """The request that it replies to."""

    async def aread(self) -> bytes:
        """Read the body, once."""


_Count = Annotated[int, Field(ge=0, le=MAX_TOKENS)]


class _Usage(BaseModel):
    input_tokens: _Count
    output_tokens: _Count


class _Item(BaseModel):
    type: str


class _Message(_Item):
    content: list[_Item]


class _Failure(BaseModel):
    code: str | None = None


class _Answer(BaseModel):
    """As much of an answer as the SDKs rely on; servers differ in the rest."""

    status: str | None = None
    output: list[dict[str, Any]]
    usage: _Usage | None = None
    error: _Failure | None = None


async def require_answer(reply: Reply, *, spending: Spending) -> None:
    """Check that a reply that says it is good holds an answer of the Responses API.

    The usage of an unfinished answer is counted here: the Agents SDK raises an error before it
    reports any usage.

    Raises:
        APIConnectionError: it holds none; its cause is our error. The request is then repeated.
    """
    if reply.status_code != 200:
        return
    body = await reply.aread()
    try:
        answer = _Answer.model_validate_json(body)
        for item in answer.output:
            (_Message if item.get("type") == "message" else _Item).model_validate(item)
    except ValidationError as error:
        problem = str(problems_of(error)[0])
    else:
        code = answer.error.code if answer.error else ""
        problem = f"it failed with {code}" if code in _PASSING else ""
    if problem:
        kind = str(reply.headers.get("content-type", ""))[:60]
        ours = ServiceError(
            f"the model server's reply holds no answer of the Responses API ({kind!r}: {problem})",
            fix=f"check model.base_url, and proxies between here and the server; {RESUME}",
        )
        raise APIConnectionError(message=ours.message, request=reply.request) from ours
    if answer.status in _UNFINISHED and answer.usage:
        spending.note(
            requests=1,
            input_tokens=answer.usage.input_tokens,
            output_tokens=answer.usage.output_tokens,
        )
