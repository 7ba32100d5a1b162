"""Threads and turns of Codex on this machine: hardened and bounded."""

import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, NamedTuple

from codex_orchestrator.codex.binary import CodexBinary
from codex_orchestrator.codex.escalation import Grants, parse_request
from codex_orchestrator.codex.failure import failure_of_turn
from codex_orchestrator.codex.hardening import (
    HARDENING,
    PROVIDER,
    codex_environment,
    provider_settings,
    turn_sandbox,
)
from codex_orchestrator.codex.private_home import PrivateHome
from codex_orchestrator.codex.stall import LONGEST_WAIT_S, StallWatch
from codex_orchestrator.codex.thread import TOKENS_SPENT, TURN_LATE, Thread
from codex_orchestrator.codex.token_budget import TokenBudget
from codex_orchestrator.model.codex_call import (
    CodexCallError,
    Escalation,
    Failure,
    FailureCode,
    ThreadRequest,
    TurnReport,
)
from codex_orchestrator.model.config import OPENAI_URL
from codex_orchestrator.model.credential import Secret
from codex_orchestrator.text.names import search_path

INTERRUPT_TIMEOUT_S = 10.0
_PATHS_TIMEOUT_S = 2.0
Progress = Callable[[str], None]


class SessionSettings(NamedTuple):
    """What a session is made with; `key` is None for a server that wants none.

    `longest_wait_s` bounds how long Codex may wait before it tries a request again.
    """

    binary: CodexBinary
    key: Secret | None
    base_url: str = OPENAI_URL
    grants: Grants = Grants()
    on_escalation: Callable[[Escalation, bool], None] = lambda _escalation, _granted: None
    budget: TokenBudget | None = None
    longest_wait_s: float = LONGEST_WAIT_S


