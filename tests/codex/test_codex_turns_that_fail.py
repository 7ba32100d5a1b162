"""Turns that do not complete: each has one machine word, and none goes on for ever."""

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from codex_orchestrator.codex.binary import CodexBinary
from codex_orchestrator.codex.private_home import private_home
from codex_orchestrator.codex.session import CodexSession, SessionSettings
from codex_orchestrator.model.codex_call import CodexCallError, FailureCode, ThreadRequest
from support.codex_session import SessionOnLoopback, session_on_loopback
from support.responses_server import (
    DIES,
    NEVER_ENDS,
    Script,
    Step,
    fails,
    first,
    refuse,
    say,
    shell,
    status,
    step,
)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (status(401, "invalid_api_key"), FailureCode.CREDENTIAL_REFUSED),
        (status(404, "model_not_found"), FailureCode.MODEL_UNKNOWN),
        (status(429, "rate_limit_exceeded"), FailureCode.RATE_LIMITED),
        (status(500), FailureCode.MODEL_UNAVAILABLE),
        (DIES, FailureCode.MODEL_UNAVAILABLE),
        (fails("context_length_exceeded"), FailureCode.CONTEXT_EXCEEDED),
        (fails("insufficient_quota"), FailureCode.QUOTA_EXCEEDED),
        (step(refuse("I will not")), FailureCode.NO_ANSWER),
    ],
    ids=lambda value: value.value if isinstance(value, FailureCode) else "",
)
def test_a_failed_turn_says_why(
    session: SessionOnLoopback, repo: Path, answer: Step, code: FailureCode
) -> None:
    report = session.turn(repo, answer)
    assert report.status == "failed"
    assert report.failure is not None
    assert report.failure.code is code


@pytest.mark.parametrize(
    ("busy", "code"), [(429, FailureCode.RATE_LIMITED), (503, FailureCode.MODEL_UNAVAILABLE)]
)
def test_a_server_that_asks_for_an_hour_is_not_waited_for(
    codex_binary: CodexBinary, repo: Path, busy: int, code: FailureCode
) -> None:
    with session_on_loopback(codex_binary, longest_wait_s=0.3) as impatient:
        report = impatient.turn(repo, status(busy, retry_after="3600"))
        asked = [one for one in impatient.server.requests if one.path.endswith("/responses")]
    assert report.status == "interrupted"
    assert report.failure is not None
    assert report.failure.code is code
    assert len(asked) == 1


def test_a_server_error_that_passes_fails_no_turn(session: SessionOnLoopback, repo: Path) -> None:
    thread = session.thread(repo, first(1, status(500), [step(say("in the end"))]))
    report = session.session.run_turn(thread, "go", timeout_s=60)
    assert (report.status, report.content) == ("completed", "in the end")


def test_a_stream_that_breaks_once_is_taken_up_again(
    session: SessionOnLoopback, repo: Path
) -> None:
    thread = session.thread(repo, first(1, DIES, [step(say("whole"))]))
    report = session.session.run_turn(thread, "go", timeout_s=60)
    assert (report.status, report.content) == ("completed", "whole")


def test_a_model_server_that_is_not_there_fails_the_turn(
    codex_binary: CodexBinary, repo: Path
) -> None:
    with private_home() as home:
        nobody = SessionSettings(codex_binary, None, base_url="http://127.0.0.1:9/v1")
        session = CodexSession(nobody, home)
        session.start()
        try:
            thread = session.start_thread(ThreadRequest(cwd=str(repo), model="any"))
            report = session.run_turn(thread, "go", timeout_s=60)
        finally:
            session.close()
    assert report.failure is not None
    assert report.failure.code is FailureCode.MODEL_UNAVAILABLE


@pytest.mark.parametrize(
    "script",
    [[NEVER_ENDS], [step(shell("sleep 600 & echo $! > pid; wait")), step(say("never"))]],
    ids=["the model", "a command"],
)
def test_a_turn_without_end_is_interrupted_at_its_time_limit(
    session: SessionOnLoopback, repo: Path, script: Script
) -> None:
    report = session.session.run_turn(session.thread(repo, script), "go", timeout_s=1)
    assert report.status == "interrupted"
    assert report.failure is not None
    assert report.failure.code is FailureCode.TURN_TIMEOUT
    assert _processes_in(repo) == []


def test_turns_that_use_more_tokens_than_they_may_are_stopped(
    codex_binary: CodexBinary, repo: Path
) -> None:
    script = [step(shell("echo again >> spent"))]
    with session_on_loopback(codex_binary, tokens=500) as limited:
        thread = limited.thread(repo, script)
        report = limited.session.run_turn(thread, "go", timeout_s=60)
        assert report.failure is not None
        assert report.failure.code is FailureCode.TOKEN_LIMIT
        assert 500 < report.usage.total_tokens < 1500
        again = limited.session.run_turn(thread, "go on", timeout_s=60)
        assert again.failure is not None
        assert again.failure.code is FailureCode.TOKEN_LIMIT


