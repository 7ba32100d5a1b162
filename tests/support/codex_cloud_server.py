"""Codex Cloud's task service on loopback, as far as the real `codex cloud` command uses it.

The command accepts chatgpt.com only. So a proxy answers for that host with a throw-away
certificate, and the command is told to trust its authority.
"""

import base64
import itertools
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from support.connect_proxy import ConnectProxy, connect_proxy, make_certificates

HOST = "chatgpt.com"
NOW = 1_790_000_000.0


def file_diff(path: str, line: str) -> str:
    """Make the diff of a new file with one line."""
    return (
        f"diff --git a/{path} b/{path}\nnew file mode 100644\nindex 0000000..1111111\n"
        f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+{line}\n"
    )


def chatgpt_sign_in(*, lifetime_s: int = 10**9) -> str:
    """Make the text of an auth.json that the command takes; no service would."""
    claims = {
        "exp": int(NOW) + lifetime_s,
        "https://api.openai.com/auth": {
            "chatgpt_account_id": "acct_1",
            "chatgpt_plan_type": "pro",
            "chatgpt_user_id": "user_1",
            "user_id": "user_1",
        },
    }
    token = ".".join([_part({"alg": "none", "typ": "JWT"}), _part(claims), "c2ln"])
    tokens = {
        "id_token": token,
        "access_token": token,
        "refresh_token": "rt_canary",
        "account_id": "acct_1",
    }
    return json.dumps(
        {
            "auth_mode": "chatgpt",
            "OPENAI_API_KEY": None,
            "tokens": tokens,
            "last_refresh": "2099-01-01T00:00:00Z",
        }
    )


