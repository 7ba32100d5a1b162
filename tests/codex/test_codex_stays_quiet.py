"""With no network at all Codex works, and does not even try to reach anybody."""

from pathlib import Path

import pytest

from codex_orchestrator.codex.binary import CodexBinary
from support.no_network import run_without_network

TURN = """
from pathlib import Path
from codex_orchestrator.codex.binary import find_codex
from support.codex_session import session_on_loopback
from support.no_network import attempts_to_get_out, loopback_up
from support.responses_server import say, shell, step

loopback_up()
with session_on_loopback(find_codex(sys.argv[1])) as session:
    for _ in range(2):
        report = session.turn(Path(sys.argv[2]), step(shell("true")), step(say("ok")))
        assert report.status == "completed", report
print(attempts_to_get_out())
"""
TALKER = """
import socket
from support.no_network import attempts_to_get_out, loopback_up

loopback_up()
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as talker:
    try:
        talker.sendto(b"x", (sys.argv[1], 53))
    except OSError:
        pass
print(attempts_to_get_out())
"""


def test_two_turns_make_no_attempt_to_reach_anybody(codex_binary: CodexBinary, repo: Path) -> None:
    assert run_without_network(TURN, codex_binary.path, str(repo)).strip() == "0"


@pytest.mark.parametrize("address", ["192.0.2.1", "127.0.0.53"], ids=["away", "a resolver here"])
def test_an_attempt_to_reach_somebody_would_be_counted(address: str) -> None:
    assert run_without_network(TALKER, address).strip() == "1"
