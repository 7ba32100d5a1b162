"""From a model's name to a model of the Agents SDK."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agents import Model
from agents.models.openai_responses import OpenAIResponsesModel
from openai import AsyncOpenAI

from codex_orchestrator.agents.offline import OfflineModel
from codex_orchestrator.model.credential import Secret
from codex_orchestrator.model.errors import NotCheckedError

OFFLINE = "offline"
OPENAI_URL = "https://api.openai.com/v1"
MAX_RETRIES = 4


def require_key(name: str, *, base_url: str, key: Secret | None) -> None:
    """Check that a model can be asked at all.

    Raises:
        NotCheckedError: OpenAI's own server was named and there is no key.
    """
    if name != OFFLINE and key is None and base_url == OPENAI_URL:
        raise NotCheckedError(
            f"model {name!r} needs a key and there is none",
            fix="set OPENAI_API_KEY, name another server by model.base_url, "
            "or give the task steps and use --model offline",
        )


@asynccontextmanager
async def open_model(name: str, *, base_url: str, key: Secret | None) -> AsyncIterator[Model]:
    """Yield the model of a name and close its connections at the end.

    Args:
        name: `offline`, or a model that the server at `base_url` knows.
        base_url: address of an OpenAI-compatible Responses API.
        key: the server's key; a server other than OpenAI's may need none.
    """
    if name == OFFLINE:
        yield OfflineModel()
        return
    async with AsyncOpenAI(
        base_url=base_url,
        api_key=key.reveal() if key else "none",
        max_retries=MAX_RETRIES,
    ) as client:
        yield OpenAIResponsesModel(model=name, openai_client=client)
