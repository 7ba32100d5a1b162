"""docs/how-to/first-run.md, pasted block by block into one shell, does what it says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.project import write
from support.sdists import ROOT

PAGE = (ROOT / "docs/how-to/first-run.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.timeout(300)
def test_the_page_leads_to_a_blocked_commit_and_an_approved_run(tmp_path: Path) -> None:
    commands = blocks("sh")
    assert len(commands) >= 6
    identity = "[user]\n\tname = Ann Example\n\temail = ann@example.test\n"
    config = write(tmp_path, "gitconfig", identity)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-e", "-c", "\n".join(commands)],
        cwd=tmp_path,
        env={**os.environ, "GIT_CONFIG_GLOBAL": str(config), "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout + done.stderr
    for line in "".join(blocks("text")).splitlines():
        assert line.removesuffix("…") in said, said
    assert "blocked\n" in done.stdout
    merged = (tmp_path / "greeter/greeter/__init__.py").read_text()
    assert 'return f"hello {name}"' in merged
