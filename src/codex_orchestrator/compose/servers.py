"""Where the workspace server meets the rooms that it speaks for."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from codex_orchestrator.compose.extras import extra
from codex_orchestrator.model.check import CheckCommand
from codex_orchestrator.model.pattern import PatternUse
from codex_orchestrator.model.policy import Policy
from codex_orchestrator.system.clock import utc_now
from codex_orchestrator.system.environment import child_environment
from codex_orchestrator.workspace.gate import DecisionFile, Gate
from codex_orchestrator.workspace.tools import WorkspaceTools

if TYPE_CHECKING:
    from codex_orchestrator.patterns.library import Library


def open_tools(
    root: Path,
    *,
    policy: Policy,
    checks: Sequence[CheckCommand],
    environ: Mapping[str, str],
    private: Path,
    log_dir: Path,
    library_root: Path,
    decisions: Path | None,
    uses: Path | None,
) -> WorkspaceTools:
    """Return the tools of a work tree.

    Args:
        root: the work tree.
        policy: what may be done.
        checks: commands that may be run by name.
        environ: our environment; commands get an allow-list of it.
        private: folder for files that no tool reaches.
        log_dir: folder for the logs of checks.
        library_root: the repository whose patterns are used, read when the first one is applied.
        decisions: file for decisions; None keeps none.
        uses: file for uses of patterns; None keeps none.

    Raises:
        InputError: root is no folder.
        NotCheckedError: root is no git work tree.
    """
    root = root.resolve()

    @cache
    def library() -> "Library":
        with extra("patterns", needed_for="applying a pattern"):
            from codex_orchestrator.patterns.library import Library
        return Library.open(library_root)

    def preview(pattern: str, paths: Sequence[str], allow: Callable[[str], str]) -> PatternUse:
        return library().preview(pattern, root, paths, allow=allow)

    def apply(pattern: str, paths: Sequence[str], allow: Callable[[str], str]) -> PatternUse:
        return library().apply(pattern, root, paths, allow=allow)

    return WorkspaceTools(
        root,
        gate=Gate(policy, DecisionFile(decisions, clock=utc_now)),
        checks=checks,
        environ=environ,
        child_environ=child_environment(environ),
        private=private,
        log_dir=log_dir,
        preview_pattern=preview,
        apply_pattern=apply,
        uses=uses,
    )
