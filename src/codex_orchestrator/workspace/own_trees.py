"""The work trees of runs: made, found again after a crash, and removed."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from codex_orchestrator.model.confinement import GitPlaces
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.system.durable import write_file
from codex_orchestrator.system.folders import remove_tree
from codex_orchestrator.system.output import Redaction
from codex_orchestrator.system.safe_git import SafeGit
from codex_orchestrator.text.names import is_identifier
from codex_orchestrator.workspace.exact_files import INDEX, begin_index
from codex_orchestrator.workspace.git_pointer import restore_pointer
from codex_orchestrator.workspace.hidden_files import ignore_rule
from codex_orchestrator.workspace.repository import parse_author, require_commit
from codex_orchestrator.workspace.scratch import make_scratch_folder, scratch_folder
from codex_orchestrator.workspace.states import RecordedStates
from codex_orchestrator.workspace.tree import REFS, GitWorkTree
from codex_orchestrator.workspace.tree_record import read_record, write_record

# What tools leave behind. It counts as ignored, whatever the machine's own ignore file says;
# a .gitignore of the repository can take a line back with `!`.
_LEFT_BY_TOOLS = (
    "__pycache__/",
    "*.py[co]",
    "*.egg-info/",
    ".eggs/",
    ".pytest_cache/",
    ".mypy_cache/",
    ".ruff_cache/",
    ".hypothesis/",
    ".tox/",
    ".nox/",
    ".venv/",
    ".coverage",
    ".coverage.*",
    "node_modules/",
    ".DS_Store",
)

# The files are those of the commit, byte for byte, whatever this machine's settings are.
FILE_SETTINGS = {
    "core.attributesFile": os.devnull,
    "core.autocrlf": "false",
    "core.sparseCheckout": "false",
    "i18n.commitEncoding": "UTF-8",
}


class OwnTrees(RecordedStates):
    """The work trees of a repository that runs work in."""

    def __init__(
        self,
        repo: Path,
        *,
        clock: Callable[[], str],
        environ: Mapping[str, str],
        scratch: Path | None,
        author: str,
        redact: Redaction,
    ) -> None:
        super().__init__(repo, environ=environ, redact=redact)
        self._clock = clock
        self._scratch = scratch
        self._author = parse_author(author)
        self._git_places: dict[Path, GitPlaces] = {}

    @contextmanager
    def open(self, run_id: str, *, base_sha: str) -> Iterator[GitWorkTree]:
        """Create (or find again, on resume) the run's work tree; remove it at the normal end.

        When the block ends with an exception, the tree stays for `--resume`.

        Raises:
            InputError: the base is missing, or the run began from another base.
            NotCheckedError: the clone is too shallow, or git is missing or too old.
        """
        if not is_identifier(run_id):
            raise InputError(f"{run_id!r} is not a run id")
        require_commit(self._repository, base_sha)
        place = self._place(run_id)
        tree = self._find(place, run_id, base_sha) or self._make(place, run_id, base_sha)
        yield tree
        self.forget(run_id)

    def forget(self, run_id: str) -> None:
        """Remove the work trees and the recorded states of a run, if there are any.

        Work trees of its items go as well.

        Raises:
            ServiceError: a file cannot be removed.
        """
        self.forget_items(run_id)
        place = self._place(run_id)
        git = self._repository.git
        record = read_record(place)
        if record:
            git.attempt("worktree", "remove", "--force", "--force", "--", record["root"])
        remove_tree(place)
        refs = git.run("for-each-ref", "--format=delete %(refname)", f"{REFS}/{run_id}/")
        git.run("update-ref", "--stdin", stdin=refs)

    def forget_items(self, run_id: str) -> None:
        """Remove the work trees of a run's items, `<run id>.<name>`, and what they recorded.

        Raises:
            ServiceError: a file cannot be removed.
        """
        for name in self.leftovers():
            if name.startswith(f"{run_id}."):
                self.forget(name)

    def leftovers(self) -> tuple[str, ...]:
        """Return the ids of runs whose work tree is still there, for example after a crash."""
        if not self._folder.is_dir():
            return ()
        return tuple(sorted(name for name in os.listdir(self._folder) if is_identifier(name)))

    @property
    def _folder(self) -> Path:
        repository = self._repository
        return self._scratch or scratch_folder(
            repository.top, repository.common_dir, environ=self._environ
        )

    def _place(self, run_id: str) -> Path:
        return self._folder / run_id

    def _find(self, place: Path, run_id: str, base_sha: str) -> GitWorkTree | None:
        record = read_record(place)
        if not record or not os.path.isdir(record["root"]) or not os.path.isdir(record["git_dir"]):
            return None
        if record["base"] != base_sha:
            raise InputError(
                f"run {run_id} began from commit {record['base']}, not from {base_sha}",
                fix="resume it from there, or start a new run",
            )
        # A killed git leaves its lock; the run's own lock keeps other processes out.
        (place / "index.lock").unlink(missing_ok=True)
        tree = self._tree(place, record, run_id)
        restore_pointer(self._git_places[tree.root])
        return tree

    def _make(self, place: Path, run_id: str, base_sha: str) -> GitWorkTree:
        root = place / (self._repository.top.name or "repository")
        git = self._repository.git
        if os.path.lexists(place):  # an incomplete one
            git.attempt("worktree", "remove", "--force", "--force", "--", str(root))
            remove_tree(place)
        make_scratch_folder(self._folder)
        make_scratch_folder(place)
        self.begin(run_id, base_sha=base_sha)
        # Forced twice: git may still know the place from a tree that was removed by hand.
        git.at(self._repository.top, settings=FILE_SETTINGS).run(
            "worktree", "add", "-f", "-f", "--detach", "--lock", "--", str(root), base_sha
        )
        git_dir = Path(SafeGit(root, environ=self._environ).text("rev-parse", "--absolute-git-dir"))
        begin_index(git_dir, place)
        hide_paths(place)
        record = {"base": base_sha, "root": str(root), "git_dir": str(git_dir)}
        write_record(place, record)
        return self._tree(place, record, run_id)

    def _tree(self, place: Path, record: Mapping[str, str], run_id: str) -> GitWorkTree:
        root = Path(record["root"])
        common = self._repository.common_dir
        self._git_places[root] = GitPlaces(
            *(os.path.realpath(place) for place in (root, record["git_dir"], common))
        )
        git = self._repository.git.at(
            root,
            places={
                "GIT_DIR": record["git_dir"],
                "GIT_COMMON_DIR": str(common),
                "GIT_WORK_TREE": record["root"],
                "GIT_INDEX_FILE": str(place / INDEX),
            },
            settings=FILE_SETTINGS | {"core.excludesFile": str(place / "ignored")},
        )
        return GitWorkTree(
            root,
            git_dir=Path(record["git_dir"]),
            git=git,
            run_id=run_id,
            base_sha=record["base"],
            author=self._author,
            clock=self._clock,
        )


def hide_paths(place: Path, paths: Sequence[str] = ()) -> None:
    """Write which paths git ignores in the work tree of a folder, besides what tools leave."""
    lines = (*_LEFT_BY_TOOLS, *map(ignore_rule, paths))
    data = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
    write_file(place / "ignored", data, is_cache=True)
