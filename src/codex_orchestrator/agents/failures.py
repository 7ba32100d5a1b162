"""Translates errors of the SDKs into errors of ours, with exit codes."""

from agents import AgentsException
from agents.exceptions import (
    InputGuardrailTripwireTriggered,
    MaxTurnsExceeded,
    ModelBehaviorError,
    ModelRefusalError,
    ModelTimeoutError,
    OutputGuardrailTripwireTriggered,
)
from openai import APIConnectionError, APIStatusError, OpenAIError

from codex_orchestrator.agents.guardrails import PROTECTED_PATHS_GUARDRAIL, SECRETS_GUARDRAIL
from codex_orchestrator.model.approval import protected_change
from codex_orchestrator.model.errors import (
    LEAKED,
    LimitReachedError,
    NotCheckedError,
    OrchestratorError,
    ServiceError,
)
from codex_orchestrator.model.spending import limit_reached

RESUME = "the work is kept; resume the run"


def explain(error: AgentsException | OpenAIError, *, role: str) -> OrchestratorError:
    """Return the error of ours that says what an SDK error means for the run."""
    if ours := _ours_inside(error):
        return ours
    if isinstance(error, InputGuardrailTripwireTriggered | OutputGuardrailTripwireTriggered):
        name = error.guardrail_result.guardrail.get_name()
        problem = error.guardrail_result.output.output_info
        if name == PROTECTED_PATHS_GUARDRAIL:
            return protected_change("the builder changed protected paths", problem)
        reason = LEAKED if name == SECRETS_GUARDRAIL else name
        return LimitReachedError(f"guardrail {name} stopped the {role}: {problem}", reason=reason)
    if isinstance(error, MaxTurnsExceeded):
        return limit_reached("turns", f"the {role} reached the limit of turns")
    if isinstance(error, ModelTimeoutError):
        return ServiceError(f"the model server did not answer the {role} in time", fix=RESUME)
    if isinstance(error, ModelRefusalError):
        return LimitReachedError(f"the model refused to act as {role}", reason="model-refused")
    if isinstance(error, ModelBehaviorError):
        return LimitReachedError(
            f"the {role}'s model gave an invalid answer: {error}", reason="model-broke-contract"
        )
    if isinstance(error, APIStatusError):
        return _status_error(error, role=role)
    if isinstance(error, APIConnectionError):
        return ServiceError(f"the model server cannot be reached ({role})", fix=RESUME)
    return ServiceError(f"the {role} stopped: {type(error).__name__}", fix=RESUME)


def _ours_inside(error: BaseException) -> OrchestratorError | None:
    """Find the error that a hook of ours raised: the SDK wraps what ends a tool call."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, OrchestratorError):
            return inner
        inner = inner.__cause__ or inner.__context__
    return None


def _status_error(error: APIStatusError, *, role: str) -> OrchestratorError:
    if error.status_code in (401, 403):
        return NotCheckedError(
            f"the model server refused the key (HTTP {error.status_code})",
            fix="check the key and what it may do; `codex-orchestrator credentials check`",
        )
    message = f"the model server answered HTTP {error.status_code} to the {role}"
    asked = error.response.headers.get("retry-after", "")
    if asked.isascii() and asked.isdecimal():
        message += f" and asks to wait {asked[:9]} s"
    return ServiceError(message, fix=RESUME)
