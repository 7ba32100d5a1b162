"""A thread of Codex, and the turn that runs in it."""

from typing import Any

from codex_orchestrator.codex.failure import failure_of_turn
from codex_orchestrator.codex.turn import TurnLog
from codex_orchestrator.model.codex_call import (
    Escalation,
    Failure,
    FailureCode,
    ThreadRequest,
    TurnReport,
    TurnStatus,
)

TOKENS_SPENT = Failure(FailureCode.TOKEN_LIMIT, "the turns used more tokens than allowed")
TURN_LATE = Failure(FailureCode.TURN_TIMEOUT, "the turn took longer than its time limit")
_SILENCE = "the model ended the turn without an answer; it may have refused"


class Thread:
    """A thread and, while one runs, its turn.

    `stopped_by` says why we stopped the turn, None when we did not.
    """

    def __init__(self, thread_id: str, request: ThreadRequest) -> None:
        self.id = thread_id
        self.request = request
        self.log = TurnLog(request.cwd, spent={})
        self.begin()
        self.end()

    def begin(self) -> None:
        """Prepare for a turn; its usage is counted from here."""
        self.log = TurnLog(self.request.cwd, spent=self.log.totals)
        self.turn_id = ""
        self.refused: list[Escalation] = []
        self.stopped_by: Failure | None = None
        self.is_cancelled, self.is_busy = False, True

    def end(self) -> None:
        """Let the next turn in."""
        self.is_busy = False

    def report(self) -> TurnReport:
        """Return what the turn did, once its end has been noted."""
        end = self.log.end or {}
        failure = self._failure(end)
        return TurnReport(
            thread_id=self.id,
            status=self._status(end, failure),
            content=self.log.content,
            usage=self.log.usage(),
            files=self.log.files,
            commands=tuple(self.log.commands),
            escalations=tuple(self.refused),
            failure=failure,
            duration_ms=int(end.get("durationMs") or 0),
        )

    def _status(self, end: dict[str, Any], failure: Failure | None) -> TurnStatus:
        if failure is not None:
            return "interrupted" if end.get("status") == "interrupted" else "failed"
        can_be = any(escalation.can_be_approved for escalation in self.refused)
        return "approval-required" if can_be else "completed"

    def _failure(self, end: dict[str, Any]) -> Failure | None:
        if end.get("status") == "completed":
            # Codex does not report a refusal by the model.
            is_silent = not self.log.content and not self.refused
            return Failure(FailureCode.NO_ANSWER, _SILENCE) if is_silent else None
        if self.stopped_by is not None:
            return self.stopped_by
        if end.get("status") == "interrupted":
            return Failure(FailureCode.INTERRUPTED, "the turn was interrupted")
        return failure_of_turn(end.get("error"))
