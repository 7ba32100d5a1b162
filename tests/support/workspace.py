"""Real git repositories and processes for the tests of the workspace."""

import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

MOMENT = "2026-11-22T10:00:00.000Z"


def clock() -> str:
    return MOMENT


def git_environ(home: Path) -> dict[str, str]:
    home.mkdir(exist_ok=True)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "Test",
        "GIT_AUTHOR_EMAIL": "test@example.org",
        "GIT_COMMITTER_NAME": "Test",
        "GIT_COMMITTER_EMAIL": "test@example.org",
    }


def git(folder: Path, *args: str, stdin: bytes = b"") -> str:
    """Run git as a user would, with a private home beside the repository."""
    done = subprocess.run(
        ["git", *args],
        cwd=folder,
        env=git_environ(folder.parent / "home"),
        input=stdin,
        capture_output=True,
        check=True,
    )
    return done.stdout.decode("utf-8", "surrogateescape").rstrip("\n")


def write_files(root: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def make_repository(root: Path, files: Mapping[str, str | bytes] | None = None) -> str:
    """Make a repository with one commit and return the commit."""
    root.mkdir(parents=True)
    git(root, "init", "-q", "-b", "main")
    write_files(root, {"README.md": "# Example\n"} if files is None else files)
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", "Begin")
    return git(root, "rev-parse", "HEAD")


def is_running(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stream:
            return stream.read().rpartition(") ")[2][:1] not in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_for(path: Path, *, within_s: float = 20) -> str:
    """Wait until a file has text, and return it."""
    patience = time.monotonic() + within_s
    while time.monotonic() < patience:
        if path.exists() and path.read_text():
            return path.read_text()
        time.sleep(0.01)
    raise AssertionError(f"{path} did not appear")


def ends(pid: int, *, within_s: float = 20) -> bool:
    """Wait until a process is gone; False when it stays."""
    patience = time.monotonic() + within_s
    while time.monotonic() < patience:
        if not is_running(pid):
            return True
        time.sleep(0.01)
    return False


def all_end(argument: str, *, within_s: float = 20) -> bool:
    """Wait until no process has an argument; False when one stays."""
    patience = time.monotonic() + within_s
    while time.monotonic() < patience:
        if not any(_has_argument(name, argument) for name in os.listdir("/proc")):
            return True
        time.sleep(0.01)
    return False


def _has_argument(pid: str, argument: str) -> bool:
    try:
        return argument.encode() in Path("/proc", pid, "cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, NotADirectoryError, ProcessLookupError):
        return False
