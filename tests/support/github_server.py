"""A small GitHub on loopback that remembers: comments are made, found again, edited, deleted.

Every request and every answer is checked against GitHub's own OpenAPI description. What the
description does not say (who may write, how long a body may be) is a model of ours.
"""

import copy
import json
import re
import threading
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from openapi_core import OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError
from werkzeug.datastructures import Headers, ImmutableMultiDict

from support.github_description import REPO

BOT = "github-actions[bot]"
BODY_LIMIT = 65_536
READ_ONLY = {"message": "Resource not accessible by integration", "status": "403"}

Answer = tuple[int, Any]
PERMISSIONS = {"maintain": "write", "triage": "read"}


@dataclass
class Fault:
    """One failure of the next request with this method. `lands`: the request counts all the same.

    `drops`: the connection is closed without an answer.
    """

    method: str
    status: int = 502
    message: str = "Server Error"
    headers: dict[str, str] = field(default_factory=dict)
    lands: bool = False
    drops: bool = False


@dataclass
class Exchange:
    """One request that the server saw, and what it said of it."""

    method: str
    path: str
    status: int
    problem: str = ""


class Contract:
    """GitHub's description, made ready to check requests and answers and to give examples."""

    def __init__(self, description: dict[str, Any]) -> None:
        self.description = description
        for item in description["paths"].values():
            for operation in item.values():
                _add_error_answers(operation)
        self.api = OpenAPI.from_dict(description)

    def example(self, path: str, method: str, status: str) -> Any:
        """Return a copy of the description's first example of an answer."""
        content = self.description["paths"][path][method]["responses"][status]["content"]
        example = next(iter(content["application/json"]["examples"].values()))
        while "$ref" in example:
            kind, name = example["$ref"].split("/")[-2:]
            example = self.description["components"][kind][name]
        return copy.deepcopy(example["value"])


class GitHubServer:
    """The server; `url` is the API's base. Use it as a context."""

    def __init__(self, contract: Contract, *, repository: str = "o/r") -> None:
        self.contract = contract
        self.repository = repository
        self.pull_request = 7
        self.head_sha = "2" * 40
        self.login = BOT
        self.is_read_only = False
        self.comments: dict[int, dict[str, Any]] = {}
        self.files: list[dict[str, Any]] = []
        self.roles: dict[str, str] = {}
        self.account_types: dict[str, str] = {}
        self.permissions: dict[str, str] = dict(PERMISSIONS)
        self.faults: list[Fault] = []
        self.exchanges: list[Exchange] = []
        self.before_answer: Callable[[Exchange], None] = lambda _: None
        self.lock = threading.RLock()
        self._next_id = 1000
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._server.github = self  # type: ignore[attr-defined]
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def problems(self) -> list[Exchange]:
        """Requests or answers that GitHub's description does not allow."""
        return [exchange for exchange in self.exchanges if exchange.problem]

    def writes(self) -> list[str]:
        """Return the methods of all writing requests, in order."""
        return [exchange.method for exchange in self.exchanges if exchange.method != "GET"]

    def add_comment(self, body: str, *, login: str | None = None) -> int:
        """Make a comment, also in the name of somebody else, and return its id."""
        self._next_id += 1
        number = self._next_id
        comment = self.contract.example(REPO + "/issues/{issue_number}/comments", "post", "201")
        comment.update(id=number, body=body, url=f"{self._home}/issues/comments/{number}")
        comment["html_url"] = (
            f"https://github.com/{self.repository}/pull/{self.pull_request}#issuecomment-{number}"
        )
        comment["user"]["login"] = login or self.login
        self.comments[number] = comment
        return number

    @property
    def _home(self) -> str:
        return f"{self.url}/repos/{self.repository}"

    def route(self, method: str, path: str, query: dict[str, str], body: Any) -> Answer | None:
        """Carry out one request; None when there is no such route."""
        home = re.escape(f"/repos/{self.repository}")
        if match := re.fullmatch(home + r"/issues/comments/(\d+)", path):
            return self._one_comment(method, int(match[1]), body)
        if re.fullmatch(home + rf"/issues/{self.pull_request}/comments", path):
            if method == "GET":
                return 200, _page(list(self.comments.values()), query)
            return _body_problem(body) or (201, self.comments[self.add_comment(body["body"])])
        if re.fullmatch(home + rf"/pulls/{self.pull_request}", path):
            pull = self.contract.example(REPO + "/pulls/{pull_number}", "get", "200")
            _complete_example(pull)
            pull["number"] = self.pull_request
            pull["head"]["sha"] = self.head_sha
            return 200, pull
        if re.fullmatch(home + rf"/pulls/{self.pull_request}/files", path):
            example = self.contract.example(REPO + "/pulls/{pull_number}/files", "get", "200")[0]
            return 200, _page([{**example, **file} for file in self.files], query)
        if match := re.fullmatch(home + r"/collaborators/([^/]+)/permission", path):
            return self._permission(urllib.parse.unquote(match[1]))
        return None

    def _permission(self, login: str) -> Answer:
        """Say what an account may do, from `roles`; `permissions` maps roles to the basic four."""
        known = next((name for name in self.roles if name.lower() == login.lower()), None)
        if known is None:
            return 404, _error(f"{login} is not a user")
        role = self.roles[known]
        path = REPO + "/collaborators/{username}/permission"
        answer = self.contract.example(path, "get", "200")
        answer["permission"] = self.permissions.get(role, role)
        answer["role_name"] = answer["user"]["role_name"] = role
        answer["user"]["login"] = known
        answer["user"]["type"] = self.account_types.get(known, "User")
        return 200, answer

    def _one_comment(self, method: str, number: int, body: Any) -> Answer:
        comment = self.comments.get(number)
        if comment is None:
            return 404, _error("Not Found")
        if method == "GET":
            return 200, comment
        if comment["user"]["login"] != self.login:
            return 403, _error("Must have admin rights to Repository.")
        if method == "DELETE":
            del self.comments[number]
            return 204, None
        if problem := _body_problem(body):
            return problem
        comment["body"] = body["body"]
        return 200, comment


