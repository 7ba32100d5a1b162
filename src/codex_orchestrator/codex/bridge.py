"""The bridge to Codex: one session, opened when it is needed, and the rules for its callers."""

import json
import os
import threading
import time
from contextlib import ExitStack, suppress

from codex_orchestrator.codex.binary import CodexBinary
from codex_orchestrator.codex.escalation import parse_grants
from codex_orchestrator.codex.private_home import private_home
from codex_orchestrator.codex.retry import RetryPlan, run_with_retries
from codex_orchestrator.codex.session import (
    CodexSession,
    Progress,
    SessionSettings,
)
from codex_orchestrator.codex.token_budget import TokenBudget
from codex_orchestrator.model.approval import ApprovalKind
from codex_orchestrator.model.codex_call import (
    CALLER_SETTINGS,
    CodexCallError,
    Escalation,
    FailureCode,
    ThreadRequest,
    TurnReport,
)
from codex_orchestrator.model.decision import Decision, DecisionKind
from codex_orchestrator.model.engine import ModelEndpoint
from codex_orchestrator.model.server import BridgeRequest
from codex_orchestrator.system.clock import jitter
from codex_orchestrator.system.durable import append_line

_VALUE_CHARACTERS = 500
_RETRIES = 4


class CodexBridge:
    """Threads and turns for any caller inside `root`. Codex is started again when it died.

    Args:
        binary: the Codex to run.
        request: what the bridge is to do.
        endpoint: the model of calls that name none, and where every model is asked.
        retry_delay_s: the first wait when the model server is busy; it doubles each time.
    """

    def __init__(
        self,
        binary: CodexBinary,
        request: BridgeRequest,
        endpoint: ModelEndpoint,
        *,
        retry_delay_s: float = 1.0,
    ) -> None:
        self._binary = binary
        self._request = request
        self._endpoint = endpoint
        self._retry_delay_s = retry_delay_s
        self._grants = parse_grants(request.approvals)
        self._root = os.path.realpath(request.root)
        self._lock = threading.Lock()
        self._stack = ExitStack()
        self._session: CodexSession | None = None
        self._is_closed = False
        # Of the bridge, not of a session: Codex may die and be started again.
        self._budget = TokenBudget(request.tokens)

    @property
    def codex_version(self) -> str:
        """The version of the Codex binary in use."""
        return self._binary.version

    def warm_up(self) -> None:
        """Start Codex ahead of the first call; an error shows with the call itself."""
        with suppress(CodexCallError):
            self._open_session()

    def start_thread(self, request: ThreadRequest) -> str:
        """Start a thread.

        Raises:
            CodexCallError: the folder lies outside the root, callers may not set a setting, or
                Codex refused.
        """
        refused = sorted(set(request.config) - CALLER_SETTINGS)
        if refused:
            raise CodexCallError(
                FailureCode.INVALID_ARGUMENTS,
                f"config: {json.dumps(refused[0])} cannot be set by callers",
            )
        wanted = request._replace(
            cwd=self._inside(request.cwd), model=request.model or self._endpoint.model
        )
        try:
            return self._open_session().start_thread(wanted)
        except CodexCallError as error:
            if error.failure.code is not FailureCode.CODEX_EXITED:
                raise
        # Codex died while it was idle, and a thread that has not begun loses nothing.
        return self._open_session().start_thread(wanted)

    def run_turn(
        self, thread_id: str, prompt: str, *, on_progress: Progress, cancelled: threading.Event
    ) -> TurnReport:
        """Run a turn; while the model server is busy, run it again.

        Raises:
            CodexCallError: no such thread, or Codex ended.
        """
        session = self._open_session()
        plan = RetryPlan(
            attempts=_RETRIES,
            first_delay_s=self._retry_delay_s,
            jitter=jitter,
            sleep=cancelled.wait,
            monotonic=time.monotonic,
        )

        def run(text: str, timeout_s: float) -> TurnReport:
            return session.run_turn(thread_id, text, timeout_s=timeout_s, on_progress=on_progress)

        return run_with_retries(run, prompt, timeout_s=self._request.timeout_s, plan=plan)

    def interrupt(self, thread_id: str) -> None:
        """Stop the running turn of a thread and wait until it has stopped."""
        with self._lock:
            session = self._session
        if session is not None:
            session.interrupt(thread_id)

    def close(self) -> None:
        """End Codex and remove its folders; safe to call twice."""
        with self._lock:
            self._is_closed = True
            self._session = None
            self._stack.close()

    def _open_session(self) -> CodexSession:
        with self._lock:
            if self._is_closed:
                raise CodexCallError(FailureCode.CODEX_EXITED, "the bridge is closed")
            if self._session is None or not self._session.is_running:
                self._session = None
                self._stack.close()
                self._session = self._start()
            return self._session

    def _start(self) -> CodexSession:
        settings = SessionSettings(
            binary=self._binary,
            key=self._endpoint.key,
            base_url=self._endpoint.base_url,
            grants=self._grants,
            on_escalation=self._record,
            budget=self._budget,
        )
        with ExitStack() as stack:
            try:
                home = stack.enter_context(private_home())
            except OSError as error:
                raise CodexCallError(
                    FailureCode.CODEX_EXITED, f"no private folder for Codex: {error}"
                ) from error
            session = CodexSession(settings, home)
            session.start()
            stack.callback(session.close)
            self._stack = stack.pop_all()
        return session

    def _inside(self, cwd: str) -> str:
        real = os.path.realpath(os.path.join(self._root, cwd))
        if os.path.commonpath([real, self._root]) != self._root or not os.path.isdir(real):
            raise CodexCallError(
                FailureCode.OUTSIDE_ROOT, f"{json.dumps(cwd)} is not a folder in the root"
            )
        return real

    def _record(self, escalation: Escalation, granted: bool) -> None:  # noqa: FBT001 - a callback
        if self._request.decisions is None:
            return
        kind = DecisionKind.GRANTED
        if not granted:
            can_be = escalation.can_be_approved
            kind = DecisionKind.APPROVAL_REQUIRED if can_be else DecisionKind.REFUSED
        decision = Decision(
            kind,
            _rule_of(escalation),
            str(escalation)[:_VALUE_CHARACTERS],
            {"reason": escalation.reason, "detail": escalation.detail},
        )
        append_line(self._request.decisions, decision.line())


def _rule_of(escalation: Escalation) -> str:
    if escalation.kind is ApprovalKind.RUN:
        return f"the command {escalation.detail!r} asks to run outside the sandbox"
    if escalation.kind is ApprovalKind.EDIT:
        return f"a change of {escalation.detail or 'a protected file'}"
    return "Codex works without network"
