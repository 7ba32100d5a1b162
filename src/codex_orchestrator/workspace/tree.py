"""The work tree of one run: what changed in it, its states, and its commit."""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from codex_orchestrator.model.build import Change
from codex_orchestrator.model.cloud import FittedPatch
from codex_orchestrator.model.errors import (
    TOO_MANY_BYTES,
    UNRECORDABLE,
    WORK_TREE_GONE,
    InputError,
    LimitReachedError,
)
from codex_orchestrator.system import git_output
from codex_orchestrator.system.git_output import (
    SUBMODULE,
    SYMLINK,
    complaint,
    new_blobs,
    parse_numstat,
    parse_raw_diff,
)
from codex_orchestrator.system.safe_git import GitError, SafeGit
from codex_orchestrator.text.names import is_object_name, is_utf8
from codex_orchestrator.workspace.commit import commit_tree, signature_of
from codex_orchestrator.workspace.exact_files import check_out
from codex_orchestrator.workspace.hidden_files import clean, drop_hidden, leave_out
from codex_orchestrator.workspace.repository import Author

MAX_CHANGED_BYTES = 64 * 1024 * 1024
REFS = "refs/codex-orchestrator"
# What git prints, in English, when the disk is full or cannot be written.
_STORAGE = ("No space left", "quota exceeded", "Read-only file system", "Input/output error")
_LINK = SUBMODULE.encode("ascii")
_PLAIN_DIFF = ("--no-renames", "--no-ext-diff", "--no-textconv", "--no-color", "--full-index")