def _add_error_answers(operation: dict[str, Any]) -> None:
    schema = {"$ref": "#/components/schemas/basic-error"}
    for status in ("401", "403", "404"):
        operation["responses"].setdefault(
            status, {"description": "error", "content": {"application/json": {"schema": schema}}}
        )


def _complete_example(node: Any) -> None:
    """Add what the description's example of a pull request lacks by its own schema."""
    if isinstance(node, dict):
        if "forks_url" in node:
            node.setdefault("language", None)
        if "members_url" in node and "slug" in node:
            node.update(type="organization", organization_id=1)
        for value in node.values():
            _complete_example(value)
    elif isinstance(node, list):
        for value in node:
            _complete_example(value)


def _error(message: str) -> dict[str, str]:
    return {"message": message, "documentation_url": "https://docs.github.com/rest"}


def _body_problem(body: Any) -> Answer | None:
    text = body["body"]
    if text.strip() and len(text) <= BODY_LIMIT:
        return None
    message = f"Body is too long (maximum is {BODY_LIMIT} characters)" if text else "Body is blank"
    errors = [{"resource": "IssueComment", "code": "custom", "field": "body", "message": message}]
    return 422, {**_error("Validation Failed"), "errors": errors}


def _page(items: list[Any], query: dict[str, str]) -> list[Any]:
    size, page = min(int(query.get("per_page", 30)), 100), int(query.get("page", 1))
    return items[(page - 1) * size : page * size]


class _Request:
    """A request as openapi-core wants to see it."""

    host_url = "https://api.github.com"

    def __init__(self, handler: "_Handler", path: str, query: dict[str, str], body: bytes) -> None:
        self.path, self.method, self.body = path, handler.command.lower(), body or None
        self.content_type = (handler.headers.get("Content-Type") or "").split(";")[0]
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(query), header=Headers(dict(handler.headers)), cookie={}
        )


class _Response:
    content_type = "application/json"
    headers = Headers()

    def __init__(self, status_code: int, data: bytes) -> None:
        self.status_code, self.data = status_code, data


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Say nothing: the exchanges are kept."""

    def _handle(self) -> None:
        github: GitHubServer = self.server.github  # type: ignore[attr-defined]
        place = urllib.parse.urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with github.lock:
            fault = next((one for one in github.faults if one.method == self.command), None)
            if fault:
                github.faults.remove(fault)
            exchange = Exchange(self.command, place.path, 0)
            answer: Any = _error(fault.message) if fault else None
            if fault is None or fault.lands:
                exchange.status, answer = self._answer(github, exchange, place.query, body)
            if fault:
                exchange.status, answer = fault.status, _error(fault.message)
            github.exchanges.append(exchange)
            github.before_answer(exchange)
        if fault and fault.drops:
            self.close_connection = True
            return
        self._send(exchange.status, answer, fault.headers if fault else self._links(answer))

    do_GET = do_POST = do_PATCH = do_DELETE = _handle  # noqa: N815 - http.server's names

    def _answer(self, github: GitHubServer, exchange: Exchange, query: str, body: bytes) -> Answer:
        asked = dict(urllib.parse.parse_qsl(query))
        request = _Request(self, exchange.path, asked, body)
        try:
            github.contract.api.validate_request(request)
        except OpenAPIError as error:
            exchange.problem = f"request: {_cause(error)}"
            return 422, _error("Validation Failed")
        if not re.fullmatch(r"(Bearer|token) \S+", self.headers.get("Authorization") or ""):
            status, answer = 401, _error("Requires authentication")
        elif github.is_read_only and self.command != "GET":
            status, answer = 403, READ_ONLY
        else:
            content = json.loads(body) if body else None
            status, answer = github.route(self.command, exchange.path, asked, content) or (
                404,
                _error("Not Found"),
            )
        try:
            github.contract.api.validate_response(
                request, _Response(status, json.dumps(answer).encode())
            )
        except OpenAPIError as error:
            exchange.problem = f"answer: {_cause(error)}"
        return status, answer

    def _links(self, answer: Any) -> dict[str, str]:
        place = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(place.query))
        size, page = int(query.get("per_page", 30)), int(query.get("page", 1))
        if not isinstance(answer, list) or len(answer) < size:
            return {}
        following = urllib.parse.urlencode({**query, "page": page + 1})
        github: GitHubServer = self.server.github  # type: ignore[attr-defined]
        return {"Link": f'<{github.url}{place.path}?{following}>; rel="next"'}

    def _send(self, status: int, answer: Any, headers: dict[str, str]) -> None:
        data = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


def _cause(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return "; ".join(str(one) for one in getattr(error, "schema_errors", [error]))[:500]
