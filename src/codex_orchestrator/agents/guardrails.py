"""Guardrails of the agents: the spec guard before, secrets and protected paths after."""

from collections.abc import Callable
from typing import Any

from agents import (
    Agent,
    GuardrailFunctionOutput,
    InputGuardrail,
    OutputGuardrail,
    RunContextWrapper,
)
from agents.items import TResponseInputItem
from pydantic import BaseModel

Check = Callable[[], str]
"""Returns what is wrong, "" when nothing is."""
PROTECTED_PATHS_GUARDRAIL = "protected-paths"
TextCheck = Callable[[str], str]


def spec_guardrail(check: Check) -> InputGuardrail[Any]:
    """Return the input guardrail that stops an agent when the task's spec does not allow work."""

    async def spec_guard(
        _context: RunContextWrapper[Any], _agent: Agent[Any], _items: str | list[TResponseInputItem]
    ) -> GuardrailFunctionOutput:
        problem = check()
        return GuardrailFunctionOutput(output_info=problem, tripwire_triggered=bool(problem))

    return InputGuardrail(guardrail_function=spec_guard, name="spec-guard", run_in_parallel=False)


def secret_guardrail(check: TextCheck) -> OutputGuardrail[Any]:
    """Return the output guardrail that stops an answer which holds a secret."""

    async def secrets(
        _context: RunContextWrapper[Any], _agent: Agent[Any], output: object
    ) -> GuardrailFunctionOutput:
        text = output.model_dump_json() if isinstance(output, BaseModel) else str(output)
        problem = check(text)
        return GuardrailFunctionOutput(output_info=problem, tripwire_triggered=bool(problem))

    return OutputGuardrail(guardrail_function=secrets, name="secrets")


def protected_path_guardrail(check: Callable[[], tuple[str, ...]]) -> OutputGuardrail[Any]:
    """Return the output guardrail that stops a builder whose work tree touches protected paths."""

    async def protected_paths(
        _context: RunContextWrapper[Any], _agent: Agent[Any], _output: object
    ) -> GuardrailFunctionOutput:
        touched = check()
        return GuardrailFunctionOutput(output_info=touched, tripwire_triggered=bool(touched))

    return OutputGuardrail(guardrail_function=protected_paths, name=PROTECTED_PATHS_GUARDRAIL)
