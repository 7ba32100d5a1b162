"""The MCP bridge, as any client meets it: over pipes, with the real Codex behind."""

import json
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from codex_orchestrator.codex.binary import CodexBinary
from codex_orchestrator.codex.private_home import private_home
from support.codex_bridge import KEY, RawClient, bridge
from support.connect_proxy import connect_proxy
from support.responses_server import (
    DIES,
    NEVER_ENDS,
    ResponsesServer,
    first,
    responses_server,
    say,
    shell,
    shell_patch,
    status,
    step,
)

LEGACY_ARGUMENTS = {
    *("prompt", "model", "cwd", "sandbox", "approval-policy", "config"),
    *("base-instructions", "developer-instructions"),
}
EDITS = [
    step(shell("echo one > by-command.txt")),
    step(shell_patch("*** Add File: by-patch.txt\n+two\n")),
    step(say("both made")),
]


@pytest.fixture(scope="module")
def server() -> Iterator[ResponsesServer]:
    with responses_server({"scripted": [step(say("hello"))]}) as running:
        yield running


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("root")
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    return folder


@pytest.fixture(scope="module")
def client(codex_binary: CodexBinary, server: ResponsesServer, root: Path) -> Iterator[RawClient]:
    with bridge(server, root) as launch, RawClient(launch) as running:
        yield running


def test_the_tools_have_the_names_and_arguments_that_codex_dropped(client: RawClient) -> None:
    tools = {tool["name"]: tool for tool in client.request("tools/list", {})["result"]["tools"]}
    assert set(tools) == {"codex", "codex-reply"}
    start, reply = tools["codex"]["inputSchema"], tools["codex-reply"]["inputSchema"]
    assert set(start["properties"]) == LEGACY_ARGUMENTS
    assert start["required"] == ["prompt"]
    assert set(reply["properties"]) == {"threadId", "prompt"}
    assert start["additionalProperties"] is reply["additionalProperties"] is False
    assert {"threadId", "content", "usage", "files", "commands"} <= set(
        tools["codex"]["outputSchema"]["required"]
    )


def test_a_call_edits_files_and_returns_what_it_did(
    client: RawClient, server: ResponsesServer, root: Path
) -> None:
    server.script["editor"] = EDITS
    result = client.call("codex", prompt="make them", model="editor")
    answer = result["structuredContent"]
    assert result["content"][0]["text"] == answer["content"] == "both made"
    assert answer["status"] == "completed"
    assert answer["files"] == [{"path": "by-patch.txt", "change": "add"}]
    assert [command["exitCode"] for command in answer["commands"]] == [0]
    assert answer["usage"]["requests"] == 3
    assert answer["usage"]["totalTokens"] == 330
    assert (root / "by-command.txt").read_text() == "one\n"
    assert (root / "by-patch.txt").read_text() == "two\n"


def test_a_reply_goes_on_with_the_thread(client: RawClient, server: ResponsesServer) -> None:
    begun = client.call("codex", prompt="remember the word heron")
    thread = begun["structuredContent"]["threadId"]
    # The wire name keeps its capital, so it is given as it is.
    params = {"name": "codex-reply", "arguments": {"threadId": thread, "prompt": "which word?"}}
    answer = client.request("tools/call", params)["result"]["structuredContent"]
    assert answer["threadId"] == thread
    assert "heron" in server.requests[-1].input_text
    assert "which word?" in server.requests[-1].input_text