class CodexSession:
    """A hardened app-server with its threads. One turn at a time in each thread."""

    def __init__(self, settings: SessionSettings, home: PrivateHome) -> None:
        # The package takes a second to import: a bridge answers its client before that.
        from codex_orchestrator.codex.app_server import AppServer

        path = os.pathsep.join([*settings.binary.tool_dirs, search_path(os.environ)])
        self._settings = settings
        self._threads: dict[str, Thread] = {}
        self._lock = threading.Lock()
        self._server = AppServer(
            settings.binary,
            settings=(
                *HARDENING,
                *provider_settings(settings.base_url, has_key=settings.key is not None),
            ),
            environment={
                **codex_environment(os.environ, home=str(home.home)),
                "PATH": path,
                "CODEX_HOME": str(home.codex),
                "TMPDIR": str(home.temp),
            },
            cwd=str(home.home),
            answer=self._answer,
        )

    def start(self) -> None:
        """Start Codex and log in; the session is ended when that fails."""
        try:
            self._server.start()
            if self._settings.key is not None:
                self._server.log_in(self._settings.key)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End Codex and with it every command that still runs in its sandbox."""
        self._server.close()

    @property
    def is_running(self) -> bool:
        """Say whether Codex is running."""
        return self._server.is_running

    @property
    def user_agent(self) -> str:
        """What the app-server calls itself, with its version."""
        return self._server.user_agent

    def start_thread(self, request: ThreadRequest) -> str:
        """Start a thread that exists in memory only, and return its id.

        The thread starts read-only and each turn brings its own sandbox: for a thread that
        starts writable Codex trusts the folder by itself, and then runs the programs that the
        folder's `.codex/config.toml` names, outside the sandbox.
        """
        params = {
            "cwd": request.cwd,
            "model": request.model or None,
            "modelProvider": PROVIDER,
            "sandbox": "read-only",
            "approvalPolicy": request.approval_policy,
            "approvalsReviewer": "user",
            "ephemeral": True,
            "config": dict(request.config) or None,
            "baseInstructions": request.base_instructions or None,
            "developerInstructions": request.developer_instructions or None,
        }
        wanted = {name: value for name, value in params.items() if value is not None}
        thread_id = str(self._server.call("thread/start", wanted)["thread"]["id"])
        with self._lock:
            self._threads[thread_id] = Thread(thread_id, request)
        return thread_id

    def run_turn(
        self,
        thread_id: str,
        prompt: str,
        *,
        timeout_s: float,
        on_progress: Progress = lambda _: None,
    ) -> TurnReport:
        """Run one turn to its end and report it; a failed turn is a report, too.

        Args:
            thread_id: a thread of this session.
            prompt: what to do.
            timeout_s: seconds after which the turn is interrupted.
            on_progress: gets a line for each command, edit and message.

        Raises:
            CodexCallError: no such thread, the thread is busy, or Codex ended.
        """
        with self._claimed(thread_id) as thread:
            settings = {
                "sandboxPolicy": turn_sandbox(thread.request.sandbox),
                "approvalPolicy": thread.request.approval_policy,
            }
            turn_id = self._server.start_turn(thread_id, prompt, settings)
            thread.turn_id = turn_id
            if thread.is_cancelled:
                self._stop(thread)
            watch = threading.Timer(timeout_s, self._stop_late, (thread,))
            watch.daemon = True
            watch.start()
            stall = StallWatch(self._settings.longest_wait_s, partial(self._stop_stalled, thread))
            try:
                for method, params in self._server.notifications(turn_id):
                    stall.see(method, params)
                    line = thread.log.note(method, params)
                    self._watch_budget(thread)
                    if line:
                        on_progress(line)
            finally:
                watch.cancel()
                stall.end()
            self._end_commands(thread)
            return thread.report()

    def interrupt(self, thread_id: str) -> None:
        """Stop the running turn of a thread; returns when it has ended, or Codex was killed."""
        with self._lock:
            thread = self._threads.get(thread_id)
        if thread is not None and thread.is_busy:
            thread.is_cancelled = True
            if thread.turn_id:
                self._stop(thread)
            if not thread.log.wait_for_end(INTERRUPT_TIMEOUT_S):
                self._server.kill()

    def _watch_budget(self, thread: Thread) -> None:
        """Count what the turn used; stop it when that is more than allowed."""
        budget = self._settings.budget
        if budget is None:
            return
        budget.spend(thread.log.take_new_tokens())
        if budget.is_spent and thread.stopped_by is not TOKENS_SPENT:
            thread.stopped_by = TOKENS_SPENT
            # This thread reads Codex's answers, so it cannot wait for an answer itself.
            threading.Thread(target=self._stop, args=(thread,), daemon=True).start()

    def _end_commands(self, thread: Thread) -> None:
        # A command that the turn left running would change files while the tests run.
        try:
            self._server.call("thread/backgroundTerminals/clean", {"threadId": thread.id})
        except CodexCallError:
            self._server.kill()
            raise

    def _stop_late(self, thread: Thread) -> None:
        thread.stopped_by = thread.stopped_by or TURN_LATE
        self._stop(thread)
        if not thread.log.wait_for_end(INTERRUPT_TIMEOUT_S):
            self._server.kill()

    def _stop_stalled(self, thread: Thread, error: Mapping[str, Any]) -> None:
        busy = failure_of_turn(error)
        reason = error.get("additionalDetails") or busy.message
        stalled = Failure(busy.code, f"Codex waited too long before a retry: {reason}")
        thread.stopped_by = thread.stopped_by or stalled
        self._stop(thread)

    def _stop(self, thread: Thread) -> None:
        stop = {"threadId": thread.id, "turnId": thread.turn_id}
        # The turn or Codex may end at the same moment: both end the wait for it.
        with suppress(CodexCallError):
            self._server.call("turn/interrupt", stop)

    @contextmanager
    def _claimed(self, thread_id: str) -> Iterator[Thread]:
        with self._lock:
            thread = self._threads.get(thread_id)
            if thread is None:
                raise CodexCallError(
                    FailureCode.THREAD_UNKNOWN,
                    f"no thread {json.dumps(thread_id)}",
                    fix="start one with the tool `codex`; threads end with the server",
                )
            if thread.is_busy:
                raise CodexCallError(FailureCode.THREAD_BUSY, "this thread already runs a turn")
            thread.begin()
        try:
            yield thread
        finally:
            thread.end()

    def _answer(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Answer a request of Codex. Called on the reading thread, so it must not wait."""
        with self._lock:
            thread = self._threads.get(str(params.get("threadId") or params.get("conversationId")))
        paths: tuple[str, ...] = ()
        if thread is not None and "fileChange" in method:
            paths = thread.log.wait_for_paths(str(params.get("itemId")), _PATHS_TIMEOUT_S)
        escalation = parse_request(method, params, paths=paths)
        if escalation is None:
            return {}
        granted = self._settings.grants.allow(
            escalation, paths=paths, command=str(params.get("command") or "")
        )
        if thread is not None and not granted:
            thread.refused.append(escalation)
        self._settings.on_escalation(escalation, granted)
        if "permissions" in method:
            return {"permissions": {}, "scope": "turn"}
        return {"decision": "accept" if granted else "decline"}
