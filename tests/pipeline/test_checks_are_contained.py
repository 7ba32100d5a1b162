"""A hostile check inside a real run: what it gets at, what is recorded, and what is refused."""

import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from support.contained import ORDINARY, SYSTEM_PYTHON, as_user, can_be_ordinary, lacking
from support.project import make_project

PROJECT = Path(__file__).resolve().parents[2]
CANARY = "canary-7d20e91bf3"

HOSTILE = '''
import json, os, socket, sys, unittest

WHERE = json.loads("""{where}""")


def attempt(act):
    try:
        act()
    except OSError as error:
        return f"refused: {{error}}"
    return "done"


def read(path):
    with open(path, "rb") as stream:
        return stream.read(1 << 20)


def write(path):
    with open(path, "a") as stream:
        stream.write("x")


def processes():
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            for part in ("environ", "cmdline"):
                try:
                    if b"{canary}" in read(f"/proc/{{name}}/{{part}}"):
                        found.append(f"{{name}}/{{part}}")
                except OSError:
                    pass
            try:
                open(f"/proc/{{name}}/mem", "rb").close()
            except OSError:
                continue
            if int(name) not in (os.getpid(), os.getppid()) and int(name) > 2:
                found.append(f"{{name}}/mem")
    return found


class Hostile(unittest.TestCase):
    def test_it(self):
        told = {{f"read {{name}}": attempt(lambda: read(path)) for name, path in WHERE.items()}}
        told |= {{f"write {{name}}": attempt(lambda: write(path)) for name, path in WHERE.items()}}
        told["processes"] = processes()
        told["environment"] = [name for name in os.environ if "{canary}" in os.environ[name]]
        told["outside"] = attempt(lambda: socket.create_connection(("127.0.0.1", {port}), 5))
        with socket.create_server(("127.0.0.1", 0)) as server:
            told["inside"] = attempt(lambda: socket.create_connection(server.getsockname(), 5))
        told["own folders"] = attempt(lambda: write("made")) + attempt(
            lambda: write(os.path.join(os.environ["TMPDIR"], "made"))
        )
        os.remove("made")
        print("told " + json.dumps(told), file=sys.__stdout__)
'''


