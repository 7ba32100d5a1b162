"""A whole run in the shape of the action, with canaries, and the hunt over all that it leaves.

The step `action work` runs as a process of its own, with a model server on loopback. Everything
that it may write lies below one folder, and all of that is searched.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from support.canaries import FORMS, Hunter
from support.four_agents import course, serving
from support.project import git, make_project, task_with
from support.responses_server import Step

TASK = "tasks/logging.md"
KEY = "vQ8-canary.key-0Zt5bK3nW7xR"
CANARIES = {
    "OPENAI_API_KEY": KEY,
    "DEPLOY_TOKEN": "hJ4_canary+token/9Lp2cV6mS8yD=",
    "DB_PASSWORD": "xK9mQ2pz",
    "DATABASE_URL": "postgres://app:uR7canaryURL5eG1@db.example:5432/app",
    "SIGNING_KEY": "tF6canary\nsecond-line-3Bq8wN1zH",
}
SECRETS = (
    *(CANARIES[name] for name in ("OPENAI_API_KEY", "DEPLOY_TOKEN", "DB_PASSWORD")),
    *("uR7canaryURL5eG1", "tF6canary", "second-line-3Bq8wN1zH"),
)
# What the check saw, in a form that the redactor does not know: else it would hide what was seen.
_SEEN = "seen-by-the-check:"
_MARK = 0x5A
LOOK = f"""
import glob, os
seen = []
for path in glob.glob("/proc/[0-9]*/environ") + glob.glob("/proc/[0-9]*/cmdline"):
    try:
        seen.append(open(path, "rb").read())
    except OSError:
        continue
    for name in glob.glob(os.path.dirname(path) + "/fd/*"):
        try:
            seen.append(os.readlink(name).encode())
        except OSError:
            continue
seen.append(repr(dict(os.environ)).encode())
print({_SEEN!r} + bytes(code ^ {_MARK} for code in b"|".join(seen)).hex())
"""


class Left(NamedTuple):
    """What a run left: its folder, its outputs, what it printed, and what it sent to the model."""

    place: Path
    outputs: dict[str, str]
    printed: bytes
    sent: tuple[bytes, ...]


def hidden(text: bytes) -> str:
    """Return Python code for bytes that no search finds in it."""
    return f"bytes(code ^ {_MARK} for code in {[code ^ _MARK for code in text]})"


def leaky_test(secrets: tuple[str, ...] = SECRETS) -> str:
    """Return a test of a project that prints secrets in every form, and looks into /proc."""
    planted = b"\n----\n".join(
        FORMS[form](secret.encode()) for secret in secrets for form in sorted(FORMS)
    )
    return (
        f"import os, unittest\n{LOOK}\nLEAK = {hidden(planted)}\n"
        "class Leak(unittest.TestCase):\n"
        "    def test_it_prints(self):\n"
        "        os.write(1, LEAK + b'\\n')\n"
        "        os.write(2, LEAK[::-1] + b'\\n')\n"
        "        open('left.log', 'wb').write(b'nothing')\n"
        "        self.fail(LEAK.decode('latin-1').replace('\\x1b', ' '))\n"
    )


def run_action(place: Path, *, files: dict[str, str], roles: dict[str, list[Step]]) -> Left:
    """Run the action's step `work` on a project; all that it writes goes below one folder."""
    repo = make_project(place / "repo", **{TASK: task_with(steps=""), **files})
    temporary, home = place / "runner-temp", place / "home"
    for folder in (temporary, home, place / "tmp"):
        folder.mkdir()
    with serving(course(**roles)) as server:
        environment = {
            **{name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ},
            **CANARIES,
            "HOME": str(home),
            "TMPDIR": str(place / "tmp"),
            "RUNNER_TEMP": str(temporary),
            "GITHUB_ACTIONS": "true",
            "GITHUB_RUN_ID": "1",
            "GITHUB_OUTPUT": str(place / "outputs.txt"),
            "GITHUB_STEP_SUMMARY": str(place / "summary.md"),
            "OPENAI_BASE_URL": server.url,
            "INPUT_COMMAND": "run",
            "INPUT_TASK": str(repo / TASK),
            "INPUT_WORKING_DIRECTORY": str(repo),
            "INPUT_MODEL": "any/model",
            "INPUT_BUILDER": "workspace",
        }
        done = subprocess.run(
            [sys.executable, "-m", "codex_orchestrator", "action", "work"],
            env=environment,
            cwd=repo,
            capture_output=True,
            check=False,
        )
        sent = tuple(json.dumps(dict(request.body)).encode() for request in server.requests)
    return Left(place, _outputs(place / "outputs.txt"), done.stdout + done.stderr, sent)


def _outputs(path: Path) -> dict[str, str]:
    lines = iter(path.read_text().splitlines()) if path.exists() else iter(())
    found = {}
    for line in lines:
        name, _, delimiter = line.partition("<<")
        found[name] = "\n".join(iter(lambda: next(lines), delimiter))
    return found


def hunt(left: Left, hunter: Hunter) -> list[str]:
    """Return where canaries are: files, objects of git, what was printed, sent, and seen."""
    hits = [
        f"{path.relative_to(left.place)}: {found}"
        for path in sorted(left.place.rglob("*"))
        if path.is_file() and not path.is_symlink() and (found := hunter.hunt_file(path))
    ]
    objects = subprocess.run(
        ["git", "-C", str(left.place / "repo"), "cat-file", "--batch-all-objects", "--batch"],
        capture_output=True,
        check=True,
    ).stdout
    hits += [f"git: {found}" for found in [hunter.hunt(objects)] if found]
    hits += [f"printed: {found}" for found in [hunter.hunt(left.printed)] if found]
    hits += [f"sent: {found}" for body in left.sent if (found := hunter.hunt(body))]
    seen = seen_by_the_check(left.place / "repo/.runs")
    return hits + [f"/proc: {found}" for found in [hunter.hunt(seen)] if found]


def seen_by_the_check(runs: Path) -> bytes:
    """Return what the check of a run found in /proc; empty when it never ran."""
    for log in sorted(runs.rglob("*.log")):
        for line in log.read_text("utf-8", "replace").splitlines():
            if line.startswith(_SEEN):
                return bytes(code ^ _MARK for code in bytes.fromhex(line.removeprefix(_SEEN)))
    return b""


def commit_object(repo: Path, data: bytes) -> None:
    """Put an unreachable object into a repository."""
    place = repo / "object"
    place.write_bytes(data)
    git(repo, "hash-object", "-w", "object")
    place.unlink()
