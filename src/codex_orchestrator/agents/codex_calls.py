"""What the builder's Codex calls cost, and which of their failures end the run."""

import re
from collections.abc import Mapping
from typing import Any

from codex_orchestrator.agents.failures import RESUME
from codex_orchestrator.agents.roles import CODEX_TOOLS
from codex_orchestrator.model.codex_call import FailureCode
from codex_orchestrator.model.errors import (
    NotCheckedError,
    OrchestratorError,
    ServiceError,
)
from codex_orchestrator.model.spending import Spending, limit_reached

# Failures of the service: no other prompt can avoid them.
_OF_THE_SERVICE = frozenset(
    [
        FailureCode.RATE_LIMITED,
        FailureCode.MODEL_UNAVAILABLE,
        FailureCode.QUOTA_EXCEEDED,
        FailureCode.CODEX_EXITED,
    ]
)
_CODE = re.compile(r"(?:Error executing tool [a-z-]+: )?([a-z]+(?:-[a-z]+)+)\b")


class CodexCalls:
    """Counts what Codex's calls cost, as the bridge reports it with each."""

    def __init__(self, spending: Spending) -> None:
        self._spending = spending
        self._answer: Mapping[str, Any] = {}

    def note(self, answer: Mapping[str, Any]) -> None:
        """Keep the bridge's answer to the call that is ending."""
        self._answer = answer

    def take(self, tool: str, text: str) -> None:
        """Count a call that has ended; calls of other tools are left alone.

        Raises:
            LimitReachedError: Codex used more tokens than the run had left.
            ServiceError: Codex's model server failed after the bridge's retries.
            NotCheckedError: the server refused the key.
        """
        if tool not in CODEX_TOOLS:
            return
        answer, self._answer = self._answer, {}
        usage = answer.get("usage")
        if isinstance(usage, dict):
            self._spending.add(
                requests=_count(usage, "requests"),
                input_tokens=_count(usage, "inputTokens"),
                output_tokens=_count(usage, "outputTokens"),
            )
        failure = _failure(answer, text)
        if failure is not None:
            raise failure


def _failure(answer: Mapping[str, Any], text: str) -> OrchestratorError | None:
    error = answer.get("error")
    code = str(error.get("code", "")) if isinstance(error, dict) else ""
    if not answer and (found := _CODE.search(text[:400])):
        code = found.group(1)
    if code == FailureCode.TOKEN_LIMIT:
        return limit_reached("tokens", "Codex used more tokens than the run had left")
    if code == FailureCode.CREDENTIAL_REFUSED:
        return NotCheckedError(
            "the model server refused Codex's key", fix="codex-orchestrator credentials check"
        )
    if code in _OF_THE_SERVICE:
        return ServiceError(f"Codex could not finish its turn: {code}", fix=RESUME)
    return None


def _count(usage: dict[object, object], name: str) -> int:
    value = usage.get(name, 0)
    return value if isinstance(value, int) and value > 0 else 0
