"""Ask a model server which models it has: one request, with a bound for time and size."""

import json
import threading
from http.client import HTTPException, HTTPMessage
from typing import IO
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from codex_orchestrator.model.engine import ModelEndpoint
from codex_orchestrator.model.errors import NotCheckedError, ServiceError

_MAX_BYTES = 4 * 1024 * 1024


class _NoRedirect(HTTPRedirectHandler):
    """The key goes to the configured server only, never to one that it redirects to."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        return None


def served_models(endpoint: ModelEndpoint, *, seconds: float) -> tuple[str, ...]:
    """Return the names of the models that a server lists; () when it has no list.

    Args:
        endpoint: the server, and the key for it.
        seconds: how long it may take in all, however slowly it answers.

    Raises:
        NotCheckedError: the server refuses the key.
        ServiceError: it cannot be reached, is too slow, or does not answer as such a server does.
    """
    answer: list[tuple[int, bytes] | Exception] = []

    def ask() -> None:
        try:
            answer.append(_get(endpoint, seconds))
        except (OSError, HTTPException, ValueError) as error:
            answer.append(error)

    # A server that sends a byte now and then would keep each single wait short for ever.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    if not answer:
        raise ServiceError(f"no answer within {seconds:.0f} s", fix="see whether it is up")
    found = answer[0]
    if isinstance(found, Exception):
        raise ServiceError(f"cannot be reached: {found}", fix="see whether it is up")
    status, data = found
    if status in (401, 403):
        raise NotCheckedError(f"refuses the key (HTTP {status})", fix="set OPENAI_API_KEY")
    if status in (404, 405, 501):
        return ()
    if status != 200:
        raise ServiceError(f"answers HTTP {status}", fix="see what its log says")
    return _names(data)


def _get(endpoint: ModelEndpoint, seconds: float) -> tuple[int, bytes]:
    headers = {"Accept": "application/json", "User-Agent": "codex-orchestrator"}
    if endpoint.key is not None:
        headers["Authorization"] = f"Bearer {endpoint.key.reveal()}"
    request = Request(f"{endpoint.base_url.rstrip('/')}/models", headers=headers)  # noqa: S310
    try:
        with build_opener(_NoRedirect).open(request, timeout=seconds) as response:
            return response.status, response.read(_MAX_BYTES)
    except HTTPError as error:
        error.close()
        return error.code, b""


def _names(data: bytes) -> tuple[str, ...]:
    try:
        document = json.loads(data)
        return tuple(str(model["id"]) for model in document["data"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ServiceError(
            "answers something that is no list of models",
            fix="set model.base_url to its API, such as https://host/v1",
        ) from error
