"""The rules, in the order of their codes, and those of plugins that the configuration names."""

from collections.abc import Sequence

from codex_orchestrator.guard.config import GuardConfig
from codex_orchestrator.guard.rules.base import (
    BrokenConfig,
    ExpiredWaiver,
    FirstConfig,
    HistoryMissing,
    NothingIsCode,
    Rule,
)
from codex_orchestrator.guard.rules.code_rules import DeceptiveName, TaskWithoutSpec, UnownedCode
from codex_orchestrator.guard.rules.edit_rules import (
    EmptyEdit,
    OrphanedCode,
    SelfReview,
    StaleBystanders,
)
from codex_orchestrator.guard.rules.pattern_rules import PatternGate, PatternVersion
from codex_orchestrator.guard.rules.spec_rules import (
    ApprovalsMissing,
    MalformedFrontMatter,
    NearExpiry,
    NotApproved,
    ReviewDate,
    StaleSpec,
)
from codex_orchestrator.model.errors import NotCheckedError

RULES: tuple[type[Rule], ...] = (
    UnownedCode,
    StaleSpec,
    ReviewDate,
    MalformedFrontMatter,
    NotApproved,
    ApprovalsMissing,
    OrphanedCode,
    EmptyEdit,
    SelfReview,
    NearExpiry,
    StaleBystanders,
    TaskWithoutSpec,
    PatternVersion,
    PatternGate,
    DeceptiveName,
    ExpiredWaiver,
    HistoryMissing,
    BrokenConfig,
    FirstConfig,
    NothingIsCode,
)

GROUP = "codex_orchestrator.guard_rules"


def all_rules() -> list[Rule]:
    """Return our own rules."""
    return [rule() for rule in RULES]


def choose_rules(config: GuardConfig) -> Sequence[Rule]:
    """Return the rules to run.

    Rules of others come from the entry point group `codex_orchestrator.guard_rules`, and only when
    `guard.plugins` names them: looking through all installed packages would double the hook's time.

    Raises:
        NotCheckedError: a named plugin is not installed, so a check that the team wants is missing.
    """
    rules = all_rules()
    if config.plugins:
        from importlib.metadata import entry_points

        found = {point.name: point for point in entry_points(group=GROUP)}
        for name in config.plugins:
            if name not in found:
                raise NotCheckedError(
                    f"guard plugin {name!r} is not installed",
                    fix=f"install the package that offers {name!r} in the group {GROUP} "
                    "(in a hook: additional_dependencies)",
                )
            rules.append(found[name].load()())
    return rules
