"""What a run finds in the place of a file of its own, put there by a test of the task or since."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.odd_files import ODD, put_in_place_of
from support.project import CommandLine, git, make_project

pytestmark = pytest.mark.timeout(600)
TASK = "tasks/logging.md"
PLANTING = """import glob, os, unittest

class Planting(unittest.TestCase):
    def test_it_plants(self):
        for path in glob.glob("{repo}/.runs/*/*/events.jsonl"):
            os.remove(path)
            os.mkfifo(path)
"""


def run_of(repo: Path) -> tuple[Path, dict[str, Any]]:
    (path,) = repo.glob(".runs/*/*/manifest.json")
    return path.parent, json.loads(path.read_bytes())


def kill_in_review(repo: Path) -> None:
    argv = ("run", str(repo / TASK), "--events", "-", "--repo", str(repo))
    with subprocess.Popen(
        [sys.executable, "-m", "codex_orchestrator", *argv], stdout=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout or ():
            if '"stage": "review"' in line:
                process.kill()


@pytest.mark.parametrize("file", ["events.jsonl", "the log"])
def test_a_resumed_run_names_what_is_no_file_and_leaves_it_alone(
    file: str, tmp_path: Path, call: CommandLine
) -> None:
    repo = make_project(tmp_path / "repo")
    kill_in_review(repo)
    folder, manifest = run_of(repo)
    name = manifest["validations"][-1]["log_path"] if file == "the log" else file
    path = folder / name
    before = path.read_bytes()
    for kind in ODD:
        put_in_place_of(path, kind, aside=tmp_path)
        done = call("run", "--resume", folder.name, "--repo", str(repo))
        assert done.code == 2, done.err
        assert path.name in done.err
        if kind == "link":
            assert path.read_bytes() == before
        path.rmdir() if kind == "folder" else path.unlink()
        path.write_bytes(before)
    assert call("run", "--resume", folder.name, "--repo", str(repo)).code == 0


@pytest.mark.parametrize("kind", ODD)
def test_a_patch_that_is_no_file_is_not_applied(
    kind: str, tmp_path: Path, call: CommandLine
) -> None:
    repo = make_project(tmp_path / "repo")
    assert call("run", str(repo / TASK), "--repo", str(repo)).code == 0
    folder, _ = run_of(repo)
    put_in_place_of(folder / "diff.patch", kind, aside=tmp_path)
    done = call("run", "--resume", folder.name, "--apply", "--repo", str(repo))
    assert done.code == 3, done.err
    assert "diff.patch" in done.err
    assert git(repo, "status", "--porcelain", "--untracked-files=no") == ""


def test_a_pipe_that_a_test_puts_among_the_files_of_its_run_does_not_hang_it(
    tmp_path: Path, call: CommandLine
) -> None:
    repo = tmp_path / "repo"
    config = {".codex-orchestrator.toml": '[policy]\nsandbox = "off"\n'}
    make_project(repo, **{"tests/test_planting.py": PLANTING.format(repo=repo)}, **config)
    done = call("run", str(repo / TASK), "--repo", str(repo))
    assert done.code == 2, done.err
    assert "events.jsonl" in done.err
