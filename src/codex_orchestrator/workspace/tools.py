"""The tools of the workspace server: one work tree, under one policy."""

import os
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from codex_orchestrator.model.check import CheckCommand, CheckResult
from codex_orchestrator.model.confinement import GitPlaces, Network
from codex_orchestrator.model.errors import InputError, NotCheckedError
from codex_orchestrator.model.pattern import PatternUse
from codex_orchestrator.model.tool_results import (
    DiffText,
    FileList,
    FileText,
    Patched,
    SearchHits,
)
from codex_orchestrator.system.confined import ConfinedTree, parts_of
from codex_orchestrator.system.durable import append_line
from codex_orchestrator.system.environment import child_environment
from codex_orchestrator.system.safe_git import SafeGit
from codex_orchestrator.system.sandbox.probe import Probe
from codex_orchestrator.text.globs import is_chosen
from codex_orchestrator.text.secrets import Redactor
from codex_orchestrator.workspace.apply_patch import apply_edits
from codex_orchestrator.workspace.checks import run_check
from codex_orchestrator.workspace.gate import Gate
from codex_orchestrator.workspace.look import (
    MAX_PATHS,
    MAX_TEXT,
    list_paths,
    read_lines,
    search,
)
from codex_orchestrator.workspace.patch import touched_paths
from codex_orchestrator.workspace.read_patch import parse_patch
from codex_orchestrator.workspace.repository import Author
from codex_orchestrator.workspace.tree import GitWorkTree

DEFAULT_TIMEOUT_S = 600
MAX_FILE_BYTES = 8 * 1024 * 1024


PatternCall = Callable[[str, Sequence[str], Callable[[str], str]], PatternUse]
"""Takes a pattern's id, globs, and a function: why must a path not be edited; "" when it may be."""


