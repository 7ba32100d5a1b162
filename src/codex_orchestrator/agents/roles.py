"""The four roles as Agents SDK agents: instructions, tools, output types, guardrails."""

from importlib.resources import files
from typing import Any, NamedTuple

from agents import Agent, InputGuardrail, Model, ModelSettings, OutputGuardrail
from agents.mcp import MCPServer

from codex_orchestrator.model.build import BuildReport, TestExplanation
from codex_orchestrator.model.plan import Plan
from codex_orchestrator.model.review import Review

READ_TOOLS = frozenset({"read_file", "list_files", "search", "git_diff"})
EDIT_TOOLS = frozenset({"apply_patch", "apply_pattern", "run_check"})
TOOLS_BY_ROLE = {
    "planner": READ_TOOLS,
    "builder": READ_TOOLS | EDIT_TOOLS,
    "tester": frozenset[str](),
    "reviewer": READ_TOOLS,
}


class Guardrails(NamedTuple):
    """Which guardrails stand before and after the agents."""

    before_plan: InputGuardrail[Any]
    after_all: OutputGuardrail[Any]
    after_build: OutputGuardrail[Any]


class Roles(NamedTuple):
    """The four agents."""

    planner: Agent[Any]
    builder: Agent[Any]
    tester: Agent[Any]
    reviewer: Agent[Any]


def make_roles(
    model: Model, *, workspace: MCPServer, guardrails: Guardrails, timeout_s: float
) -> Roles:
    """Make the four agents on one model and one workspace server.

    `timeout_s` bounds one model request, in seconds.
    """
    settings = ModelSettings(parallel_tool_calls=False, store=False, timeout=timeout_s)

    def make(name: str, output_type: type[Any], *, builds: bool = False) -> Agent[Any]:
        return Agent(
            name=name,
            instructions=instructions(name),
            model=model,
            model_settings=settings,
            output_type=output_type,
            mcp_servers=[workspace] if TOOLS_BY_ROLE[name] else [],
            input_guardrails=[guardrails.before_plan] if name == "planner" else [],
            output_guardrails=[guardrails.after_all, *([guardrails.after_build] if builds else [])],
        )

    return Roles(
        planner=make("planner", Plan),
        builder=make("builder", BuildReport, builds=True),
        tester=make("tester", TestExplanation),
        reviewer=make("reviewer", Review),
    )


def instructions(role: str) -> str:
    """Return the instructions of a role, as they ship with the package."""
    return files("codex_orchestrator.agents").joinpath(f"instructions/{role}.md").read_text("utf-8")
