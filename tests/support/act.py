"""Run a workflow with the real `act`, on this machine and without a container.

Third-party actions are replaced by the stand-ins beside the tests; the action under test is this
checkout. Everything that act keeps goes to a scratch folder.
"""

import itertools
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
STANDINS = ROOT / "tests" / "action" / "standins"
ACT = Path(sys.executable).with_name("act")
OURS = "your-org/codex-orchestrator@v1"


@dataclass
class Finished:
    """What a workflow did: exit code, and the lines that act printed."""

    exit_code: int
    lines: list[dict[str, Any]] = field(default_factory=list)
    stderr: str = ""

    def outputs(self, step: str) -> dict[str, str]:
        """Return the outputs of the workflow's own step."""
        found = [
            (line["name"], line["arg"])
            for line in self.lines
            if line.get("command") == "set-output" and line.get("stepID") == [step]
        ]
        return dict(found)

    def annotations(self, kind: str) -> list[dict[str, Any]]:
        """Return the commands of one kind: error, warning or notice."""
        return [line for line in self.lines if line.get("command") == kind]

    @property
    def log(self) -> str:
        """All that was said, for a failing test's message."""
        return "\n".join(str(line.get("msg", "")).rstrip() for line in self.lines) + self.stderr


def build_wheelhouse(folder: Path) -> Path:
    """Fetch what the lock names and build the toolkit, once; installing needs no network then."""
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
    pip += ["--wheel-dir", str(folder)]
    lock = str(ROOT / "requirements" / "product.lock")
    subprocess.run([*pip, "--require-hashes", "--requirement", lock], check=True)
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", str(ROOT)], check=True)
    return folder


def copy_action(folder: Path) -> Path:
    """Copy this checkout's files, as a runner would fetch them, without what is built or cached."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    return folder


def read_outputs(text: str) -> dict[str, str]:
    """Read an output file as the runner does."""
    found: dict[str, str] = {}
    lines = iter(text.split("\n"))
    for line in lines:
        if not line:
            continue
        key, mark, rest = line.partition("<<")
        if not mark:
            key, _, found_value = line.partition("=")
            found[key] = found_value
            continue
        found[key] = "\n".join(itertools.takewhile(lambda inner, end=rest: inner != end, lines))
    return found


class Act:
    """Runs workflows of one repository. `scratch` keeps act's files; `action` is our checkout."""

    def __init__(self, repo: Path, scratch: Path, *, action: Path) -> None:
        self.repo, self.scratch, self.action = repo, scratch, action
        self.artifacts = scratch / "artifacts"
        self.environment: dict[str, str] = {}
        self.secrets: dict[str, str] = {}

    def run(self, workflow: str, event: str, payload: dict[str, Any]) -> Finished:
        """Run one workflow file on an event."""
        self.scratch.mkdir(exist_ok=True)
        place = self.scratch / "workflow.yml"
        place.write_text(workflow, encoding="utf-8")
        event_file = self.scratch / "event.json"
        event_file.write_text(json.dumps(payload), encoding="utf-8")
        command = [str(ACT), event, "-W", str(place), "-e", str(event_file), "--json"]
        command += ["--actor", "octocat"]
        command += ["-P", "ubuntu-latest=-self-hosted", "--no-cache-server"]
        command += ["--artifact-server-path", str(self.artifacts)]
        command += ["--artifact-server-addr", "127.0.0.1", "--artifact-server-port", _free_port()]
        command += self._stand_ins(workflow)
        variables = {
            "GITHUB_REPOSITORY": "o/r",
            "STAND_INS": str(STANDINS),
            "PIP_NO_INDEX": "1",
            "PIP_NO_COMPILE": "1",
            "PIP_CONFIG_FILE": os.devnull,
            **self.environment,
        }
        for name, value in variables.items():
            command += ["--env", f"{name}={value}"]
        for name, value in self.secrets.items():
            command += ["-s", f"{name}={value}"]
        done = subprocess.run(
            command, cwd=self.repo, env=self._own_environment(), capture_output=True, text=True,
            timeout=250, check=False,
        )  # fmt: skip
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        return Finished(done.returncode, lines, done.stderr)

    def _own_environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.scratch),
            "XDG_CACHE_HOME": str(self.scratch / "cache"),
            "XDG_CONFIG_HOME": str(self.scratch / "config"),
        }

    def _stand_ins(self, workflow: str) -> list[str]:
        """Return one flag for each action that the workflow and our action use."""
        called = (self.repo / ".github" / "workflows").glob("*.yml")
        files = [self.action / "action.yml", *called]
        text = workflow + "\n".join(path.read_text(encoding="utf-8") for path in files)
        flags = []
        for name in sorted(set(re.findall(r"uses:\s*([\w.-]+/[\w.-]+@\S+)", text))):
            folder = STANDINS / name.partition("@")[0].partition("/")[2]
            folder = self.action if name == OURS else folder
            if folder.is_dir():
                flags += ["--local-repository", f"{name}={folder}"]
        return flags


def _free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])
