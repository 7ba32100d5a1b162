"""What the builder's Codex calls cost, and which of their failures end the run."""

import json
import re

from agents import Usage

from codex_orchestrator.agents.roles import CODEX_TOOLS
from codex_orchestrator.model.errors import NotCheckedError, OrchestratorError, ServiceError

RESUME = "the work is kept; continue with `codex-orchestrator run --resume RUN`"
# The bridge's words for failures that no other prompt can mend.
_SERVICE_WORDS = ("rate-limited", "model-unavailable", "quota-exceeded", "codex-exited")
_WORD = re.compile(r"(?:Error executing tool [a-z-]+: )?([a-z]+(?:-[a-z]+)+)\b")


class CodexCalls:
    """Adds up the usage that the bridge reports with each call."""

    def __init__(self) -> None:
        self.usage = Usage()

    def take(self, tool: str, result: str) -> None:
        """Count one tool result; results of other tools are left alone.

        Raises:
            ServiceError: Codex's model server failed after the bridge's retries.
            NotCheckedError: the server refused the key.
        """
        if tool not in CODEX_TOOLS:
            return
        answer = _document(result)
        usage = answer.get("usage")
        if isinstance(usage, dict):
            self.usage.add(
                Usage(
                    requests=_count(usage, "requests"),
                    input_tokens=_count(usage, "inputTokens"),
                    output_tokens=_count(usage, "outputTokens"),
                    total_tokens=_count(usage, "totalTokens"),
                )
            )
        failure = _failure(answer, result)
        if failure is not None:
            raise failure


def _failure(answer: dict[str, object], result: str) -> OrchestratorError | None:
    error = answer.get("error")
    word = str(error.get("code", "")) if isinstance(error, dict) else ""
    if not word and not answer:
        found = _WORD.search(result[:400])
        word = found.group(1) if found else ""
    if word == "credential-refused":
        return NotCheckedError(
            "the model server refused Codex's key", fix="codex-orchestrator credentials check"
        )
    if word in _SERVICE_WORDS:
        return ServiceError(f"Codex could not finish its turn: {word}", fix=RESUME)
    return None


def _document(result: str) -> dict[str, object]:
    try:
        value = json.loads(result)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _count(usage: dict[object, object], name: str) -> int:
    value = usage.get(name, 0)
    return value if isinstance(value, int) and value > 0 else 0
