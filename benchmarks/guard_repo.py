"""Make repositories to measure the guard on: N specs, M code files, one staged change."""

import random
import subprocess
import sys
import time
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

WORDS = ("plan", "build", "test", "review", "spec", "guard", "run", "mode", "cloud", "lock")
CHANGED_FILES = 20


def spec_text(number: int, reviewed: date, rng: random.Random) -> bytes:
    """Return a spec: front matter with owners, approvals and paths, then 2 to 16 KB of text."""
    head = (
        "---\n"
        f"id: {number:05d}-area\n"
        f"title: Area {number} of the product\n"
        "status: approved\n"
        f"last_review: {reviewed.isoformat()}\n"
        f'owners: ["@team-{number % 17}"]\n'
        "approvals:\n"
        f'  - {{role: architecture, by: "@team-{number % 17}", on: {reviewed.isoformat()}}}\n'
        f'  - {{role: security, by: "@team-{number % 5}", on: {reviewed.isoformat()}}}\n'
        "paths:\n"
        f"  - src/area{number:05d}/**\n"
        "---\n"
    )
    lines = (" ".join(rng.choices(WORDS, k=12)) for _ in range(rng.randint(30, 220)))
    return (head + f"# Area {number}\n\n" + "\n".join(lines) + "\n").encode()


def make_repo(folder: Path, *, specs: int, code: int, as_of: date) -> None:
    """Make a repository and stage a change of code files that fresh specs own.

    Args:
        folder: where; must not exist.
        specs: number of specs.
        code: number of code files.
        as_of: the day on which the guard will be asked.
    """
    rng = random.Random(specs)
    folder.mkdir(parents=True)
    _git(folder, "init", "-q", "-b", "main")
    _git(folder, "config", "user.name", "Bench")
    _git(folder, "config", "user.email", "bench@example.invalid")
    _git(folder, "config", "gc.auto", "0")
    files = _base_files(specs, code, as_of, rng)
    _git(folder, "fast-import", "--quiet", stdin=_commit(files))
    _git(folder, "reset", "-q", "--hard", "main")
    # Files as young as the index are read again by git: let the index settle.
    time.sleep(1.1)
    _git(folder, "update-index", "-q", "--really-refresh")
    for number in range(min(CHANGED_FILES, code)):
        (folder / _code_path(number, specs)).write_bytes(b"x = 2\n" * 50)
    _git(folder, "add", "src")


def _base_files(
    specs: int, code: int, as_of: date, rng: random.Random
) -> Iterable[tuple[str, bytes]]:
    for number in range(specs):
        reviewed = as_of - timedelta(days=number % 29)
        yield f"tasks/specs/{number:05d}-area.md", spec_text(number, reviewed, rng)
    for number in range(code):
        yield _code_path(number, specs), b"x = 1\n" * 50


def _code_path(number: int, specs: int) -> str:
    return f"src/area{number % specs:05d}/module{number:06d}.py"


def _commit(files: Iterable[tuple[str, bytes]]) -> bytes:
    out = [
        (
            b"commit refs/heads/main\nmark :1\n"
            b"committer Bench <bench@example.invalid> 1700000000 +0000\ndata 4\nbase\n"
        )
    ]
    out += [
        f"M 100644 inline {path}\ndata {len(content)}\n".encode() + content + b"\n"
        for path, content in files
    ]
    return b"".join(out)


def _git(folder: Path, *args: str, stdin: bytes | None = None) -> None:
    subprocess.run(["git", "-C", str(folder), *args], input=stdin, check=True)


if __name__ == "__main__":
    make_repo(
        Path(sys.argv[1]),
        specs=int(sys.argv[2]),
        code=int(sys.argv[3]),
        as_of=datetime.now(UTC).date(),
    )
