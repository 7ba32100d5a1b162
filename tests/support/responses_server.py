"""A scripted model server on loopback: the Responses API, streamed for Codex and whole for the SDK.

    with responses_server({"planner": [step(say("a plan"))]}) as server:
        ... use server.url, then look at server.requests ...

A script maps a model's name to its steps. The step of a request is the number of tool results
since the last user message, so a script is the course of one turn, and the server keeps no state;
the last step repeats. In place of a list a script may be a function from request to step.
"""

import itertools
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

Item = dict[str, Any]
Fault = Literal["", "dies mid-stream", "never ends", "fails"]
USAGE = {
    "input_tokens": 100,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 10,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 110,
}


@dataclass(frozen=True)
class Step:
    """One answer: output items, or an HTTP status, or a fault, or a page of HTML."""

    items: tuple[Item, ...] = ()
    status: int = 200
    code: str = ""
    message: str = "scripted"
    fault: Fault = ""
    delay_s: float = 0.0
    headers: tuple[tuple[str, str], ...] = ()
    page: str = ""


@dataclass(frozen=True)
class Request:
    """One request as it came in."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def model(self) -> str:
        return str(self.body.get("model", ""))

    @property
    def bearer(self) -> str:
        return self.headers.get("authorization", "").removeprefix("Bearer ")

    @property
    def input_text(self) -> str:
        """Everything that the model would read, as one text."""
        return json.dumps([self.body.get("instructions"), self.body.get("input")])

    def step_index(self) -> int:
        """Count the tool results since the last user message."""
        count = 0
        entries = self.body.get("input")
        for entry in entries if isinstance(entries, list) else []:
            kind = entry.get("type", "message")
            if kind == "message" and entry.get("role") == "user":
                count = 0
            count += kind.endswith("_output")
        return count


Script = Sequence[Step] | Callable[[Request], Step]


def step(*items: Item) -> Step:
    """Answer with output items."""
    return Step(items=items)


def say(text: str | Mapping[str, Any]) -> Item:
    """Make a message; a mapping becomes its JSON text (structured output)."""
    content = text if isinstance(text, str) else json.dumps(text)
    part = {"type": "output_text", "text": content, "annotations": []}
    return {"type": "message", "role": "assistant", "content": [part]}


def refuse(text: str) -> Item:
    """Make a message in which the model refuses."""
    part = {"type": "refusal", "refusal": text}
    return {"type": "message", "role": "assistant", "content": [part]}


def call(name: str, **arguments: Any) -> Item:
    """Make a function call."""
    return {"type": "function_call", "name": name, "arguments": json.dumps(arguments)}


def shell(command: str, **more: Any) -> Item:
    """Make a call of Codex's shell tool."""
    return call("exec_command", cmd=command, **more)


def patch(text: str) -> Item:
    """Make a call of Codex's patch tool, for models that Codex gives it to (`gpt-5.5`)."""
    body = f"*** Begin Patch\n{text}*** End Patch\n"
    return {"type": "custom_tool_call", "name": "apply_patch", "input": body}


def shell_patch(text: str) -> Item:
    """Make a patch through the shell tool, which Codex takes up with any model."""
    return shell(f"apply_patch <<'PATCH'\n*** Begin Patch\n{text}*** End Patch\nPATCH")


def status(code: int, error: str = "", message: str = "scripted", **headers: str) -> Step:
    """Answer with an HTTP error; a header's name is written with underscores."""
    given = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Step(status=code, code=error, message=message, headers=given)


def fails(code: str) -> Step:
    """Answer 200 and then `response.failed` with an error code."""
    return Step(code=code, fault="fails")


DIES = Step(items=(say("half"),), fault="dies mid-stream")
NEVER_ENDS = Step(fault="never ends")


def first(count: int, fault: Step, then: Sequence[Step]) -> Script:
    """Make a script that starts with faults: the first `count` requests get `fault`."""
    counter = itertools.count()

    def script(request: Request) -> Step:
        return fault if next(counter) < count else then[min(request.step_index(), len(then) - 1)]

    return script


@dataclass
class ResponsesServer:
    """What a test sees of the server. The script may be changed while it runs."""

    script: dict[str, Script]
    url: str = ""
    requests: list[Request] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    def choose(self, request: Request) -> Step:
        script = self.script.get(request.model) or self.script.get("*")
        if script is None:
            return status(404, "model_not_found", f"no script for {request.model!r}")
        if callable(script):
            return script(request)
        return script[min(request.step_index(), len(script) - 1)]


