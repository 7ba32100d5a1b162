"""Check that changed code is covered by an approved, fresh spec."""

from collections.abc import Mapping

from codex_orchestrator.guard.cache import cache_path
from codex_orchestrator.guard.check import check
from codex_orchestrator.guard.config import GuardConfig
from codex_orchestrator.guard.git import Git, git_environment
from codex_orchestrator.guard.registry import choose_rules
from codex_orchestrator.guard.report import Report, not_checked, nothing_to_check
from codex_orchestrator.guard.views import NOTHING, Wanted, resolve_view
from codex_orchestrator.model.errors import NotCheckedError


def check_specs(
    root: str,
    *,
    wanted: Wanted,
    today: int,
    environment: Mapping[str, str],
    is_hook_repository: bool = True,
    given_config: GuardConfig | None = None,
) -> Report:
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
    if wanted.kind == NOTHING:
        return nothing_to_check(wanted=wanted, today=today)
    git = Git(root, git_environment(environment, is_hook_repository=is_hook_repository))
    try:
        return check(
            git,
            resolve_view(git, wanted),
            today=today,
            cache_path=cache_path(root, git.env.get("GIT_DIR")),
            choose_rules=choose_rules,
            given_config=given_config,
        )
    except NotCheckedError as error:
        return not_checked(error, wanted=wanted, today=today)
