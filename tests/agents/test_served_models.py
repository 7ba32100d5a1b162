"""A model server is asked once which models it has; nothing that it does keeps us waiting."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from codex_orchestrator.agents.served_models import served_models
from codex_orchestrator.credentials.environment import EnvironmentCredentialBroker
from codex_orchestrator.model.config import Config
from codex_orchestrator.model.credential import Scope, Secret
from codex_orchestrator.model.engine import ModelEndpoint
from codex_orchestrator.model.errors import NotCheckedError, ServiceError
from codex_orchestrator.verbs.diagnose.services import probe_model

KEY = "sk-canary-93afe1"
LIST = b'{"data": [{"id": "gpt-x"}, {"id": "gpt-y"}]}'
Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def server(answer: Answer) -> Iterator[str]:
    """Serve on loopback; what is still waiting when the block ends is let go."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}/v1"
        http.shutdown()


def reply(status: int, data: bytes = b"", **headers: str) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(data)

    return answer


def ask(url: str, seconds: float = 20) -> tuple[str, ...]:
    return served_models(
        ModelEndpoint("gpt-x", url, Secret(KEY, scope=Scope.MODEL)), seconds=seconds
    )


def probe(url: str, name: str = "gpt-x", seconds: float = 20) -> tuple[str, str, str]:
    config = Config.model_validate({"model": {"name": name, "base_url": url}})
    broker = EnvironmentCredentialBroker({"OPENAI_API_KEY": KEY})
    found = probe_model(config, broker, seconds=seconds)
    return found.state, found.detail, found.fix


def test_the_models_of_a_server_are_listed() -> None:
    with server(reply(200, LIST)) as url:
        assert ask(url) == ("gpt-x", "gpt-y")
        assert probe(url)[0] == "works"


def test_a_model_that_the_server_does_not_have_is_wrong_and_near_ones_are_named() -> None:
    with server(reply(200, LIST)) as url:
        state, detail, _ = probe(url, "gtp-x")
    assert state == "wrong"
    assert "did you mean `gpt-x`" in detail


def test_a_server_without_a_list_answers_at_least() -> None:
    with server(reply(404)) as url:
        assert ask(url) == ()
        assert probe(url)[0] == "works"


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_named_and_not_shown(status: int) -> None:
    with server(reply(status, f"your key {KEY} is wrong".encode())) as url:
        with pytest.raises(NotCheckedError, match="refuses the key"):
            ask(url)
        found = probe(url)
    assert found[0] == "missing"
    assert KEY not in str(found)


def test_the_key_is_not_sent_to_another_address() -> None:
    seen: list[str] = []

    def remember(request: BaseHTTPRequestHandler) -> None:
        seen.append(str(request.headers))
        reply(200, LIST)(request)

    with (
        server(remember) as other,
        server(reply(302, Location=f"{other}/models")) as url,
        pytest.raises(ServiceError, match="HTTP 302"),
    ):
        ask(url)
    assert seen == []


@pytest.mark.parametrize("data", [b"<html>", b"[]", b'{"data": 3}', b"\xff", b"[" * 100_000])
def test_an_answer_that_is_no_list_of_models_is_said_to_be_none(data: bytes) -> None:
    with server(reply(200, data)) as url, pytest.raises(ServiceError, match="no list of models"):
        ask(url)


def test_a_server_that_hangs_or_drips_is_left_after_the_time() -> None:
    done = threading.Event()

    def hang(_request: BaseHTTPRequestHandler) -> None:
        done.wait(60)

    def drip(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        while not done.wait(0.05):
            request.wfile.write(b" ")

    for answer in (hang, drip):
        done.clear()
        with server(answer) as url:
            with pytest.raises(ServiceError, match=r"no answer within|timed out"):
                ask(url, seconds=0.5)
            done.set()


def test_a_server_that_is_not_there_is_missing() -> None:
    with server(reply(200)) as url:
        gone = url
    state, detail, _ = probe(gone)
    assert state == "missing"
    assert "cannot be reached" in detail
