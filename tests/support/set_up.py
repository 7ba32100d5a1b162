"""A repository whose work trees are set up."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from codex_orchestrator.model.check import CheckCommand, CheckResult
from codex_orchestrator.model.config import SetupConfig
from codex_orchestrator.workspace.provided import Provided
from codex_orchestrator.workspace.tree import GitWorkTree
from codex_orchestrator.workspace.worktree import GitWorkspace
from support.workspace import clock, git, git_environ, write_files


class SetTree(NamedTuple):
    """A work tree that was set up, and what a command finds in it."""

    tree: GitWorkTree
    provided: Provided
    check: Callable[..., CheckResult]
    workspace: GitWorkspace


class Place:
    """A repository in a folder of its own, and how its work trees are set up."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.root = folder, folder / "repo"
        self.environ = git_environ(folder / "home")

    def commit(self, files: dict[str, str]) -> str:
        """Commit files, and return the commit."""
        write_files(self.root, files)
        git(self.root, "add", "-A")
        git(self.root, "commit", "-q", "--allow-empty", "-m", "More")
        return git(self.root, "rev-parse", "HEAD")

    @contextmanager
    def tree(
        self, run_id: str = "run-1", config: SetupConfig | None = None, **setup: Any
    ) -> Iterator[SetTree]:
        """Open a work tree that is set up as a configuration, or the keys of one, say."""
        workspace = GitWorkspace(
            self.root,
            clock=clock,
            environ=self.environ,
            scratch=self.folder / "scratch",
        )
        base = git(self.root, "rev-parse", "HEAD")
        with workspace.open(run_id, base_sha=base) as opened:
            tree, provided = workspace.set_up(
                opened, config or SetupConfig(**setup), log_dir=self.folder / "logs" / run_id
            )

            def check(*argv: str) -> CheckResult:
                command = CheckCommand(name="test", argv=argv, read=provided.read)
                return workspace.run_check(
                    tree.root, command, log_dir=self.folder / "logs" / "checks", deadline_s=60
                )

            yield SetTree(tree, provided, check, workspace)
