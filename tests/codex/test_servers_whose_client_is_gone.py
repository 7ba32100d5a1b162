"""A server whose client was killed ends without a word: there is nobody to tell, and no bug."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from codex_orchestrator.codex.binary import CodexBinary
from codex_orchestrator.system.environment import child_environment
from support.project import commit_all
from support.workspace_server import server_command

HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "killed", "version": "0"},
    },
}
POLICY = {"protected": [], "run": []}


@pytest.mark.parametrize("name", ["workspace", "codex"])
def test_a_server_that_cannot_answer_ends_and_leaves_no_report_of_a_bug(
    codex_binary: CodexBinary, repo: Path, tmp_path: Path, name: str
) -> None:
    commit_all(repo, "start")
    argv = server_command(repo, tmp_path, POLICY)
    if name == "codex":
        options = ["--model", "any", "--base-url", "http://127.0.0.1:9/v1"]
        argv = [*argv[:4], "codex", "--root", str(repo), *options, "--codex", codex_binary.path]
    (tmp_path / "temp").mkdir()
    environment = dict(child_environment(os.environ)) | {"TMPDIR": str(tmp_path / "temp")}
    reader, writer = os.pipe()
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=writer, stderr=subprocess.PIPE, env=environment
    ) as server:
        for end in (reader, writer):
            os.close(end)
        _, said = server.communicate(json.dumps(HELLO).encode() + b"\n")
    assert server.returncode in (0, 130)
    assert b"bug" not in said
    assert b"Traceback" not in said
    assert list((tmp_path / "temp").iterdir()) == []
