"""The four roles as Agents SDK agents: instructions, tools, output types, guardrails."""

from importlib.resources import files
from typing import Any, NamedTuple

from agents import Agent, InputGuardrail, Model, ModelSettings, OutputGuardrail
from agents.mcp import MCPServer

from codex_orchestrator.agents.answers import AnswerSchema
from codex_orchestrator.model.build import BuildReport, TestExplanation
from codex_orchestrator.model.document import Document
from codex_orchestrator.model.plan import Plan
from codex_orchestrator.model.review import Review

READ_TOOLS = frozenset({"read_file", "list_files", "search", "git_diff"})
CODEX_TOOLS = frozenset({"codex", "codex-reply"})
# With Codex as builder there is one way to write text: two would not know of each other.
_BUILDER_TOOLS = {
    "workspace": READ_TOOLS | {"apply_patch", "apply_pattern", "run_check"},
    "codex": READ_TOOLS | {"apply_pattern", "run_check"},
}


class Guardrails(NamedTuple):
    """The guardrails before and after the agents."""

    before_plan: InputGuardrail[Any]
    after_all: OutputGuardrail[Any]
    after_build: OutputGuardrail[Any]


class Roles(NamedTuple):
    """The four agents."""

    planner: Agent[Any]
    builder: Agent[Any]
    tester: Agent[Any]
    reviewer: Agent[Any]


def workspace_offers(builder: str) -> dict[str, frozenset[str]]:
    """Return which tools of the workspace server each role is shown."""
    return {"planner": READ_TOOLS, "builder": _BUILDER_TOOLS[builder], "reviewer": READ_TOOLS}


def make_roles(
    model: Model,
    *,
    workspace: MCPServer,
    codex: MCPServer | None,
    guardrails: Guardrails,
    timeout_s: float,
) -> Roles:
    """Make the four agents on one model, a workspace server and, for its builder, Codex.

    `timeout_s` bounds one model request, in seconds.
    """
    settings = ModelSettings(parallel_tool_calls=False, store=False, timeout=timeout_s)

    def make(
        name: str,
        answer: type[Document],
        *servers: MCPServer,
        text: str = "",
        builds: bool = False,
    ) -> Agent[Any]:
        return Agent(
            name=name,
            instructions=instructions(text or name),
            model=model,
            model_settings=settings,
            output_type=AnswerSchema(answer),
            mcp_servers=list(servers),
            input_guardrails=[guardrails.before_plan] if name == "planner" else [],
            output_guardrails=[guardrails.after_all, *([guardrails.after_build] if builds else [])],
        )

    return Roles(
        planner=make("planner", Plan, workspace),
        builder=(
            make("builder", BuildReport, workspace, builds=True)
            if codex is None
            else make("builder", BuildReport, workspace, codex, text="builder-codex", builds=True)
        ),
        tester=make("tester", TestExplanation),
        reviewer=make("reviewer", Review, workspace),
    )


def instructions(role: str) -> str:
    """Return the instructions of a role, as they ship with the package."""
    return files("codex_orchestrator.agents").joinpath(f"instructions/{role}.md").read_text("utf-8")