def test_instructions_and_settings_reach_the_model(
    client: RawClient, server: ResponsesServer
) -> None:
    client.call(
        "codex",
        prompt="go",
        base_instructions="BASE-TEXT",
        developer_instructions="DEVELOPER-TEXT",
        config={"model_reasoning_effort": "low"},
    )
    last = server.requests[-1]
    assert "BASE-TEXT" in last.input_text
    assert "DEVELOPER-TEXT" in last.input_text
    assert last.body["reasoning"]["effort"] == "low"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"prompt": "go", "cwd": "/"}, "outside-root"),
        ({"prompt": "go", "cwd": "../.."}, "outside-root"),
        ({"prompt": "go", "cwd": "link-out"}, "outside-root"),
        ({"prompt": "go", "cwd": "no-such-folder"}, "outside-root"),
        ({"prompt": ""}, "invalid-arguments"),
        ({}, "invalid-arguments"),
        ({"prompt": "go", "sandbox": "danger-full-access"}, "invalid-arguments"),
        ({"prompt": "go", "approval-policy": "untrusted"}, "invalid-arguments"),
        ({"prompt": "go", "misspelt": 1}, "invalid-arguments"),
        ({"prompt": "go", "config": {"mcp_servers.x.command": "touch"}}, "invalid-arguments"),
        ({"prompt": "go", "config": {"sandbox_workspace_write.network_access": True}},
         "invalid-arguments"),
        ({"prompt": "go", "config": {"shell_environment_policy.inherit": "all"}},
         "invalid-arguments"),
        ({"threadId": "nope", "prompt": "go"}, "thread-unknown"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_call_that_may_not_be_is_refused_with_a_word(
    client: RawClient, server: ResponsesServer, root: Path, arguments: dict[str, object], code: str
) -> None:
    link = root / "link-out"
    if not link.is_symlink():
        link.symlink_to("/")
    asked = len(server.requests)
    tool = "codex-reply" if "threadId" in arguments else "codex"
    result = client.request("tools/call", {"name": tool, "arguments": arguments})["result"]
    assert result["isError"] is True
    assert result["structuredContent"]["error"]["code"] == code
    assert result["content"][0]["text"].startswith(f"{code}: ")
    assert len(server.requests) == asked


def test_an_unknown_tool_is_refused(client: RawClient) -> None:
    assert client.call("shell", prompt="x")["isError"] is True


def test_a_storm_of_429_is_sat_out(client: RawClient, server: ResponsesServer) -> None:
    busy = status(429, "rate_limit_exceeded")
    server.script["busy"] = first(4, busy, [step(say("after the storm"))])
    result = client.call("codex", prompt="patience", model="busy")
    assert result["structuredContent"]["content"] == "after the storm"
    assert "patience" in server.requests[-1].input_text


def test_a_storm_without_end_is_an_error_with_a_word(
    client: RawClient, server: ResponsesServer
) -> None:
    server.script["always-busy"] = [status(429, "rate_limit_exceeded")]
    before = len(server.requests)
    result = client.call("codex", prompt="go", model="always-busy")
    assert result["structuredContent"]["error"]["code"] == "rate-limited"
    assert len(server.requests) - before == 5, "one try and four more"


def test_what_a_failed_turn_did_is_reported_with_its_error(
    client: RawClient, server: ResponsesServer
) -> None:
    server.script["half"] = [step(shell_patch("*** Add File: half.txt\n+x\n")), DIES]
    result = client.call("codex", prompt="go", model="half")
    answer = result["structuredContent"]
    assert result["isError"] is True
    assert answer["error"]["code"] == "model-unavailable"
    assert answer["files"] == [{"path": "half.txt", "change": "add"}]
    assert answer["usage"]["requests"] == 1


def test_progress_is_told_to_a_client_that_asks(client: RawClient, server: ResponsesServer) -> None:
    server.script["talker"] = [step(shell("true")), step(say("finished"))]
    params = {"name": "codex", "arguments": {"prompt": "go", "model": "talker"}}
    client.notices.clear()
    client.request("tools/call", {**params, "_meta": {"progressToken": "t1"}})
    told = [notice["params"] for notice in client.notices]
    assert [line["progress"] for line in told] == [1, 2, 3]
    assert [line["message"] for line in told] == [
        "running /bin/bash -c true",
        "completed /bin/bash -c true",
        "finished",
    ]
    assert {line["progressToken"] for line in told} == {"t1"}


def test_a_cancelled_call_interrupts_its_turn(
    client: RawClient, server: ResponsesServer, root: Path
) -> None:
    (root / "begun").unlink(missing_ok=True)
    server.script["long"] = [step(shell("echo > begun; sleep 600")), step(say("never"))]
    params = {"name": "codex", "arguments": {"prompt": "go", "model": "long"}}
    number = client.start("tools/call", params)
    _wait_until((root / "begun").exists)
    client.send({"method": "notifications/cancelled", "params": {"requestId": number}})
    _wait_until(lambda: not _working_in(root, besides=client.process.pid))


def test_eight_calls_at_once_do_not_wait_for_each_other(
    codex_binary: CodexBinary, server: ResponsesServer, root: Path
) -> None:
    gate = threading.Barrier(8, timeout=60)

    def together(_request: object) -> object:
        gate.wait()
        return step(say("all here"))

    server.script["together"] = together  # type: ignore[assignment]
    with bridge(server, root) as launch, RawClient(launch) as many:
        for _ in range(8):
            many.start(
                "tools/call", {"name": "codex", "arguments": {"prompt": "go", "model": "together"}}
            )
        answers = [many.take() for _ in range(8)]
    assert {answer["result"]["structuredContent"]["content"] for answer in answers} == {"all here"}
    threads = {answer["result"]["structuredContent"]["threadId"] for answer in answers}
    assert len(threads) == 8


def test_a_turn_has_a_time_limit_and_the_next_one_works(
    codex_binary: CodexBinary, server: ResponsesServer, root: Path
) -> None:
    server.script["endless"] = [NEVER_ENDS]
    with bridge(server, root, timeout_s=1) as launch, RawClient(launch) as short:
        late = short.call("codex", prompt="go", model="endless")
        assert late["structuredContent"]["error"]["code"] == "turn-timeout"
        assert short.call("codex", prompt="go")["structuredContent"]["content"] == "hello"


def test_codex_is_started_again_when_it_died(
    codex_binary: CodexBinary, server: ResponsesServer, root: Path
) -> None:
    with bridge(server, root) as launch, RawClient(launch) as survivor:
        begun = survivor.call("codex", prompt="go")["structuredContent"]["threadId"]
        (codex,) = _children(survivor.process.pid)
        os.kill(codex, signal.SIGKILL)
        _wait_until(lambda: codex not in _children(survivor.process.pid, alive=True))
        again = survivor.call("codex", prompt="go")
        assert again["structuredContent"]["content"] == "hello"
        params = {"name": "codex-reply", "arguments": {"threadId": begun, "prompt": "go on"}}
        lost = survivor.request("tools/call", params)["result"]
        assert lost["structuredContent"]["error"]["code"] == "thread-unknown"


def test_a_declined_wish_is_written_down_for_the_engine(
    codex_binary: CodexBinary, server: ResponsesServer, root: Path, tmp_path: Path
) -> None:
    wish = shell(f"touch {tmp_path}/x", sandbox_permissions="require_escalated", justification="y")
    server.script["wishes"] = [step(wish), step(say("no luck"))]
    decisions = tmp_path / "decisions.jsonl"
    with bridge(server, root, decisions=decisions) as launch, RawClient(launch) as asking:
        answer = asking.call("codex", prompt="go", model="wishes")["structuredContent"]
    assert answer["status"] == "approval-required"
    assert answer["escalations"][0]["kind"] == "run"
    (record,) = map(json.loads, decisions.read_text().splitlines())
    assert record["decision"] == "approval-required"
    assert record["escalation"] == "run:touch"
    assert f"touch {tmp_path}/x" in record["rule"]
    approved = bridge(server, root, decisions=decisions, approvals=["run:touch"])
    with approved as launch, RawClient(launch) as granted:
        answer = granted.call("codex", prompt="go", model="wishes")["structuredContent"]
    assert answer["status"] == "completed"
    assert (tmp_path / "x").exists()


def test_the_key_is_in_no_file_and_no_process_and_nobody_calls_home(
    codex_binary: CodexBinary, server: ResponsesServer, root: Path, tmp_path: Path
) -> None:
    server.script["looker"] = [step(shell("echo > looking; sleep 2")), *EDITS]
    temporary = Path(tempfile.gettempdir())
    before = set(temporary.iterdir())

    def places() -> list[Path]:
        fresh = set(temporary.iterdir()) - before
        return [root, tmp_path, Path("/dev/shm"), *fresh]

    with connect_proxy() as proxy:
        names = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy")
        everywhere = dict.fromkeys(names, proxy.url)
        surroundings = {**everywhere, "NO_PROXY": "127.0.0.1", "A_CANARY": "canary-of-the-parent"}
        with bridge(server, root) as launch, RawClient(launch, surroundings) as quiet:
            quiet.start(
                "tools/call", {"name": "codex", "arguments": {"prompt": "go", "model": "looker"}}
            )
            _wait_until((root / "looking").exists)
            family = _descendants(quiet.process.pid)
            assert len(family) >= 3, "the bridge, Codex and its sandbox"
            traces = b"".join(_trace(process) for process in family)
            below = b"".join(_trace(process) for process in family[1:])
            found = _grep(KEY, places())
            answer = quiet.take()
    assert answer["result"]["structuredContent"]["content"] == "both made"
    assert server.requests[-1].bearer == KEY
    assert KEY.encode() not in traces
    assert b"canary-of-the-parent" not in below
    assert found == []
    assert _grep(KEY, places()) == []
    assert proxy.asked == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_bridge_that_is_killed_leaves_no_process_and_no_folder_for_the_next(
    codex_binary: CodexBinary, server: ResponsesServer, root: Path, number: signal.Signals
) -> None:
    (root / "working").unlink(missing_ok=True)
    server.script["worker"] = [step(shell("echo > working; sleep 600")), step(say("x"))]
    with bridge(server, root) as launch:
        doomed = RawClient(launch)
        with doomed:
            doomed.start(
                "tools/call", {"name": "codex", "arguments": {"prompt": "go", "model": "worker"}}
            )
            _wait_until((root / "working").exists)
            family = _descendants(doomed.process.pid)
            homes = _homes_of(family)
            assert homes
            doomed.process.send_signal(number)
            doomed.process.wait(20)
            _wait_until(lambda: not any(Path(f"/proc/{process}").exists() for process in family))
    if number is signal.SIGKILL:
        # Nobody can clean up after that; whoever starts next does.
        with private_home():
            pass
    assert not [home for home in homes if home.exists()]


def _wait_until(is_so: Callable[[], bool]) -> None:
    for _ in range(3000):
        if is_so():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come about")


def _children(parent: int, *, alive: bool = False) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[1] == str(parent) and not (alive and fields[0] == "Z"):
            found.append(int(folder.name))
    return found


def _descendants(parent: int) -> list[int]:
    return [parent, *(down for child in _children(parent) for down in _descendants(child))]


def _trace(process: int) -> bytes:
    folder = Path(f"/proc/{process}")
    try:
        return (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
    except OSError:
        return b""


def _working_in(folder: Path, *, besides: int) -> list[int]:
    found = []
    for cwd in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if cwd.readlink() == folder and int(cwd.parent.name) != besides:
                found.append(int(cwd.parent.name))
        except OSError:
            continue
    return found


def _homes_of(family: list[int]) -> list[Path]:
    text = b"\0".join(map(_trace, family)).decode(errors="replace")
    named = {
        Path(entry.partition("=")[2]).parent
        for entry in text.split("\0")
        if entry.startswith(("CODEX_HOME=", "TMPDIR=")) and "codex-orchestrator-home-" in entry
    }
    return sorted(named)


def _grep(word: str, places: list[Path]) -> list[str]:
    done = subprocess.run(
        ["grep", "-rlsF", "--devices=skip", "-e", word, "--", *map(str, places)],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.split()