@dataclass(frozen=True)
class GitWorkTree:
    """One run's files. Its index is its own, so flags set on the usual one hide nothing.

    `root` is the absolute path, `git_dir` its git folder, `git` runs in it, and `base_sha` is the
    commit that the work started from. `author` and `clock` sign the commit. `provided` are paths
    that set-up put there: they stay, and are never part of a change.
    """

    root: Path
    git_dir: Path
    git: SafeGit
    run_id: str
    base_sha: str
    author: Author
    clock: Callable[[], str]
    provided: tuple[str, ...] = ()

    def change(self) -> Change:
        """Return all that differs from the base, new files included, ignored files left out.

        A renamed file counts as one removed and one added, so that both paths are seen.

        Raises:
            LimitReachedError: the changed files have more than 64 MiB, a changed file's name is
                not UTF-8, or a nested repository hides files.
        """
        return self.change_to(self._write_tree())

    def change_to(self, tree_id: str) -> Change:
        """Return all that differs between the base and a tree, as `change` does."""
        span = (*_PLAIN_DIFF, self.base_sha, tree_id, "--")
        entries = self._entries(*span)
        self._refuse_hidden(entries)
        added, removed = parse_numstat(self.git.run("diff-tree", "-r", "-z", "--numstat", *span))
        return Change(
            paths=tuple(sorted(entry.path for entry in entries)),
            added_lines=added,
            removed_lines=removed,
            patch=self.git.run("diff-tree", "-r", "-p", "--binary", *span),
        )

    def changed_content(self) -> bytes:
        """Return all that a change brings, to be searched: names, and files as they are now."""
        span = (*_PLAIN_DIFF, self.base_sha, self._write_tree(), "--")
        entries = self._entries(*span)
        files = self.git.run("cat-file", "--batch", stdin=new_blobs(entries))
        return b"".join((*(f"{entry.path}\n".encode() for entry in entries), files))

    def diff_text(self, paths: Sequence[str]) -> str:
        """Return the difference to the base for reading: binary files are only named.

        Args:
            paths: files or folders; none means all.
        """
        tree_id = self._write_tree()
        names = [f":(top,literal){path}" for path in paths]
        diff = self.git.run(
            "diff-tree", "-r", "-p", *_PLAIN_DIFF, self.base_sha, tree_id, "--", *names
        )
        return diff.decode("utf-8", "replace")

    def snapshot(self) -> str:
        """Record the state of all files that are not ignored and return its tree object name.

        The state survives a crash; it is dropped when the run's work tree is closed.
        """
        tree_id = self._write_tree()
        self.keep(tree_id)
        return tree_id

    def keep(self, tree_id: str) -> None:
        """Keep a recorded state, also one of another work tree of the run."""
        self.git.run("update-ref", f"{REFS}/{self.run_id}/snapshots/{tree_id}", tree_id)

    def restore(self, tree_id: str) -> None:
        """Bring the files back to a recorded state; ignored files stay.

        A work tree that was removed is made again.

        Raises:
            InputError: there is no such state.
        """
        self.root.mkdir(mode=0o700, exist_ok=True)
        self._require_state(tree_id)
        # What git refuses to add it does not remove either; `clean` removes that.
        with contextlib.suppress(GitError):
            self._add_files()
        check_out(self.git, tree_id, place=self.root.parent)
        clean(self.git, paths=self.provided, takes_ignored=False)

    def take_back(self, tree_id: str, *, keep: Sequence[str] = ()) -> tuple[str, ...]:
        """Bring the files back to the state recorded last; return which of its files were changed.

        All other files are removed, ignored ones too, except in folders named `keep`. Nothing of
        what is taken back gets into the repository's objects.

        Raises:
            LimitReachedError: the work tree is gone.
        """
        self._require_root()
        # A file that was only touched, or written again as it was, is not changed.
        self.git.attempt("update-index", "-q", "--refresh")
        listed = self.git.run("diff-files", "--name-only", "-z", "--ignore-submodules=all")
        check_out(self.git, tree_id, place=self.root.parent)
        clean(self.git, keep=keep, paths=self.provided)
        return tuple(sorted(map(os.fsdecode, listed.split(b"\0")[:-1])))

    def mixed(self, tree_id: str, paths: Sequence[str], *, source: str) -> str:
        """Return a recorded state in which some files are as they are in another commit or tree.

        A file that is not there is left out.
        """
        names = [f":(top,literal){path}" for path in paths]
        listed = self.git.run("ls-tree", "-r", "-z", "--full-tree", source, "--", *names)
        there = {row.partition(b"\t")[2] for row in listed.split(b"\0")}
        zeros = b"0" * len(tree_id)
        gone = [os.fsencode(path) for path in paths if os.fsencode(path) not in there]
        rows = listed + b"".join(b"0 %b\t%b\0" % (zeros, path) for path in gone)
        with self._index_of(tree_id) as index:
            self.git.run("update-index", "-z", "--index-info", stdin=rows, env=index)
            return self.git.run("write-tree", env=index).decode("ascii").strip()

    def drop_hidden(self, *, keep: Sequence[str] = ()) -> tuple[str, ...]:
        """Remove all that git ignores, except folders named `keep`; return what is worth a word."""
        return drop_hidden(self.git, keep=keep, paths=self.provided)

    def patch_between(self, old: str, new: str) -> bytes:
        """Return the patch that makes one recorded state of another; empty when they are equal.

        Raises:
            InputError: one of them is not a recorded state.
        """
        self._require_state(old)
        self._require_state(new)
        return self.git.run("diff-tree", "-r", "-p", "--binary", *_PLAIN_DIFF, old, new, "--")

    def fit(self, patch: bytes, *, onto: str, is_ours: bool = False) -> FittedPatch:
        """Work out what a patch makes of a recorded state, and record that; no file is touched.

        Unless it is ours it is not trusted: a patch that makes a link or a nested repository does
        not fit.
        """
        with self._index_of(onto) as index:
            options = ("--cached", "--whitespace=nowarn", "--no-ignore-whitespace")
            status, _, err = self.git.attempt("apply", *options, "-", stdin=patch, env=index)
            if status:
                return FittedPatch(problem=complaint(err) or "the patch is empty")
            tree_id = self.git.run("write-tree", env=index).decode("ascii").strip()
        entries = self._entries(*_PLAIN_DIFF, onto, tree_id, "--")
        for entry in entries:
            if entry.new_mode in (SUBMODULE, SYMLINK) and not is_ours:
                return FittedPatch(problem=f"{entry.path}: a link or a repository, no file")
        self.keep(tree_id)
        return FittedPatch(tree_id, tuple(sorted(entry.path for entry in entries)))

    def commit(self, message: str, *, branch: str) -> str:
        """Record the change as one commit on a new branch and return its object name.

        Plumbing only: no hook runs, nothing is checked out. When the branch is already at
        a commit of the same content on the same base, that commit is returned.

        Raises:
            InputError: the branch name is not valid, or the branch holds something else.
            NotCheckedError: nothing changed.
        """
        return commit_tree(
            self.git,
            self._write_tree(),
            base=self.base_sha,
            message=message,
            branch=branch,
            signature=signature_of(self.author, self.clock()),
        )

    @contextlib.contextmanager
    def _index_of(self, tree_id: str) -> Iterator[dict[str, str]]:
        """Make another index of a recorded state, and return what makes git use it."""
        with tempfile.TemporaryDirectory(prefix="codex-orchestrator-") as folder:
            index = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
            self.git.run("read-tree", tree_id, env=index)
            yield index

    def _require_state(self, tree_id: str) -> None:
        if not is_object_name(tree_id):
            raise InputError(f"{tree_id!r} is not the id of a recorded state")
        status, _, _ = self.git.attempt("cat-file", "-e", f"{tree_id}^{{tree}}")
        if status:
            raise InputError(
                f"the repository no longer has the recorded state {tree_id}",
                fix="start the task again without --resume",
            )

    def _require_root(self) -> None:
        if not self.root.is_dir():
            raise LimitReachedError(
                "a command of the run removed the run's work tree",
                fix="find the step or the check that removes the folder it is started in",
                reason=WORK_TREE_GONE,
            )

    def _write_tree(self) -> str:
        self._require_root()
        try:
            self._add_files()
        except GitError as error:
            if any(words in error.message for words in _STORAGE):
                # A full disk is not the fault of the work, and may pass.
                raise
            raise _unrecordable(
                f"the work cannot be recorded: {error.message}",
                ", or let the task say to remove it",
            ) from error
        return self.git.text("write-tree")

    def _add_files(self) -> None:
        """Put all files into the index; of a repository inside the tree only its commit.

        `git add` would look for changes in such a repository, and run what its settings name.
        """
        listed = self.git.run("ls-files", "--stage", "-z").split(b"\0")
        links = (os.fsdecode(row).partition("\t")[2] for row in listed if row[:6] == _LINK)
        nested = [path for path in links if os.path.lexists(self.root / path / ".git")]
        self.git.run(
            "add", "--all", "--", ".", *(f":(top,exclude,literal){path}" for path in nested)
        )
        leave_out(self.git, self.provided)
        if nested:
            self.git.run("update-index", "--", *nested)

    def _entries(self, *span: str) -> tuple[git_output.Change, ...]:
        entries = parse_raw_diff(self.git.run("diff-tree", "-r", "-z", "--raw", *span))
        for entry in entries:
            if not is_utf8(entry.path):
                raise _unrecordable(f"the name of the changed file {entry.path!r} is not UTF-8")
        return entries

    def _refuse_hidden(self, entries: tuple[git_output.Change, ...]) -> None:
        for entry in entries:
            if entry.new_mode == SUBMODULE != entry.old_mode:
                raise _unrecordable(
                    f"{entry.path}: a repository inside the work tree; "
                    "its files would not be part of the change",
                    ", or ignore the folder",
                )
        sizes = self.git.run("cat-file", "--batch-check=%(objectsize)", stdin=new_blobs(entries))
        total = sum(int(size) for size in sizes.split())
        if total > MAX_CHANGED_BYTES:
            raise LimitReachedError(
                f"the changed files have {total} bytes, the limit is {MAX_CHANGED_BYTES}",
                fix="ignore what the work leaves behind (.gitignore), or make smaller tasks",
                reason=TOO_MANY_BYTES,
            )


def _unrecordable(message: str, or_else: str = "") -> LimitReachedError:
    fix = f"find the step or the check that makes it{or_else}"
    return LimitReachedError(message, fix=fix, reason=UNRECORDABLE)
