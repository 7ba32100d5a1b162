"""Check that changed code is covered by an approved, fresh spec.

On the hook's path: git is started first, and what judges its answers is loaded while it works.
"""

import gc
from collections.abc import Mapping
from typing import TYPE_CHECKING

from codex_orchestrator.guard.inquiry import Inquiry
from codex_orchestrator.guard.views import NOTHING, Wanted, resolve_view
from codex_orchestrator.model.errors import NotCheckedError
from codex_orchestrator.system.git import Git, git_environment

if TYPE_CHECKING:
    from codex_orchestrator.guard.config import GuardConfig
    from codex_orchestrator.guard.report import Report


def check_specs(
    root: str,
    *,
    wanted: Wanted,
    today: int,
    environment: Mapping[str, str],
    is_hook_repository: bool = True,
    given_config: "GuardConfig | None" = None,
) -> "Report":
    """Check a view of a repository and return the report; "cannot know" is an outcome too.

    Args:
        root: top folder of the repository.
        wanted: which change, or the whole repository.
        today: the day of the check, as an ordinal in UTC.
        environment: the environment of the process; git gets an allow-listed part of it.
        is_hook_repository: whether git's hook variables speak of this repository.
        given_config: a configuration that the caller vouches for.

    Raises:
        InputError: the configuration is wrong, or a ref that a person gave is no commit.
    """
    git = Git(root, git_environment(environment, is_hook_repository=is_hook_repository))
    # A short life that makes many small tuples: looking for cycles only costs time.
    gc.disable()
    try:
        if wanted.kind == NOTHING:
            from codex_orchestrator.guard.report import nothing_to_check

            return nothing_to_check(wanted=wanted, today=today)
        with Inquiry(git, resolve_view(git, wanted)) as inquiry:
            from codex_orchestrator.guard.cache import cache_path
            from codex_orchestrator.guard.check import check
            from codex_orchestrator.guard.registry import choose_rules

            return check(
                inquiry,
                today=today,
                cache_path=cache_path(root, git.env.get("GIT_DIR")),
                choose_rules=choose_rules,
                given_config=given_config,
            )
    except NotCheckedError as error:
        from codex_orchestrator.guard.report import not_checked

        return not_checked(error, wanted=wanted, today=today)
    finally:
        gc.enable()
