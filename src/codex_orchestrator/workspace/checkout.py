"""What is checked out in the user's repository, and a patch for it.

A check runs as the user who started the run, and every work tree shares one git folder. A test
that writes `core.fsmonitor` or a hook there makes git run a program later, long after the run. So
the settings and hooks that make git run programs are compared before and after.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path

from codex_orchestrator.model.errors import InputError
from codex_orchestrator.system.git_objects import read_file_at, texts_at
from codex_orchestrator.system.git_output import complaint
from codex_orchestrator.workspace.repository import Repository, find_repository

_SETTINGS_FILES = ("config", "config.worktree", "info/attributes")
_OURS = (".runs/", "out/")
_MAX_FILE_BYTES = 8 * 1024 * 1024


class Checkout:
    """The user's repository with what is checked out there; it is found when first needed."""

    def __init__(self, repo: Path, *, environ: Mapping[str, str]) -> None:
        self._repo = repo
        self._environ = environ

    @cached_property
    def _repository(self) -> Repository:
        return find_repository(self._repo, environ=self._environ)

    def head_sha(self) -> str:
        """Return the commit that is checked out, on a branch or with a detached HEAD.

        Raises:
            InputError: no repository, a bare one, or one without commits.
        """
        status, out, _ = self._repository.git.attempt(
            "rev-parse", "--verify", "--quiet", "--end-of-options", "HEAD^{commit}"
        )
        if status:
            raise InputError(
                "the repository has no commits, so there is no base to work from",
                path=str(self._repository.top),
                fix="make a first commit (git add -A && git commit)",
            )
        return out.decode("ascii").strip()

    def head_branch(self) -> str:
        """Return the name of the branch that is checked out; "" when HEAD is detached."""
        status, out, _ = self._repository.git.attempt("symbolic-ref", "--quiet", "--short", "HEAD")
        return "" if status else out.decode("utf-8", "surrogateescape").strip()

    def is_tracked(self, path: str, *, top: Path | None = None) -> bool:
        """Say whether the index of a checkout holds a file, or something below a folder.

        `top` is the top folder of another checkout of the repository; None for this one.
        """
        at = None if top in (None, self._repo) else top
        found = find_repository(at, environ=self._environ) if at else self._repository
        return bool(found.git.run("--literal-pathspecs", "ls-files", "-z", "--", path))

    def file_at(self, commit: str, path: str) -> bytes | None:
        """Return a regular file's bytes in a commit; None when there is none of that name.

        Raises:
            NotCheckedError: the commit is not there.
            InputError: the file is larger than 8 MiB.
        """
        return read_file_at(self._repository.git, commit, path, limit=_MAX_FILE_BYTES)

    def holds(self, commit: str, path: str) -> bool:
        """Say whether there is anything under a name in a commit or tree."""
        git = self._repository.git
        return bool(git.run("--literal-pathspecs", "ls-tree", "-z", "--full-tree", commit, path))

    def paths_at(self, commit: str) -> frozenset[str]:
        """Return the paths of all files and links in a commit or tree."""
        listed = self._repository.git.run(
            "ls-tree", "-r", "-z", "--full-tree", "--name-only", commit
        )
        return frozenset(listed.decode("utf-8", "surrogateescape").split("\0")) - {""}

    def tree_of(self, commit: str) -> str:
        """Return the name of a commit's tree."""
        return self._repository.git.text("rev-parse", f"{commit}^{{tree}}")

    def texts_at(self, commit: str, texts: Iterable[str]) -> tuple[str, ...]:
        """Return those of some texts that a file of a commit contains."""
        return texts_at(self._repository.git, commit, texts)

    def git_settings(self) -> Mapping[str, str]:
        """Return the SHA-256 of each setting and hook that makes git run programs, by name."""
        folder = self._repository.common_dir
        paths = [folder / name for name in _SETTINGS_FILES]
        return {
            path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in (*paths, *(folder / "hooks").glob("*"))
            if path.is_file()
        }

    def uncommitted(self, *, untracked: str = "normal") -> tuple[list[str], list[str]]:
        """Return the tracked paths that differ from the commit, and those that are new to git.

        A folder in which everything is new is one path. Ignored files and our own are left out.
        """
        top, filters = self._repository.top, self._repository.filters
        git = self._repository.git.at(top, filters=filters, places={"GIT_OPTIONAL_LOCKS": "0"})
        # Git would look into a changed submodule, and run what its settings name.
        options = ("--no-renames", f"--untracked-files={untracked}", "--ignore-submodules=dirty")
        listed = git.run("status", "--porcelain=v1", "-z", *options).split(b"\0")
        rows = [os.fsdecode(row) for row in listed if row]
        changed = [row[3:] for row in rows if not row.startswith("??")]
        new = [row[3:] for row in rows if row.startswith("??")]
        return changed, [name for name in new if not name.startswith(_OURS)]

    def require_clean_checkout(self) -> None:
        """Check that no tracked file is changed, so that a patch could be put there.

        Raises:
            InputError: names the first changed file.
        """
        changed, _ = self.uncommitted(untracked="no")
        if changed:
            count = len(changed)
            raise InputError(
                f"the working tree has changes ({changed[0]!r}"
                + (f" and {count - 1} more)" if count > 1 else ")"),
                path=str(self._repository.top),
                fix="commit or stash them first, or leave out --apply and merge the run's branch",
            )

    def apply_to_checkout(self, patch: bytes) -> None:
        """Put a patch into the user's files, all of it or none; the index stays as it is.

        Untracked files may be there, unless the patch creates the same file.

        Raises:
            InputError: tracked files are changed, or the patch does not fit the checkout.
        """
        self.require_clean_checkout()
        top, filters = self._repository.top, self._repository.filters
        git = self._repository.git.at(top, filters=filters)
        options = ("apply", "--whitespace=nowarn", "--no-ignore-whitespace")
        status, _, err = git.attempt(*options, "--check", "-", stdin=patch)
        if status:
            raise InputError(
                f"the patch does not fit the checkout: {complaint(err)}",
                path=str(top),
                fix="check out the commit that the run started from, or merge the run's branch",
            )
        git.run(*options, "-", stdin=patch)
