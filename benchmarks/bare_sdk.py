"""The floor of pipeline.py: four agents on the bare Agents SDK, in one process, and nothing else.

    python bare_sdk.py ASKED.json REPOSITORY TEST_COMMAND...

ASKED.json holds what each role of a real run was told: its instructions and its first message.
So the same texts go to the same server, and the tool calls that it answers with are carried out
by one MCP server over stdio. No work tree, no manifest, no audit log, no limits, no guardrails.
"""

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL
from pathlib import Path
from typing import Literal

from agents import Agent, ModelSettings, Runner, set_tracing_disabled
from agents.mcp import MCPServerStdio
from agents.models.openai_responses import OpenAIResponsesModel
from openai import AsyncOpenAI
from pydantic import BaseModel

TOOLS = Path(__file__).with_name("bare_tools.py")


class Item(BaseModel):
    id: str
    title: str
    instructions: str
    depends_on: list[str]
    requires_cloud: bool
    paths: list[str]
    step: str | None


class Plan(BaseModel):
    summary: str
    items: list[Item]
    risks: list[str]


class BuildReport(BaseModel):
    item_id: str
    is_done: bool
    summary: str
    notes: list[str]


class TestExplanation(BaseModel):
    summary: str
    likely_cause: str
    suggestion: str


class Finding(BaseModel):
    rule: str
    message: str


class Review(BaseModel):
    decision: Literal["approve", "request-changes"]
    findings: list[Finding]
    summary: str


async def main(asked: dict[str, dict[str, str]], repository: str, test: list[str]) -> int:
    """Plan, build, test and review; return 0 when the tests pass and the reviewer approves."""
    set_tracing_disabled(True)
    settings = ModelSettings(parallel_tool_calls=False, store=False)
    argv = {"command": sys.executable, "args": [str(TOOLS)], "cwd": repository}
    async with (
        AsyncOpenAI() as client,
        MCPServerStdio(argv, cache_tools_list=True) as tools,  # type: ignore[arg-type]
    ):
        model = OpenAIResponsesModel(model="scripted", openai_client=client)

        async def ask(role: str, output: type[BaseModel], *servers: MCPServerStdio) -> object:
            agent = Agent(
                name=role,
                instructions=asked[role]["instructions"],
                model=model,
                model_settings=settings,
                output_type=output,
                mcp_servers=list(servers),
            )
            return (await Runner.run(agent, asked[role]["message"])).final_output

        await ask("planner", Plan, tools)
        await ask("builder", BuildReport, tools)
        tested = await asyncio.create_subprocess_exec(
            *test, cwd=repository, stdout=DEVNULL, stderr=DEVNULL
        )
        await tested.wait()
        await ask("tester", TestExplanation)
        review = await ask("reviewer", Review, tools)
    is_approved = isinstance(review, Review) and review.decision == "approve"
    return int(tested.returncode != 0 or not is_approved)


if __name__ == "__main__":
    told = json.loads(Path(sys.argv[1]).read_bytes())
    sys.exit(asyncio.run(main(told, sys.argv[2], sys.argv[3:])))
