"""A scratch repository whose hooks a real hook runner installed from this project's HEAD."""

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]


class Ran(NamedTuple):
    """Exit code and everything that was printed."""

    code: int
    text: str


class HookedRepo:
    """A repository, a bare remote beside it, and one hook runner (pre-commit or prek)."""

    def __init__(self, folder: Path, tool: str, *, hooks: tuple[str, ...], shared: Path) -> None:
        """Make the repository in `folder`; clone and installed hooks are kept in `shared`."""
        self.root, self.tool = folder / "repo", tool
        # A home for each set of hooks: what one of them brings must not be taken for another's.
        self.home = shared / "-".join([tool, *hooks])
        self.program = str(Path(sys.executable).with_name(tool))
        # The runner installs from the package index: what points it there stays, and its cache.
        outside = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(
                ("GIT_", "GITHUB_", "PRE_COMMIT", "PREK", "VIRTUAL_ENV", "PYTHON")
            )
        }
        self.env = {
            **outside,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PRE_COMMIT_HOME": str(self.home),
            "PREK_HOME": str(self.home),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": str(folder / "gitconfig"),
            "LC_ALL": "C.UTF-8",
        }
        (folder / "gitconfig").write_text(
            "[user]\n\tname = Test\n\temail = test@example.invalid\n"
            '[protocol "file"]\n\tallow = always\n[safe]\n\tdirectory = *\n'
        )
        source = shared / "toolkit"
        if not source.exists():
            self._run("git", "clone", "-q", "--no-hardlinks", str(ROOT), str(source), cwd=folder)
        self.source = f"file://{source}"
        self.revision = self._run("git", "rev-parse", "HEAD", cwd=source).text.strip()
        self._run("git", "init", "-q", "-b", "main", str(self.root), cwd=folder)
        self._run("git", "init", "-q", "--bare", str(folder / "remote.git"), cwd=folder)
        self.git("remote", "add", "origin", str(folder / "remote.git"))
        listed = "".join(f"      - id: {hook}\n" for hook in hooks)
        self.write(
            {
                ".pre-commit-config.yaml": "repos:\n"
                f"  - repo: {self.source}\n    rev: {self.revision}\n    hooks:\n{listed}"
            }
        )
        installed = self._run(
            self.program, "install", "-t", "pre-commit", "-t", "pre-push", cwd=self.root
        )
        assert installed.code == 0, installed.text

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            place = self.root / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)

    def git(self, *args: str) -> Ran:
        return self._run("git", *args, cwd=self.root)

    def commit(self, files: dict[str, str], *flags: str) -> Ran:
        self.write(files)
        assert self.git("add", "-A").code == 0
        return self.git("commit", "-m", "change", *flags)

    def run_tool(self, *args: str) -> Ran:
        return self._run(self.program, "run", *args, cwd=self.root)

    def _run(self, *argv: str, cwd: Path) -> Ran:
        done = subprocess.run(
            argv,
            cwd=cwd,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        return Ran(done.returncode, done.stdout)
