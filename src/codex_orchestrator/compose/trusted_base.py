"""Which commit's configuration applies.

In the workflow of a pull request its base, never its head.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from codex_orchestrator.model.errors import NotCheckedError

if TYPE_CHECKING:
    from codex_orchestrator.workspace.repository import Repository

# For these events the checkout may be untrusted; GITHUB_SHA is a commit of the default branch.
_OF_THE_DEFAULT_BRANCH = frozenset(
    {
        "workflow_run",
        "issue_comment",
        "issues",
        "discussion",
        "discussion_comment",
        "repository_dispatch",
        "check_run",
        "check_suite",
        "status",
        "label",
        "milestone",
        "fork",
        "watch",
        "gollum",
    }
)
_MAX_BYTES = 1024 * 1024 + 1


def trusted_commit(environment: Mapping[str, str]) -> str:
    """Return the commit whose configuration and patterns apply, or "" for the checkout.

    Raises:
        InputError: the event's payload is missing, or one of its fields is not valid.
    """
    name = environment.get("GITHUB_EVENT_NAME", "")
    if environment.get("GITHUB_ACTIONS") != "true":
        return ""
    if name in _OF_THE_DEFAULT_BRANCH:
        return environment.get("GITHUB_SHA") or "?"  # which no clone has
    from codex_orchestrator.github.event import PULL_REQUEST_EVENTS, read_event

    is_about_a_change = name in PULL_REQUEST_EVENTS or name == "merge_group"
    return read_event(environment).base_sha if is_about_a_change else ""


def read_at(root: Path, commit: str, name: str) -> bytes | None:
    """Return a file of the trusted commit, or None when there is no such file.

    Raises:
        NotCheckedError: the commit is not in this clone.
        InputError: the file is too large for a configuration.
    """
    from codex_orchestrator.system.git_objects import read_file_at

    return read_file_at(_repository(root, commit).git, commit, name, limit=_MAX_BYTES)


@contextmanager
def trusted_library(root: Path, commit: str) -> Iterator[Path | None]:
    """Yield a folder with `patterns/` of the trusted commit, or None when the checkout's apply.

    Raises:
        NotCheckedError: the commit is not in this clone.
        InputError: the folder has too many files or bytes.
    """
    if not commit or _is_the_toolkits_own(root):
        yield None
        return
    from codex_orchestrator.system.git_objects import export_folder

    with TemporaryDirectory(prefix="codex-orchestrator-") as folder:
        export_folder(_repository(root, commit).git, commit, "patterns", into=Path(folder))
        yield Path(folder)


def _is_the_toolkits_own(root: Path) -> bool:
    """Return whether the toolkit itself runs from this checkout.

    Then its patterns are its own code.
    """
    from codex_orchestrator.patterns.library import built_in_folder

    return built_in_folder().resolve() == (root / "patterns").resolve()


def _repository(root: Path, commit: str) -> "Repository":
    from codex_orchestrator.workspace.repository import find_repository, has_commit

    repository = find_repository(root, environ=os.environ)
    if not has_commit(repository, commit):
        raise NotCheckedError(
            f"commit {commit[:12]}, which says how we work here, is not in this clone: "
            "configuration and patterns are not taken from the change itself",
            fix="give actions/checkout `fetch-depth: 0`",
        )
    return repository
