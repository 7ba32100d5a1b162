"""What a run keeps is for its owner alone, whatever the umask of the shell that starts it."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from support.project import git, make_project


def others_may(path: Path) -> int:
    """Return what the mode of a file lets other users do."""
    return stat.S_IMODE(path.lstat().st_mode) & 0o077


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077], ids=oct)
def test_a_run_keeps_nothing_that_others_can_read_or_change(tmp_path: Path, umask: int) -> None:
    repo = make_project(tmp_path / "repo")
    home = tmp_path / "home"
    home.mkdir()

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "codex_orchestrator", *words], cwd=repo, umask=umask,
            env={"PATH": "/usr/bin:/bin", "HOME": str(home)}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip

    done = call("run", "tasks/logging.md")
    assert done.returncode == 0, done.stderr
    assert call("runs", "verify").returncode == 0
    kept = [path for top in (repo / ".runs", repo / "out", home) for path in (top, *top.rglob("*"))]
    folders = [path for path in kept if path.is_dir() and path != home]
    assert len(folders) > 5
    assert [path for path in folders if others_may(path)] == []
    # A check writes its report itself, into a folder that only its owner enters.
    files = [path for path in kept if path.is_file() and path.suffix != ".xml"]
    assert [path for path in files if others_may(path)] == []
    assert git(repo, "status", "--porcelain") == ""
