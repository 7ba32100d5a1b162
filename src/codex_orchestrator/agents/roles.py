"""The four roles as Agents SDK agents: instructions, tools, output types, guardrails."""

from collections.abc import Sequence
from importlib.resources import files
from typing import Any, NamedTuple

from agents import Agent, InputGuardrail, Model, ModelSettings, OutputGuardrail
from agents.mcp import MCPServer

from codex_orchestrator.agents.answers import AnswerSchema
from codex_orchestrator.agents.guardrails import (
    protected_path_guardrail,
    secret_guardrail,
    spec_guardrail,
)
from codex_orchestrator.model.build import BuildReport, TestExplanation
from codex_orchestrator.model.document import Document
from codex_orchestrator.model.plan import Plan
from codex_orchestrator.model.policy import Rails
from codex_orchestrator.model.review import Review

READ_TOOLS = frozenset({"read_file", "list_files", "search", "git_diff"})
CODEX_TOOLS = frozenset({"codex", "codex-reply"})
REQUEST_TIMEOUT_S = 600.0


class Roles(NamedTuple):
    """The four agents."""

    planner: Agent[Any]
    builder: Agent[Any]
    tester: Agent[Any]
    reviewer: Agent[Any]


def workspace_offers(*, has_codex: bool) -> dict[str, frozenset[str]]:
    """Return which tools of the workspace server each role is shown."""
    # With Codex as builder there is one way to write text: two would not know of each other.
    patching = frozenset() if has_codex else frozenset({"apply_patch"})
    builder = READ_TOOLS | {"apply_pattern", "run_check"} | patching
    return {"planner": READ_TOOLS, "builder": builder, "reviewer": READ_TOOLS}


def make_roles(
    model: Model, *, workspace: MCPServer, codex: MCPServer | None, rails: Rails
) -> Roles:
    """Make the four agents on one model, a workspace server and, for its builder, Codex."""
    settings = ModelSettings(parallel_tool_calls=False, store=False, timeout=REQUEST_TIMEOUT_S)
    secrets = secret_guardrail(rails.secrets)

    def make(
        name: str,
        answer: type[Document],
        *servers: MCPServer,
        text: str = "",
        before: Sequence[InputGuardrail[Any]] = (),
        after: Sequence[OutputGuardrail[Any]] = (),
    ) -> Agent[Any]:
        return Agent(
            name=name,
            instructions=instructions(text or name),
            model=model,
            model_settings=settings,
            output_type=AnswerSchema(answer),
            mcp_servers=list(servers),
            input_guardrails=list(before),
            output_guardrails=[secrets, *after],
        )

    return Roles(
        planner=make("planner", Plan, workspace, before=[spec_guardrail(rails.spec)]),
        builder=make(
            "builder",
            BuildReport,
            *([workspace, codex] if codex else [workspace]),
            text="builder-codex" if codex else "builder",
            after=[protected_path_guardrail(rails.protected)],
        ),
        tester=make("tester", TestExplanation),
        reviewer=make("reviewer", Review, workspace),
    )


def instructions(role: str) -> str:
    """Return the instructions of a role, as they ship with the package."""
    return files("codex_orchestrator.agents").joinpath(f"instructions/{role}.md").read_text("utf-8")