class Place(NamedTuple):
    """Folders of one user, a toolkit that it can run, and files that checks must not reach."""

    base: Path
    repo: Path
    uid: int
    outside: dict[str, Path]

    def run(
        self, *options: str, wrap: tuple[str, ...] = (), **environ: str
    ) -> tuple[int, str, str]:
        """Run the task as that user, with a key in the environment."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.base / "home"),
            "LANG": "C.UTF-8",
            "OPENAI_API_KEY": CANARY,
            **environ,
        }
        toolkit = [str(self.base / "venv/bin/python"), "-m", "codex_orchestrator"]
        done = subprocess.run(
            [*as_user(self.uid), *wrap, *toolkit, "run", "tasks/logging.md", *options],
            cwd=self.repo,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=110,
        )
        return done.returncode, done.stdout, done.stderr


@pytest.fixture
def place() -> Iterator[Place]:
    uid = ORDINARY if can_be_ordinary() else os.geteuid()
    with (
        tempfile.TemporaryDirectory(prefix="contained-") as folder,
        socket.create_server(("127.0.0.1", 0)) as server,
    ):
        base = Path(folder).resolve()
        python = SYSTEM_PYTHON if uid != os.geteuid() else sys.executable
        subprocess.run([python, "-m", "venv", "--without-pip", base / "venv"], check=True)
        packages = next((base / "venv/lib").glob("python3*/site-packages"))
        for name in ("src", "patterns"):
            hidden = shutil.ignore_patterns("__pycache__")
            shutil.copytree(PROJECT / name, base / name, ignore=hidden)
        lines = [str(base / "src"), sysconfig.get_path("purelib")]
        (packages / "toolkit.pth").write_text("\n".join(lines) + "\n")
        repo = make_project(base / "repo")
        where = {
            "key": base / "home/.ssh/id",
            "credentials": base / "home/.aws/credentials",
            "runner": base / "runner/output",
            "toolkit": base / "src/codex_orchestrator/__main__.py",
            "checkout": repo / "src/greeter/__init__.py",
            "hook": repo / ".git/hooks/pre-commit",
        }
        for path in where.values():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(path.read_text() if path.exists() else "#!/bin/true\n")
        told = json.dumps({name: str(path) for name, path in where.items()})
        text = HOSTILE.format(where=told, canary=CANARY, port=server.getsockname()[1])
        (repo / "tests/test_hostile.py").write_text(text)
        commit(repo)
        if uid != os.geteuid():
            subprocess.run(["chown", "-R", f"{uid}:{uid}", base], check=True)
        yield Place(base, repo, uid, where)


def commit(repo: Path) -> None:
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "safe.directory=*"]
    subprocess.run([*git, "add", "-A"], cwd=repo, check=True)
    subprocess.run([*git, "commit", "-q", "-m", "next"], cwd=repo, check=True)


def configure(place: Place, text: str) -> None:
    (place.repo / ".codex-orchestrator.toml").write_text(text)
    commit(place.repo)
    if place.uid != os.geteuid():
        subprocess.run(["chown", "-R", f"{place.uid}:{place.uid}", place.repo], check=True)


def told(place: Place) -> dict[str, object]:
    logs = place.repo.glob(".runs/logging/*/tests/round-1/*.log")
    text = "".join(log.read_text() for log in logs)
    line = next(line for line in text.splitlines() if "told {" in line)
    return json.loads(line[line.index("{") :])


def in_force(place: Place) -> dict[str, Any]:
    manifest = json.loads(next(place.repo.glob(".runs/logging/*/manifest.json")).read_bytes())
    return manifest["validations"][-1]["sandbox"]


def test_a_hostile_check_gets_at_nothing_of_ours(place):
    before = {path: path.read_text() for path in place.outside.values()}
    code, _, err = place.run("--format", "json")
    assert code == 0, err
    found = told(place)
    assert found.pop("processes") == []
    assert found.pop("environment") == []
    assert (found.pop("inside"), found.pop("own folders")) == ("done", "donedone")
    assert "done" not in [answer for name, answer in found.items() if name[:5] != "write"]
    assert {path: path.read_text() for path in place.outside.values()} == before
    sandbox = in_force(place)
    assert sandbox["network"] == "loopback"
    assert {"mount-namespace", "pid-namespace", "network-namespace"} <= {*sandbox["layers"]}
    assert sandbox["limits"]["processes"] > 0


def test_where_containment_is_required_and_missing_nothing_is_run(place):
    configure(place, '[policy]\nsandbox = "require"\n')
    code, _, err = place.run(wrap=lacking("namespaces", "444=38"))
    assert code == 3
    assert 'policy.sandbox is "require", and no layer keeps a check from our files' in err
    assert "landlock: the kernel lacks it" in err
    assert not list(place.repo.glob(".runs/logging/*/tests/**/*.log"))


def test_where_the_network_cannot_be_closed_it_is_refused_when_required(place):
    configure(place, '[policy]\nsandbox = "require"\n')
    code, _, err = place.run(wrap=lacking("namespaces"))
    assert code == 3
    assert "the network of a check is open, not loopback (network-namespace: " in err


def test_a_verdict_of_ci_says_that_the_network_was_open(place):
    code, _, err = place.run(wrap=lacking("namespaces"), CI="true")
    assert code == 0, err
    assert told(place)["outside"] == "done"
    review = next(place.repo.glob(".runs/logging/*/review.md")).read_text()
    assert "the network of a check is open, not loopback" in review
    assert in_force(place)["network"] == "open"
    assert "landlock" in " ".join(in_force(place)["layers"])