@contextmanager
def responses_server(script: Mapping[str, Script]) -> Iterator[ResponsesServer]:
    """Serve a script on a free port of loopback until the context ends."""
    state = ResponsesServer(dict(script))
    handler = type("Handler", (_Handler,), {"state": state})
    with _Server(("127.0.0.1", 0), handler) as server:
        state.url = f"http://127.0.0.1:{server.server_port}/v1"
        # Checked often, because every test waits for the end of the loop once.
        loop = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        loop.start()
        try:
            yield state
        finally:
            state.closing.set()
            server.shutdown()
            loop.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that go away in the middle are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits 40 ms for an acknowledgement
    wbufsize = -1
    state: ResponsesServer
    numbers = itertools.count(1)

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._note({})
        if self.path.split("?")[0].endswith("/models"):
            self._json(200, {"object": "list", "data": [], "models": []})
        else:
            self._json(404, {"error": {"message": "not found"}})

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        request = self._note(json.loads(self.rfile.read(length) or b"{}"))
        if not self.path.split("?")[0].endswith("/responses"):
            self._json(404, {"error": {"message": "not found"}})
            return
        chosen = self.state.choose(request)
        if chosen.delay_s:
            self.state.closing.wait(chosen.delay_s)
        if chosen.status != 200:
            error = {"message": chosen.message, "type": "server_error", "code": chosen.code or None}
            self._json(chosen.status, {"error": error}, chosen.headers)
        elif chosen.page:
            self._send(200, chosen.page.encode(), "text/html")
        elif request.body.get("stream"):
            self._stream(chosen, self._response(request, chosen))
        else:
            if chosen.fault == "never ends":
                self.state.closing.wait()
            self._json(200, self._response(request, chosen))

    def _note(self, body: Mapping[str, Any]) -> Request:
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.path, headers, body)
        self.state.requests.append(request)
        return request

    def _new_id(self, prefix: str) -> str:
        return f"{prefix}_{next(self.numbers):08x}"

    def _response(self, request: Request, chosen: Step) -> dict[str, Any]:
        items = []
        for item in chosen.items:
            numbered = {"id": self._new_id("item"), "status": "completed", **item}
            if item["type"] != "message":
                numbered["call_id"] = self._new_id("call")
            items.append(numbered)
        return {
            "id": self._new_id("resp"),
            "object": "response",
            "created_at": 1_700_000_000,
            "status": "completed",
            "model": request.model,
            "output": items,
            "usage": USAGE,
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "metadata": {},
            "temperature": None,
            "top_p": None,
        }

    def _json(
        self, code: int, document: Mapping[str, Any], headers: Sequence[tuple[str, str]] = ()
    ) -> None:
        self._send(code, json.dumps(document).encode(), "application/json", headers)

    def _send(
        self, code: int, data: bytes, kind: str, headers: Sequence[tuple[str, str]] = ()
    ) -> None:
        self.send_response(code)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()

    def _stream(self, chosen: Step, response: dict[str, Any]) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True
        number = itertools.count()

        def send(kind: str, **fields: Any) -> None:
            event = {"type": kind, "sequence_number": next(number), **fields}
            self.wfile.write(f"event: {kind}\ndata: {json.dumps(event)}\n\n".encode())
            self.wfile.flush()

        begun = {**response, "status": "in_progress", "output": [], "usage": None}
        send("response.created", response=begun)
        if chosen.fault == "never ends":
            self.state.closing.wait()
            return
        if chosen.fault == "fails":
            error = {"code": chosen.code, "message": chosen.message}
            send("response.failed", response={**begun, "status": "failed", "error": error})
            return
        for index, item in enumerate(response["output"]):
            _send_item(send, index, item)
        if chosen.fault != "dies mid-stream":
            send("response.completed", response=response)


def _send_item(send: Callable[..., None], index: int, item: Item) -> None:
    send("response.output_item.added", output_index=index, item={**item, "status": "in_progress"})
    if item["type"] == "message" and "text" in item["content"][0]:
        send(
            "response.output_text.delta",
            item_id=item["id"],
            output_index=index,
            content_index=0,
            delta=item["content"][0]["text"],
            logprobs=[],
        )
    send("response.output_item.done", output_index=index, item=item)
