"""Guardrails of the agents: the spec guard before, secrets and protected paths after."""

from collections.abc import Callable
from typing import Any

from agents import GuardrailFunctionOutput, InputGuardrail, OutputGuardrail
from pydantic import BaseModel

PROTECTED_PATHS_GUARDRAIL = "protected-paths"
SECRETS_GUARDRAIL = "secrets"


def spec_guardrail(check: Callable[[], str]) -> InputGuardrail[Any]:
    """Return the input guardrail that stops an agent when the task's spec does not allow work."""
    return InputGuardrail(lambda *_: _outcome(check()), name="spec-guard", run_in_parallel=False)


def secret_guardrail(check: Callable[[str], str]) -> OutputGuardrail[Any]:
    """Return the output guardrail that stops an answer which holds a secret."""

    def look(_context: object, _agent: object, output: object) -> GuardrailFunctionOutput:
        text = output.model_dump_json() if isinstance(output, BaseModel) else str(output)
        return _outcome(check(text))

    return OutputGuardrail(look, name=SECRETS_GUARDRAIL)


def protected_path_guardrail(check: Callable[[], tuple[str, ...]]) -> OutputGuardrail[Any]:
    """Return the output guardrail that stops a builder whose work tree touches protected paths."""
    return OutputGuardrail(lambda *_: _outcome(check()), name=PROTECTED_PATHS_GUARDRAIL)


def _outcome(found: object) -> GuardrailFunctionOutput:
    return GuardrailFunctionOutput(output_info=found, tripwire_triggered=bool(found))