class WorkspaceTools:
    """The tools. Each call is decided by the gate first; changes never run at the same time.

    `apply_pattern` changes what a pattern matches in the work tree, except files that must not be
    edited; `preview_pattern` says what it would do.
    """

    def __init__(
        self,
        root: Path,
        *,
        git_dir: Path | None,
        gate: Gate,
        checks: Sequence[CheckCommand],
        environ: Mapping[str, str],
        private: Path,
        log_dir: Path,
        preview_pattern: PatternCall,
        apply_pattern: PatternCall,
        uses: Path | None = None,
        layers: Probe,
        network: Network,
    ) -> None:
        self._root = root
        self._tree = ConfinedTree(root, max_bytes=MAX_FILE_BYTES)
        self._gate = gate
        self._checks = {check.name: check for check in checks}
        # What set-up shows of the checkout, commands need as well.
        self._read = tuple(dict.fromkeys(path for check in checks for path in check.read))
        self._child_environ = child_environment(environ)
        self._layers = layers
        self._network = network
        self._log_dir = log_dir
        self._preview_pattern = preview_pattern
        self._apply_pattern = apply_pattern
        self._uses = uses
        self._git, self._work, self._git_places = _open_work(
            root, private, environ, git_dir=git_dir
        )
        self._changing = threading.Lock()

    def read_file(self, path: str, *, first_line: int, line_count: int) -> FileText:
        """Return lines of a file.

        Raises:
            InputError: there is no such text file, or it holds secrets.
        """
        path = "/".join(parts_of(path))
        self._gate.read("read_file", path)
        return read_lines(self._tree, path, first=first_line, count=line_count)

    def list_files(self, paths: Sequence[str]) -> FileList:
        """Return the names of files that git does not ignore.

        Raises:
            NotCheckedError: git cannot list them.
        """
        self._gate.look("list_files", {"paths": list(paths[:20])})
        found = list_paths(self._git, paths)
        return FileList(
            paths=tuple(found[:MAX_PATHS]), total=len(found), is_cut=len(found) > MAX_PATHS
        )

    def search(
        self, pattern: str, *, paths: Sequence[str], is_regex: bool, ignores_case: bool
    ) -> SearchHits:
        """Return lines that match.

        Raises:
            InputError: the pattern is not valid, or the search took too long.
        """
        self._gate.look("search", {"pattern": pattern[:200], "paths": list(paths[:20])})
        return search(
            self._git,
            self._tree,
            pattern,
            globs=paths,
            is_regex=is_regex,
            ignores_case=ignores_case,
            is_hidden=self._gate.is_secret,
        )

    def apply_patch(self, patch: str) -> Patched:
        """Apply a patch, all of it or none.

        Raises:
            InputError: it is not a patch, it does not fit, or a path leaves the tree.
            ApprovalRequiredError: it touches a protected file.
        """
        edits = parse_patch(patch)
        paths = sorted({"/".join(parts_of(path)) for path in touched_paths(edits)})
        self._gate.edit("apply_patch", paths)
        with self._changing:
            done = apply_edits(self._tree, edits)
        return Patched(files=done)

    def apply_pattern(self, pattern: str, paths: Sequence[str]) -> PatternUse:
        """Apply a pattern of the library to the files that the globs match.

        Raises:
            InputError: there is no such pattern.
            ApprovalRequiredError: it would change a protected file; then nothing is changed.
        """
        for path in paths:
            parts_of(path.removesuffix("/") if path != "." else "any")
        allow = self._gate.edit_refusal
        with self._changing:
            chosen = list_paths(self._git, paths)
            if any(allow(path) for path in chosen):
                would = self._preview_pattern(pattern, paths, allow)
                self._gate.edit("apply_pattern", [file.path for file in would.refused])
            self._gate.look("apply_pattern", {"pattern": pattern[:100], "paths": list(paths[:20])})
            use = self._apply_pattern(pattern, paths, allow)
            if self._uses is not None:
                append_line(self._uses, use.model_dump_json())
        return use

    def run_check(self, name: str, argv: Sequence[str], *, stop: threading.Event) -> CheckResult:
        """Run a configured check, or a command that the policy lists.

        Raises:
            InputError: neither or both are given, or there is no such check.
            ApprovalRequiredError: the policy does not list the command.
        """
        if bool(name) == bool(argv):
            raise InputError("give either `name` or `argv`", fix=self._known_checks())
        if name:
            if name not in self._checks:
                raise InputError(f"no check has the name {name[:100]!r}", fix=self._known_checks())
            command = self._checks[name]
            self._gate.look("run_check", {"name": name})
        else:
            self._gate.run("run_check", argv)
            command = CheckCommand(
                name="command",
                argv=tuple(argv),
                timeout_s=DEFAULT_TIMEOUT_S,
                max_output_bytes=self._gate.output_bytes,
                read=self._read,
            )
        with self._changing:
            return run_check(
                self._root,
                command,
                log_dir=self._log_dir,
                deadline_s=float(command.timeout_s),
                env=self._child_environ,
                layers=self._layers,
                network=self._network,
                git=self._git_places,
                # This process knows no secret of ours; tokens show by themselves what they are.
                redact=Redactor().redact_bytes,
                stop=stop,
            )

    def git_diff(self, paths: Sequence[str]) -> DiffText:
        """Return the change against the commit that the work started from.

        Raises:
            NotCheckedError: git cannot tell.
        """
        wanted = ["/".join(parts_of(path)) for path in paths]
        self._gate.look("git_diff", {"paths": wanted[:20]})
        with self._changing:
            change = self._work.change()
            shown = [
                p for p in change.paths if is_chosen(p, wanted) and not self._gate.is_secret(p)
            ]
            diff = self._work.diff_text(shown) if shown else ""
        return DiffText(
            paths=change.paths[:MAX_PATHS],
            added_lines=change.added_lines,
            removed_lines=change.removed_lines,
            diff=diff[:MAX_TEXT],
            is_cut=len(diff) > MAX_TEXT or len(change.paths) > MAX_PATHS,
        )

    def _known_checks(self) -> str:
        return f"checks: {', '.join(self._checks) or 'none'}; or an argv that the policy lists"


def _open_work(
    root: Path, private: Path, environ: Mapping[str, str], *, git_dir: Path | None
) -> tuple[SafeGit, GitWorkTree, GitPlaces]:
    """Determine the tree's repository once, before a tool can change it."""
    given = {"GIT_DIR": str(git_dir), "GIT_WORK_TREE": str(root)} if git_dir else {}
    outside = SafeGit(root, environ=environ, places=given)
    git_dir = Path(outside.text("rev-parse", "--absolute-git-dir"))
    common = outside.text("rev-parse", "--path-format=absolute", "--git-common-dir")
    base = outside.text("rev-parse", "--verify", "--end-of-options", "HEAD^{commit}")
    index = private / "index"
    try:
        shutil.copy2(git_dir / "index", index, follow_symlinks=False)
    except OSError as error:
        raise NotCheckedError(f"{root}: its git index cannot be read: {error.strerror}") from error
    if index.is_symlink():
        raise NotCheckedError(f"{root}: its git index is a link")
    places = {"GIT_DIR": str(git_dir), "GIT_COMMON_DIR": common}
    places |= {"GIT_WORK_TREE": str(root), "GIT_INDEX_FILE": str(index)}
    git = outside.at(root, places=places)
    nobody = Author("", "")
    work = GitWorkTree(
        root, git_dir, git=git, run_id="server", base_sha=base, author=nobody, clock=lambda: ""
    )
    return git, work, GitPlaces(*(os.path.realpath(place) for place in (root, git_dir, common)))