def _part(document: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


@dataclass
class CloudPlan:
    """How tasks turn out: looks until the end, the end, and the diff of each attempt."""

    looks: int = 1
    end: str = "completed"
    diffs: tuple[str, ...] = (file_diff("cloud.txt", "hello"),)


@dataclass
class _Task:
    id: str
    prompt: str
    environment: str
    branch: str
    attempts: int
    plan: CloudPlan
    looks: int = 0

    @property
    def status(self) -> str:
        return self.plan.end if self.looks > self.plan.looks else "pending"


@dataclass
class CloudService:
    """What a test sees of the service. `plans` maps a word of the prompt to a plan."""

    proxy: ConnectProxy
    environment: dict[str, str]
    plans: dict[str, CloudPlan] = field(default_factory=dict)
    tasks: dict[str, _Task] = field(default_factory=dict)
    broken: list[int] = field(default_factory=list)
    seen: list[tuple[str, str, Mapping[str, Any]]] = field(default_factory=list)
    drops_answers: bool = False
    first_look: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def submit(self, body: Mapping[str, Any]) -> _Task:
        prompt = body["input_items"][0]["content"][0]["text"]
        plan = next((plan for word, plan in self.plans.items() if word in prompt), CloudPlan())
        task = _Task(
            id=f"task_e_{next(self.numbers):032x}",
            prompt=prompt,
            environment=body["new_task"]["environment_id"],
            branch=body["new_task"]["branch"],
            attempts=(body.get("metadata") or {}).get("best_of_n", 1),
            plan=plan,
        )
        self.tasks[task.id] = task
        return task


@contextmanager
def codex_cloud_service(folder: Path) -> Iterator[CloudService]:
    """Run the service; `environment` holds the variables that lead the command to it."""
    authority, context = make_certificates(folder, HOST)
    holder: list[CloudService] = []

    def speak(connection: Any, address: Any) -> None:
        _Api(connection, address, SimpleNamespace(service=holder[0]))  # type: ignore[arg-type]

    with connect_proxy({f"{HOST}:443": (context, speak)}) as proxy:
        variables = {
            "HTTPS_PROXY": proxy.url,
            "CODEX_CA_CERTIFICATE": str(authority),
            "NO_PROXY": "",
            "no_proxy": "",
            "https_proxy": proxy.url,
        }
        holder.append(CloudService(proxy, variables))
        yield holder[0]


class _Api(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    @property
    def _service(self) -> CloudService:
        service: CloudService = self.server.service  # type: ignore[attr-defined]
        return service

    def do_GET(self) -> None:
        service, parts = self._service, urlsplit(self.path)
        with service.lock:
            if self._is_stopped({}):
                return
            if "/environments" in parts.path:
                self._json(200, [{"id": "env_1", "label": "acme/repo", "is_pinned": True}])
            elif parts.path.endswith("/tasks/list"):
                self._json(200, self._page(parse_qs(parts.query)))
            elif parts.path.endswith("/sibling_turns"):
                task = service.tasks[parts.path.split("/")[-4]]
                turns = [_sibling(task, index) for index in range(1, task.attempts)]
                self._json(200, {"sibling_turns": turns})
            else:
                self._details(parts.path.rsplit("/", 1)[-1])

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        with self._service.lock:
            if self._is_stopped(body):
                return
            task = self._service.submit(body)
            if self._service.drops_answers:
                self.close_connection = True
                return
            self._json(200, {"task": {"id": task.id}})

    def _is_stopped(self, body: Mapping[str, Any]) -> bool:
        service = self._service
        service.seen.append((self.command, self.path, body))
        if service.broken:
            self._json(service.broken.pop(0), {"detail": "scripted"})
            return True
        if not self.headers.get("authorization"):
            self._json(401, {"detail": "Unauthorized"})
            return True
        return False

    def _page(self, query: Mapping[str, list[str]]) -> dict[str, Any]:
        start, size = int(query.get("cursor", ["0"])[0]), int(query.get("limit", ["20"])[0])
        tasks = list(self._service.tasks.values())
        for task in tasks[start : start + size]:
            task.looks += 1
        items = [_list_item(task) for task in tasks[start : start + size]]
        more = str(start + size) if start + size < len(tasks) else None
        return {"items": items, "cursor": more}

    def _details(self, task_id: str) -> None:
        task = self._service.tasks.get(task_id)
        if task is None:
            self._json(404, {"detail": "not found"})
            return
        task.looks += 1
        self._service.first_look.set()
        self._json(200, _task_details(task))

    def _json(self, status: int, document: object) -> None:
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _siblings(task: _Task) -> list[str]:
    return [f"turn_{index}" for index in range(1, task.attempts)]


def _display(task: _Task) -> dict[str, Any]:
    stats = {"files_modified": 1, "lines_added": 1, "lines_removed": 0}
    return {
        "environment_label": "acme/repo",
        "latest_turn_status_display": {
            "turn_status": task.status,
            "updated_at": NOW,
            "created_at": NOW,
            "diff_stats": stats,
            "sibling_turn_ids": _siblings(task),
        },
    }


def _list_item(task: _Task) -> dict[str, Any]:
    return {
        "id": task.id,
        "title": task.prompt[:80],
        "has_generated_title": True,
        "updated_at": NOW,
        "created_at": NOW,
        "archived": False,
        "has_unread_turn": False,
        "task_status_display": _display(task),
        "pull_requests": [],
    }


def _output(task: _Task, index: int) -> list[dict[str, Any]]:
    if index >= len(task.plan.diffs):
        return []
    return [{"type": "output_diff", "diff": task.plan.diffs[index]}]


def _sibling(task: _Task, index: int) -> dict[str, Any]:
    return {
        "id": f"turn_{index}",
        "attempt_placement": index,
        "created_at": NOW,
        "turn_status": "completed",
        "output_items": _output(task, index),
    }


def _task_details(task: _Task) -> dict[str, Any]:
    message = {"content_type": "text", "text": "finished"}
    turn: dict[str, Any] = {
        "id": "turn_0",
        "attempt_placement": 0,
        "turn_status": task.status,
        "sibling_turn_ids": _siblings(task),
        "output_items": [{"type": "message", "role": "assistant", "content": [message]}],
    }
    if task.status == "failed":
        turn["error"] = {"code": "setup_failed", "message": "environment setup failed"}
    has_diff = task.status == "completed" and bool(_output(task, 0))
    return {
        "task": {
            **_list_item(task),
            "environment_id": task.environment,
            "is_review": False,
            "external_pull_requests": [],
        },
        "task_status_display": _display(task),
        "current_user_turn": {"id": "turn_u", "input_items": []},
        "current_assistant_turn": turn,
        "current_diff_task_turn": (
            {"id": "turn_0", "output_items": _output(task, 0)} if has_diff else None
        ),
    }
