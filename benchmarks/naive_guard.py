"""A guard as one would first write it: subprocess, PyYAML, read every spec. A peer to measure."""

import subprocess
import sys
from datetime import UTC, date, datetime
from fnmatch import fnmatch
from pathlib import Path

import click
import yaml


@click.command()
def main() -> None:
    changed = subprocess.run(
        ["git", "diff", "--cached", "--name-only"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    code = [path for path in changed if path.startswith("src/")]
    today = datetime.now(UTC).date()
    covered = set()
    for place in Path("tasks/specs").rglob("*.md"):
        front = yaml.safe_load(place.read_text().split("---", 2)[1])
        is_fresh = front["status"] == "approved" and _age(front["last_review"], today) <= 30
        for glob in front["paths"]:
            covered.update(path for path in code if is_fresh and fnmatch(path, glob))
    left = set(code) - covered
    for path in sorted(left):
        click.echo(f"{path}: no fresh spec owns it")
    sys.exit(1 if left else 0)


def _age(reviewed: date, today: date) -> int:
    return (today - reviewed).days


if __name__ == "__main__":
    main()
