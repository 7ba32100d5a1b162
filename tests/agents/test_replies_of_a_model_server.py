"""Replies that say 200 and hold no answer: made again, and then exit 4, never a bug of ours."""

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from openai import APIConnectionError

from codex_orchestrator.agents.replies import require_answer
from codex_orchestrator.model.errors import ServiceError
from codex_orchestrator.model.run import Usage
from codex_orchestrator.model.spending import Spending
from codex_orchestrator.model.task import Limits
from support.four_agents import manifest_of, plan
from support.responses_server import USAGE, Step, responses_server, say, status

PAGE = Step(page="<html>Sign in to the proxy</html>")


@dataclass
class FakeReply:
    """A reply with a body that was read before."""

    body: bytes
    status_code: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    request: Any = None

    async def aread(self) -> bytes:
        return self.body


def answer(*output: object, **more: object) -> bytes:
    return json.dumps({"output": output, "usage": USAGE} | more).encode()


def look_at(reply: FakeReply) -> Usage:
    spending = Spending(Limits(), before=Usage(), monotonic=lambda: 0.0)
    asyncio.run(require_answer(reply, spending=spending))
    return spending.usage


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Sign in to the proxy</html>",
        b'event: response.created\ndata: {"type":',
        b"null",
        b"[1, 2]",
        b"{}",
        b'{"id": "\xff"}',
        b"[" * 100_000,
        answer(1, 2),
        json.dumps({"output": None}).encode(),
        json.dumps({"output": "hello"}).encode(),
        answer({"id": "one"}),
        answer({"type": "message", "content": None}),
        answer({"type": "message", "content": [{"text": "of no type"}]}),
        answer(usage={"input_tokens": "many", "output_tokens": 1}),
        answer(usage={"input_tokens": -1_000_000, "output_tokens": 1}),
        answer(usage={"input_tokens": 2**62, "output_tokens": 1}),
        answer(status="failed", error={"code": "server_error", "message": "scripted"}),
    ],
)
def test_what_holds_no_answer_is_a_service_that_failed(body: bytes) -> None:
    with pytest.raises(APIConnectionError) as caught:
        look_at(FakeReply(body))
    assert isinstance(caught.value.__cause__, ServiceError)


@pytest.mark.parametrize(
    "body",
    [
        answer(say("hello")),
        answer({"type": "of another server", "more": [1]}),
        answer(say("hello"), usage=None),
        answer(status="failed", error={"code": "invalid_prompt", "message": "scripted"}),
    ],
)
def test_an_answer_is_left_to_the_sdk_however_odd(body: bytes) -> None:
    look_at(FakeReply(body))


def test_a_reply_that_says_itself_that_it_is_an_error_is_left_to_the_sdk() -> None:
    look_at(FakeReply(b"oops", status_code=500))


def test_a_page_in_place_of_an_answer_is_asked_for_again(run_with: Any) -> None:
    done, report, _ = run_with(planner=[PAGE, plan()])
    assert (done.code, report["verdict"]) == (0, "approved"), done.err


def test_a_server_that_sends_pages_only_is_exit_4_and_the_run_goes_on_later(
    run_with: Any, project: Path
) -> None:
    done, report, _ = run_with(planner=[PAGE])
    assert done.code == 4, done.err
    assert "text/html" in report["reason"]
    assert manifest_of(project)["run"]["state"] == "interrupted"
    resumed, _, _ = run_with(resume=manifest_of(project)["run"]["id"])
    assert resumed.code == 0, resumed.err


@pytest.mark.parametrize("state", ["incomplete", "failed"])
def test_what_an_unfinished_answer_cost_is_counted(state: str) -> None:
    used = look_at(FakeReply(answer(status=state)))
    assert (used.requests, used.input_tokens, used.output_tokens) == (1, 100, 10)


def test_what_a_finished_answer_cost_is_counted_by_whoever_gets_it() -> None:
    assert look_at(FakeReply(answer(status="completed"))) == Usage()


def test_no_prompt_follows_a_server_that_sends_it_elsewhere(run_with: Any) -> None:
    with responses_server({"*": [plan()]}) as other:
        elsewhere = status(307, location=f"{other.url}/responses")
        done, _, _ = run_with(planner=[elsewhere])
        assert done.code == 4, done.err
        assert "HTTP 307" in done.err
        assert other.requests == []
