"""From a model's name to a model of the Agents SDK."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from agents import Model
from agents.models.openai_responses import OpenAIResponsesModel
from openai import AsyncOpenAI, DefaultAsyncHttpxClient

from codex_orchestrator.agents.offline import OfflineModel
from codex_orchestrator.agents.replies import require_answer
from codex_orchestrator.model.config import OPENAI_URL
from codex_orchestrator.model.engine import OFFLINE, ModelEndpoint
from codex_orchestrator.model.errors import InputError, NotCheckedError
from codex_orchestrator.model.spending import Spending

_ADDRESS = re.compile(r"https?://[^\s/?#]+[^\s?#]*")
_KEY = re.compile(r"[!-~]+")


def require_server(endpoint: ModelEndpoint) -> None:
    """Check that a model can be asked at all: the address of its server, and the key for it.

    Raises:
        InputError: the server's address is not valid.
        NotCheckedError: OpenAI's own server needs a key, or the key cannot be sent in a header.
    """
    name, base_url, key = endpoint
    if name == OFFLINE:
        return
    if not _ADDRESS.fullmatch(base_url):
        raise InputError(
            f"{base_url!r} is not the address of a server",
            field="model.base_url",
            fix="write it like https://host/v1, in the configuration or in OPENAI_BASE_URL",
        )
    if "@" in base_url.split("//", 1)[1].split("/", 1)[0]:
        raise InputError(
            "the address of the model server holds a user name or a password",
            field="model.base_url",
            fix="take it out: addresses are visible in argument lists on this machine; "
            "a key is given by OPENAI_API_KEY",
        )
    if key is not None and not _KEY.fullmatch(key.reveal()):
        raise NotCheckedError(
            "the model's key holds a space, a line break or a character that is not ASCII",
            fix="set OPENAI_API_KEY again, without spaces and line breaks around it",
        )
    if key is None and base_url == OPENAI_URL:
        raise NotCheckedError(
            f"model {name!r} needs a key and there is none",
            fix="set OPENAI_API_KEY, name another server by model.base_url, "
            "or give the task steps and use --model offline",
        )


@asynccontextmanager
async def open_model(endpoint: ModelEndpoint, *, spending: Spending) -> AsyncIterator[Model]:
    """Yield the model of a name and close its connections at the end.

    Args:
        endpoint: `offline`, or a model that an OpenAI-compatible Responses API knows.
        spending: counts what the SDK does not report.
    """
    name, base_url, key = endpoint
    if name == OFFLINE:
        yield OfflineModel()
        return
    async with AsyncOpenAI(
        base_url=base_url,
        api_key=key.reveal() if key else "none",
        # The caller knows how much time is left, and repeats requests; see `retry_settings`.
        max_retries=0,
        http_client=DefaultAsyncHttpxClient(
            event_hooks={"response": [partial(require_answer, spending=spending)]},
            # A prompt goes to the configured server only, never to one that it redirects to.
            follow_redirects=False,
        ),
    ) as client:
        yield OpenAIResponsesModel(model=name, openai_client=client)
