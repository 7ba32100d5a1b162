"""The bridge with the two client libraries that people use: `mcp` and the Agents SDK."""

import asyncio
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from agents import Agent, OpenAIResponsesModel, Runner, set_tracing_disabled
from agents.mcp import MCPServerStdio
from mcp import Client, MCPError, StdioServerParameters
from openai import AsyncOpenAI

from codex_orchestrator.cli.app import run
from codex_orchestrator.codex.binary import CodexBinary
from codex_orchestrator.model.server import ServerCommand
from support.codex_bridge import RawClient, bridge
from support.responses_server import (
    NEVER_ENDS,
    ResponsesServer,
    call,
    responses_server,
    say,
    shell_patch,
    step,
)


@pytest.fixture
def server() -> Iterator[ResponsesServer]:
    script = {
        "coder": [step(shell_patch("*** Add File: made.txt\n+x\n")), step(say("made it"))],
        "scripted": [step(say("hello"))],
        "endless": [NEVER_ENDS],
    }
    with responses_server(script) as running:
        yield running


@pytest.fixture
def launch(
    codex_binary: CodexBinary, server: ResponsesServer, repo: Path
) -> Iterator[ServerCommand]:
    with bridge(server, repo) as started:
        yield started


def test_the_mcp_client_lists_calls_hears_progress_and_gives_up(
    launch: ServerCommand, server: ResponsesServer, repo: Path
) -> None:
    async def talk() -> None:
        heard: list[str] = []

        async def hear(_done: float, _total: float | None, message: str | None) -> None:
            heard.append(message or "")

        async with Client(StdioServerParameters(**launch.as_params())) as client:
            tools = (await client.list_tools()).tools
            assert [tool.name for tool in tools] == ["codex", "codex-reply"]
            made = await client.call_tool(
                "codex", {"prompt": "go", "model": "coder"}, progress_callback=hear
            )
            assert not made.is_error
            assert made.structured_content is not None
            assert made.structured_content["files"] == [{"path": "made.txt", "change": "add"}]
            assert heard[-1] == "made it"
            with pytest.raises(MCPError):
                await client.call_tool(
                    "codex", {"prompt": "go", "model": "endless"}, read_timeout_seconds=1
                )
            call_for_ever = client.call_tool("codex", {"prompt": "go", "model": "endless"})
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(call_for_ever, 1)
            # Both turns were interrupted; else their threads would keep Codex busy.
            after = await client.call_tool("codex", {"prompt": "go"})
            assert after.content[0].text == "hello"

    asyncio.run(talk())
    assert (repo / "made.txt").read_text() == "x\n"


def test_an_agent_of_the_agents_sdk_builds_with_it(
    launch: ServerCommand, server: ResponsesServer, repo: Path
) -> None:
    set_tracing_disabled(True)
    wish = call("codex", prompt="make the file", model="coder")
    server.script["builder"] = [step(wish), step(say("built"))]

    async def build() -> object:
        async with (
            AsyncOpenAI(base_url=server.url, api_key="sk-sdk", max_retries=0) as openai,
            MCPServerStdio(
                params=launch.as_params(),  # type: ignore[arg-type]
                cache_tools_list=True,
                client_session_timeout_seconds=None,
                use_structured_content=True,
            ) as tools,
        ):
            model = OpenAIResponsesModel("builder", openai)
            agent = Agent(name="builder", model=model, mcp_servers=[tools])
            return (await Runner.run(agent, "build it")).final_output

    assert asyncio.run(build()) == "built"
    assert (repo / "made.txt").read_text() == "x\n"
    read_back = [request for request in server.requests if request.model == "builder"][-1]
    assert "made.txt" in read_back.input_text
    assert "totalTokens" in read_back.input_text


def test_the_key_is_given_once_and_to_the_child_only(launch: ServerCommand, tmp_path: Path) -> None:
    # A shell between us and the bridge makes it a grandchild: it must not get the key.
    argv = [*launch.argv, "--timeout", "5"]
    shell = ["sh", "-c", '"$@"; exit $?', "sh", *argv]
    began = time.monotonic()
    done = subprocess.run(
        shell, input=b"", capture_output=True, cwd=launch.cwd, env=launch.environment, check=False
    )
    assert done.returncode == 3, done.stderr
    assert b"gave no key" in done.stderr
    assert time.monotonic() - began < 30


def test_a_shell_gives_the_key_by_a_descriptor(
    codex_binary: CodexBinary, server: ResponsesServer, repo: Path
) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"sk-by-descriptor")
    os.close(writing)
    with bridge(server, repo) as launch:
        argv = list(launch.argv)
        place = argv.index("--key-socket")
        argv[place : place + 2] = ["--key-fd", str(reading)]
        with RawClient(launch._replace(argv=tuple(argv)), pass_fds=(reading,)) as client:
            os.close(reading)
            assert client.call("codex", prompt="go")["structuredContent"]["content"] == "hello"
    assert server.requests[-1].bearer == "sk-by-descriptor"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--approve", "sudo:everything"], 2),
        (["--base-url", "ftp://x"], 2),
        (["--codex", "/nonexistent"], 2),
        (["--key-fd", "99"], 3),
        (["--key-socket", "/nonexistent"], 3),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_bridge_that_cannot_start_says_why_with_its_exit_code(
    repo: Path, options: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["mcp", "codex", "--root", str(repo), "--model", "m", *options]) == code
    assert "error:" in capsys.readouterr().err
