"""The model's key during and after a whole run with the real Codex: where it is, and is not."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from support.capabilities import drop_capabilities
from support.codex_run import KEY, LOUD, TASK, Course, codex_run, processes_of
from support.project import task_with
from support.responses_server import patch, say, shell, step
from support.watch_processes import files_with, watching

KINDS = {
    "workspace server": "mcp workspace",
    "bridge": "mcp codex",
    "app-server": " app-server",
    "sandboxed command": "sleep 0.707",
    "check": "test_runner.py pytest",
    "git": "git ",
}
# What an agent, or a test that an agent wrote, would try: every process that it can see.
LOOK = """
import glob
found = 0
for name in glob.glob("/proc/[0-9]*/environ") + glob.glob("/proc/[0-9]*/cmdline"):
    try:
        found += MARK.encode() in open(name, "rb").read()
    except OSError:
        pass
"""
MARK = f"MARK = {KEY[:9]!r} + {KEY[9:]!r}\n"
TEST_THAT_LOOKS = MARK + "def test_no_process_shows_the_key():\n" + "".join(
    f"    {line}\n" for line in LOOK.strip().splitlines()
) + "    assert found == 0\n"  # fmt: skip


def test_no_child_no_file_and_no_prompt_of_a_codex_run_ever_holds_the_key(tmp_path: Path) -> None:
    look = shell("sleep 0.707; env; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline | tr '\\0' '\\n'")
    course = Course(codex={"BUILD": [step(patch(LOUD)), step(look), step(say("done"))]})
    places = (
        f"{tmp_path.relative_to('/')}/home",
        f"{tmp_path.relative_to('/')}/repo/.runs",
        "dev/shm/codex-orchestrator-home-*",
    )
    with codex_run(tmp_path, course) as run:
        process = run.launch()
        with watching(process.pid, KEY, kinds=KINDS, places=places) as seen:
            out, err = process.communicate()
        assert process.returncode == 0, err
        assert {request.bearer for request in run.server.requests} == {KEY}
        bodies = [json.dumps(dict(request.body)) for request in run.server.requests]
        assert not [body for body in bodies if KEY in body]
        assert processes_of(run.home) == {}
    assert seen.leaks == set()
    assert set(seen.kinds) == set(KINDS)
    assert seen.files > 0
    assert KEY not in out + err
    assert files_with(KEY, tmp_path) == []


def test_a_check_of_an_ordinary_user_cannot_read_the_key_from_the_processes_of_the_run(
    tmp_path: Path,
) -> None:
    task = task_with(steps="", limits="{repair_rounds: 0}")
    files = {"tests/test_looks.py": TEST_THAT_LOOKS, TASK: task}
    with codex_run(tmp_path, Course(codex={"BUILD": [step(say("done"))]}), **files) as run:
        process = run.launch(preexec_fn=drop_capabilities)
        process.communicate()
        (ran,) = run.manifest["validations"]
        # Codex's sandbox does not work for a root without capabilities, so nothing was changed;
        # but Codex and the bridge, who know the key, were there while the check ran.
        assert run.manifest["engine"]["builder"] == "codex"
        assert run.asked("codex") == 1
    assert (ran["status"], ran["failures"]) == ("passed", [])


def test_that_check_does_find_a_key_in_a_process_that_is_open(tmp_path: Path) -> None:
    test = tmp_path / "test_looks.py"
    test.write_text(TEST_THAT_LOOKS)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(test)],
        env={"CODEX_KEY": KEY, "PATH": "/usr/bin:/bin"},
        preexec_fn=drop_capabilities,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout


@pytest.mark.parametrize("place", ["environment", "arguments", "file", "git object"])
def test_a_key_that_is_planted_is_found_by_the_same_watch(tmp_path: Path, place: str) -> None:
    code = "import subprocess, sys; subprocess.run(sys.argv[1:], env={'X': sys.stdin.read()})"
    child = ["sleep", "0.2"] if place != "arguments" else ["sh", "-c", f"sleep 0.2 #{KEY}"]
    given = KEY if place == "environment" else "nothing"
    if place == "file":
        (tmp_path / "left").write_text(f"key = {KEY}")
    if place == "git object":
        (tmp_path / "note").write_text(KEY)
        for argv in (["init", "-q"], ["add", "note"]):
            subprocess.run(["git", "-C", str(tmp_path), *argv], check=True)
        (tmp_path / "note").unlink()
    with subprocess.Popen(
        [sys.executable, "-c", code, *child], stdin=subprocess.PIPE, text=True
    ) as parent:
        watch = watching(parent.pid, KEY, kinds={}, places=(str(tmp_path).removeprefix("/"),))
        with watch as seen:
            parent.communicate(given)
    assert len(seen.leaks) == 1, seen.leaks
    assert place.split(maxsplit=1)[0] in seen.leaks.pop()
