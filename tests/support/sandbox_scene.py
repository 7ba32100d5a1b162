"""Where a hostile check is let loose: a repository with work trees, a home, servers to reach."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from support.contained import HERE, SOURCES, Outcome, python_for, run_contained

WORD = "word-5521"
_PACKAGES = ("model", "system", "text")


class Scene:
    """Folders that belong to one user, and what is in reach of whoever is let out."""

    def __init__(self, base: Path, uid: int) -> None:
        self.base = base
        self.uid = uid
        self.main = base / "main"
        self.tree = base / "trees" / "one"
        self.own = self.main / ".git" / "worktrees" / "one"
        self.home = base / "home"
        self.where: dict[str, object] = {}
        self.sockets: list[socket.socket] = []

    def run(self, *argv: str, **options: object) -> Outcome:
        """Run a command in the work tree; `bounds` are added to those of a check."""
        bounds = {
            "write": [str(self.tree)],
            "read": [str(self.base / "src"), sys.base_prefix, sys.prefix],
            "home": str(self.home),
            "git": [str(place) for place in (self.tree, self.own, self.main / ".git")],
            "environment": {"PATH": f"{Path(self.python).parent}:{os.environ['PATH']}"},
        }
        bounds |= options.pop("bounds", {})  # type: ignore[call-overload]
        return run_contained(argv, uid=self.uid, base=self.base, bounds=bounds, **options)

    @property
    def python(self) -> str:
        return python_for(self.uid)

    def attempts(self, **options: object) -> tuple[dict[str, str], Outcome]:
        """Let the attempts loose; return why each was refused, and how it went in all."""
        script = self.base / "src" / "sandbox_attempts.py"
        where = json.dumps(self.where | {"parent": 0, "grandparent": 0})
        where = where.replace('"parent": 0', '"parent": {parent}')
        where = where.replace('"grandparent": 0', '"grandparent": {grandparent}')
        outcome = self.run(self.python, "-I", str(script), where, **options)
        assert outcome.exit == 0, outcome
        return json.loads(outcome.output), outcome

    def received(self) -> list[str]:
        """Return how a word from inside arrived outside: `udp`, `unix`."""
        found = []
        for sock in self.sockets:
            if sock.type == socket.SOCK_DGRAM:
                with contextlib.suppress(BlockingIOError):
                    while True:
                        assert sock.recv(100).decode() == WORD
                        found.append("unix" if sock.family == socket.AF_UNIX else "udp")
        return found

    def give_away(self) -> None:
        """Make everything belong to the user."""
        for place, folders, files in os.walk(self.base):
            for name in (*folders, *files):
                os.chown(os.path.join(place, name), self.uid, self.uid, follow_symlinks=False)
        os.chown(self.base, self.uid, self.uid)


@contextlib.contextmanager
def make_scene(uid: int) -> Iterator[Scene]:
    """Make a scene below the temporary folder, where an ordinary user gets to it."""
    with tempfile.TemporaryDirectory(prefix="scene-") as base:
        scene = Scene(Path(base).resolve(), uid)
        for folder in ("home/.ssh", "runs", "runner/_temp", "trees", "toolkit"):
            (scene.base / folder).mkdir(parents=True)
        _copy_sources(scene.base)
        _make_trees(scene)
        for name, text in {
            "home/.ssh/id": "KEY",
            "runs/run.json": "{}",
            "runner/_temp/outputs": "",
            "toolkit/module.py": "VALUE = 1\n",
        }.items():
            (scene.base / name).write_text(text)
        with _servers(scene):
            if uid != os.geteuid():
                scene.give_away()
            yield scene


def _copy_sources(base: Path) -> None:
    target = base / "src" / "codex_orchestrator"
    target.mkdir(parents=True)
    shutil.copy(SOURCES / "codex_orchestrator" / "__init__.py", target)
    for package in _PACKAGES:
        shutil.copytree(
            SOURCES / "codex_orchestrator" / package,
            target / package,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    shutil.copy(HERE, base / "contained.py")
    shutil.copy(HERE.with_name("sandbox_attempts.py"), base / "src")


def _make_trees(scene: Scene) -> None:
    git(scene.base, "init", "-q", "-b", "main", str(scene.main))
    (scene.main / "README").write_text("text\n")
    git(scene.main, "add", "-A")
    git(scene.main, "commit", "-q", "-m", "first")
    for name in ("one", "two"):
        git(scene.main, "worktree", "add", "-q", "-b", name, str(scene.base / "trees" / name))


def git(folder: Path, *args: str) -> str:
    done = subprocess.run(
        [
            *("git", "-c", "user.name=a", "-c", "user.email=a@example.org"),
            *("-c", "safe.directory=*", *args),
        ],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@contextlib.contextmanager
def _servers(scene: Scene) -> Iterator[None]:
    base = scene.base
    with contextlib.ExitStack() as stack:

        def serve(family: int, address: object, kind: int = socket.SOCK_STREAM) -> object:
            sock = stack.enter_context(socket.socket(family, kind))
            sock.bind(address)
            sock.setblocking(False)
            if kind == socket.SOCK_STREAM:
                sock.listen(64)
            scene.sockets.append(sock)
            return sock.getsockname()

        abstract = f"scene-{os.getpid()}-{scene.uid}"
        serve(socket.AF_UNIX, f"\0{abstract}")
        scene.where = {
            "canary": "canary-4f1e7a90c2",
            "word": WORD,
            "key": str(base / "home/.ssh/id"),
            "store": str(base / "runs/run.json"),
            "other_tree": str(base / "trees/two/README"),
            "runner_file": str(base / "runner/_temp/outputs"),
            "module": str(base / "toolkit/module.py"),
            "home": str(base / "home/.ssh"),
            "hooks": str(scene.main / ".git/hooks"),
            "git_config": str(scene.main / ".git/config"),
            "tcp": serve(socket.AF_INET, ("127.0.0.1", 0)),
            "tcp6": serve(socket.AF_INET6, ("::1", 0)),
            "udp": serve(socket.AF_INET, ("127.0.0.1", 0), socket.SOCK_DGRAM),
            "unix": serve(socket.AF_UNIX, str(base / "agent.sock")),
            "unix_datagram": serve(socket.AF_UNIX, str(base / "log.sock"), socket.SOCK_DGRAM),
            "abstract": abstract,
        }
        yield