def test_a_command_that_a_completed_turn_left_running_is_ended(
    session: SessionOnLoopback, repo: Path
) -> None:
    left = shell("sleep 600", yield_time_ms=250)
    report = session.turn(repo, step(left), step(say("done, it runs on")))
    assert report.status == "completed"
    assert _processes_in(repo) == []


def test_an_interrupt_stops_the_turn_and_the_thread_can_go_on(
    session: SessionOnLoopback, repo: Path
) -> None:
    thread = session.thread(repo, first(1, NEVER_ENDS, [step(say("second wind"))]))
    asked = len(session.server.requests)
    ended: list[str] = []

    def run() -> None:
        ended.append(session.session.run_turn(thread, "go", timeout_s=60).status)

    turn = threading.Thread(target=run)
    turn.start()
    _wait_until(lambda: len(session.server.requests) > asked)
    with pytest.raises(CodexCallError) as busy:
        session.session.run_turn(thread, "me too", timeout_s=60)
    assert busy.value.failure.code is FailureCode.THREAD_BUSY
    session.session.interrupt(thread)
    turn.join()
    assert ended == ["interrupted"]
    assert session.session.run_turn(thread, "again", timeout_s=60).content == "second wind"


def test_a_second_turn_remembers_the_first_and_counts_its_own_tokens(
    session: SessionOnLoopback, repo: Path
) -> None:
    model = session.script([step(shell("true")), step(say("first answer"))])
    thread = session.session.start_thread(ThreadRequest(cwd=str(repo), model=model))
    one = session.session.run_turn(thread, "the first prompt", timeout_s=60)
    session.server.script[model] = [step(say("second answer"))]
    two = session.session.run_turn(thread, "the second prompt", timeout_s=60)
    last = session.server.requests[-1].input_text
    assert "the first prompt" in last
    assert "first answer" in last
    assert (one.usage.requests, one.usage.input_tokens, one.usage.output_tokens) == (2, 200, 20)
    assert (two.usage.requests, two.usage.input_tokens, two.usage.output_tokens) == (1, 100, 10)


def test_an_unknown_thread_is_named(session: SessionOnLoopback) -> None:
    with pytest.raises(CodexCallError, match="thread-unknown"):
        session.session.run_turn("00000000-0000-0000-0000-000000000000", "go", timeout_s=60)


def test_when_codex_dies_the_turn_ends_and_so_do_its_commands(
    codex_binary: CodexBinary, repo: Path
) -> None:
    before = _children_named("app-server")
    with session_on_loopback(codex_binary) as running:
        thread = running.thread(repo, [step(shell("echo > begun; sleep 600")), step(say("x"))])
        caught: list[CodexCallError] = []

        def run() -> None:
            try:
                running.session.run_turn(thread, "go", timeout_s=60)
            except CodexCallError as error:
                caught.append(error)

        turn = threading.Thread(target=run)
        turn.start()
        _wait_until((repo / "begun").exists)
        (server,) = _children_named("app-server") - before
        os.kill(int(server), signal.SIGKILL)
        turn.join()
        assert caught[0].failure.code is FailureCode.CODEX_EXITED
        assert not running.session.is_running
        assert _processes_in(repo) == []


DEAF = """#!/usr/bin/env python3
import json, os, pathlib, signal, sys, time
pathlib.Path(sys.argv[0] + ".pid").write_text(str(os.getpid()))
request = json.loads(sys.stdin.readline())
os.close(0)
print(json.dumps({{"id": request["id"], "result": {{"userAgent": "x/0.169.0"}}}}), flush=True)
{then}
time.sleep(600)
"""


@pytest.mark.parametrize(
    "then",
    ["", "signal.signal(signal.SIGTERM, signal.SIG_IGN)", "os.close(1); os.close(2)"],
    ids=["stops reading", "ignores SIGTERM besides", "closes its output besides"],
)
def test_a_codex_that_stops_reading_is_an_error_and_leaves_no_process(
    tmp_path: Path, then: str
) -> None:
    codex = tmp_path / "codex"
    codex.write_text(DEAF.format(then=then))
    codex.chmod(0o755)
    with private_home() as home:
        settings = SessionSettings(binary=CodexBinary(str(codex), "0.169.0"), key=None)
        with pytest.raises(CodexCallError):
            CodexSession(settings, home).start()
    pid = int((tmp_path / "codex.pid").read_text())
    assert not Path(f"/proc/{pid}").exists()


def _wait_until(is_so: Callable[[], bool]) -> None:
    for _ in range(3000):
        if is_so():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come about")


def _children_named(word: str) -> set[str]:
    """Return the ids of this process's children that have a word in their command line."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status_text = (folder / "stat").read_text().rpartition(")")[2].split()
            command = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        own = Path("/proc/self").resolve().name
        if status_text[1] == own and word in command:
            found.add(folder.name)
    return found


def _processes_in(folder: Path) -> list[str]:
    """Return the processes that work in a folder, once those that are ending have ended."""
    for _ in range(200):
        found = []
        for cwd in Path("/proc").glob("[0-9]*/cwd"):
            try:
                if cwd.readlink() == folder:
                    found.append(cwd.parent.name)
            except OSError:
                continue
        if not found:
            return []
        time.sleep(0.01)
    return found
