"""A real Codex session that talks to a scripted model on loopback."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from codex_orchestrator.codex.binary import CodexBinary
from codex_orchestrator.codex.escalation import Grants
from codex_orchestrator.codex.private_home import private_home
from codex_orchestrator.codex.session import CodexSession, SessionSettings
from codex_orchestrator.codex.stall import LONGEST_WAIT_S
from codex_orchestrator.codex.token_budget import TokenBudget
from codex_orchestrator.model.codex_call import Escalation, ThreadRequest, TurnReport
from codex_orchestrator.model.credential import Scope, Secret
from support.responses_server import ResponsesServer, Script, Step, responses_server

KEY = "sk-canary-0123456789abcdef"


class SessionOnLoopback:
    """A session and its model server; each call gets a model name and a script of its own."""

    def __init__(self, session: CodexSession, server: ResponsesServer) -> None:
        self.session = session
        self.server = server
        self.escalations: list[tuple[Escalation, bool]] = []
        self._numbers = itertools.count()

    def script(self, script: Script, *, model: str = "") -> str:
        """Put a script into the server and return the model name that plays it."""
        name = model or f"scripted-{next(self._numbers)}"
        self.server.script[name] = script
        return name

    def thread(self, cwd: Path, script: Script, *, model: str = "", **more: Any) -> str:
        name = self.script(script, model=model)
        return self.session.start_thread(ThreadRequest(cwd=str(cwd), model=name, **more))

    def turn(
        self, cwd: Path, *steps: Step, model: str = "", timeout_s: float = 60, **more: Any
    ) -> TurnReport:
        thread = self.thread(cwd, steps, model=model, **more)
        return self.session.run_turn(thread, "go", timeout_s=timeout_s)

    def read_by(self, model: str) -> str:
        """Return all that a model was given to read."""
        return "\n".join(
            request.input_text for request in self.server.requests if request.model == model
        )


@contextmanager
def session_on_loopback(
    binary: CodexBinary,
    *,
    grants: Sequence[Any] = (),
    tokens: int | None = None,
    longest_wait_s: float = LONGEST_WAIT_S,
) -> Iterator[SessionOnLoopback]:
    """Start Codex against a scripted model server."""
    with responses_server({}) as server, private_home() as home:
        holder: list[SessionOnLoopback] = []
        settings = SessionSettings(
            binary=binary,
            key=Secret(KEY, scope=Scope.MODEL),
            base_url=server.url,
            grants=Grants(tuple(grants)),
            budget=TokenBudget(tokens),
            longest_wait_s=longest_wait_s,
            on_escalation=lambda asked, granted: holder[0].escalations.append((asked, granted)),
        )
        session = CodexSession(settings, home)
        session.start()
        holder.append(SessionOnLoopback(session, server))
        try:
            yield holder[0]
        finally:
            session.close()
