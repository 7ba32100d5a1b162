"""While foreign code can run, no process of the step shows what the step was started with."""

import os
import subprocess
import sys
import time
from pathlib import Path

from support.watch_processes import watching

CANARY = "sk-canary-0123456789abcdef"
KINDS = {
    "run": "codex_orchestrator run",
    "workspace server": "mcp workspace",
}


def shown_by(process: int) -> bytes:
    """Return the variables that the kernel shows of a process; nothing when it refuses them."""
    try:
        return Path(f"/proc/{process}/environ").read_bytes()
    except (PermissionError, FileNotFoundError, ProcessLookupError):
        return b""


def test_the_step_its_run_and_all_below_them_show_no_secret(project, tmp_path):
    (project.folder / "src" / "inventory" / "part.py").write_text("PART = 1\n")
    project.commit("a change")
    (tmp_path / "home").mkdir()
    names = ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STATE", "GITHUB_STEP_SUMMARY")
    files = {name: str(tmp_path / name) for name in names}
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path / "home"), "RUNNER_TEMP": str(tmp_path),
        "INPUT_COMMAND": "run", "INPUT_TASK": "0001-structured-logging", "OPENAI_API_KEY": CANARY,
        "INPUT_WORKING_DIRECTORY": str(project.folder), "GITHUB_TOKEN": f"{CANARY}-token", **files,
    }  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "-I", "-m", "codex_orchestrator", "action", "work"],
        env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
    ) as step:  # fmt: skip
        own = set()
        with watching(step.pid, CANARY, kinds=KINDS) as seen:
            while step.poll() is None:
                # In this order: a process that has children was started again before.
                children = Path(f"/proc/{step.pid}/task/{step.pid}/children").read_text()
                own.add((bool(children), CANARY.encode() in shown_by(step.pid)))
                time.sleep(0.01)
        out, _ = step.communicate()
    assert step.returncode == 0, out
    assert "verdict" in Path(files["GITHUB_OUTPUT"]).read_text()
    assert seen.leaks == set()
    assert set(seen.kinds) == set(KINDS)
    assert (True, True) not in own
    assert (True, False) in own
    assert CANARY not in out
