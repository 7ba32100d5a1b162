"""The team of agents: each call is one agent's turn loop under the run's limits."""

import asyncio
import secrets as randomness
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from typing import Any, cast

from agents import (
    Agent,
    AgentsException,
    ModelSettings,
    RunConfig,
    Runner,
    ToolExecutionConfig,
)
from agents.exceptions import ModelBehaviorError
from anyio.from_thread import BlockingPortal
from openai import OpenAIError
from pydantic import JsonValue

from codex_orchestrator.agents.decisions import DecisionLog
from codex_orchestrator.agents.events import EventHooks
from codex_orchestrator.agents.failures import RESUME, explain
from codex_orchestrator.agents.retries import retry_settings
from codex_orchestrator.agents.roles import Roles
from codex_orchestrator.model.build import BuildReport, Change, TestExplanation
from codex_orchestrator.model.check import CheckResult
from codex_orchestrator.model.errors import InterruptedRunError, ServiceError
from codex_orchestrator.model.frame import frame
from codex_orchestrator.model.pattern import PatternAsset, PatternUse
from codex_orchestrator.model.plan import Plan, PlanItem
from codex_orchestrator.model.policy import Rails
from codex_orchestrator.model.review import Review
from codex_orchestrator.model.spending import Spending
from codex_orchestrator.model.task import Task
from codex_orchestrator.system.clock import jitter

MAX_PATCH_CHARACTERS = 200_000


@dataclass(eq=False)
class SdkAgentTeam:
    """Four Agents SDK agents on one model and one workspace server."""

    roles: Roles
    portal: BlockingPortal
    spending: Spending
    decisions: DecisionLog
    hooks: EventHooks
    rails: Rails
    _call: Future[Any] | None = field(default=None, init=False)
    _is_stopped: bool = field(default=False, init=False)

    @property
    def patterns_used(self) -> tuple[PatternUse, ...]:
        """What the builder's apply_pattern calls did so far."""
        return self.decisions.uses()

    def stop(self) -> None:
        """End the running call and every later one with InterruptedRunError, from any thread."""
        self._is_stopped = True
        if self._call is not None:
            self._call.cancel()

    def plan(self, task: Task, patterns: Sequence[PatternAsset]) -> Plan:
        """Ask the planner."""
        offered: list[JsonValue] = [
            {"id": asset.id, "language": asset.language, "description": asset.description}
            for asset in patterns
        ]
        return cast("Plan", self._ask(self.roles.planner, task, patterns=offered))

    def build(self, task: Task, item: PlanItem, *, feedback: str) -> BuildReport:
        """Ask the builder to carry out one item in the work tree."""
        shown = item.model_dump(mode="json")
        answer = self._ask(self.roles.builder, task, item=shown, feedback=feedback)
        return cast("BuildReport", answer)

    def explain(self, task: Task, results: Sequence[CheckResult]) -> TestExplanation:
        """Ask the tester what the check results mean."""
        answer = self._ask(self.roles.tester, task, results=_results(results))
        return cast("TestExplanation", answer)

    def review(
        self, task: Task, plan: Plan, change: Change, results: Sequence[CheckResult]
    ) -> Review:
        """Ask the reviewer."""
        answer = self._ask(
            self.roles.reviewer,
            task,
            plan=plan.model_dump(mode="json"),
            change=_change_document(change),
            results=_results(results),
        )
        return cast("Review", answer)

    def _ask(self, agent: Agent[Any], task: Task, **facts: JsonValue) -> Any:
        document = {"task": {**task.model_dump(mode="json"), "brief": task.brief}, **facts}
        if known := {
            check: list(names) for check, names in self.rails.known_failures.items() if names
        }:
            document["tests_that_fail_before_the_change"] = known
        self._call = self.portal.start_task_soon(self._run, agent, document)
        # `stop` sets the flag before it reads the call; so it or this check cancels the call.
        if self._is_stopped:
            self._call.cancel()
        try:
            return self._call.result()
        except CancelledError:
            raise InterruptedRunError("the agents were stopped") from None

    async def _run(self, agent: Agent[Any], document: dict[str, JsonValue]) -> Any:
        """Run one agent within a stage's time."""
        try:
            left_s = self.spending.stage()
            async with asyncio.timeout(left_s()) as clock:
                return await self._run_twice(agent, document, left_s)
        except TimeoutError as error:
            if not clock.expired():
                raise ServiceError(f"a call of the {agent.name} timed out", fix=RESUME) from error
            raise self.spending.out_of_time(agent.name) from error

    async def _run_twice(
        self, agent: Agent[Any], document: dict[str, JsonValue], left_s: Callable[[], float]
    ) -> Any:
        """Run one agent; after an invalid answer, ask once more and say what was wrong."""
        for is_last in (False, True):
            try:
                # The provider of the model is somebody else: no secret is sent to it.
                message = frame(self.rails.mask(document), nonce=randomness.token_hex(16))
                return await self._run_once(agent, message, left_s)
            except ModelBehaviorError as error:
                if is_last:
                    raise explain(error, role=agent.name) from error
                document = {**document, "why_the_last_answer_was_refused": str(error)}
            except (AgentsException, OpenAIError) as error:
                raise explain(error, role=agent.name) from error
        raise AssertionError("the loop returns or raises")

    async def _run_once(self, agent: Agent[Any], message: str, left_s: Callable[[], float]) -> Any:
        result = await Runner.run(
            agent,
            message,
            # Turns are counted by the hooks, for all agents of the run together.
            max_turns=self.spending.limits.turns + 1,
            hooks=self.hooks,
            run_config=RunConfig(
                model_settings=ModelSettings(retry=retry_settings(left_s, jitter)),
                tracing_disabled=True,
                trace_include_sensitive_data=False,
                tool_not_found_behavior="return_error_to_model",
                # One work tree: two edits at once would race.
                tool_execution=ToolExecutionConfig(max_function_tool_concurrency=1),
            ),
        )
        return result.final_output


def _results(results: Sequence[CheckResult]) -> list[JsonValue]:
    return [result.model_dump(mode="json") for result in results]


def _change_document(change: Change) -> dict[str, JsonValue]:
    patch = change.patch.decode("utf-8", "replace")
    return {
        "paths": list(change.paths),
        "added_lines": change.added_lines,
        "removed_lines": change.removed_lines,
        "patch": patch[:MAX_PATCH_CHARACTERS],
        "patch_is_cut": len(patch) > MAX_PATCH_CHARACTERS,
    }
