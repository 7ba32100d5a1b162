"""The rules, in the order of their codes."""

from codex_orchestrator.guard.rules.base import Rule
from codex_orchestrator.guard.rules.code_rules import UnownedCode
from codex_orchestrator.guard.rules.edit_rules import (
    EmptyEdit,
    OrphanedCode,
    SelfReview,
    StaleBystanders,
)
from codex_orchestrator.guard.rules.name_rules import DeceptiveName
from codex_orchestrator.guard.rules.own_rules import BrokenConfig, ExpiredWaiver, HistoryMissing
from codex_orchestrator.guard.rules.pattern_rules import PatternGate, PatternVersion
from codex_orchestrator.guard.rules.spec_rules import (
    ApprovalsMissing,
    MalformedFrontMatter,
    NearExpiry,
    NotApproved,
    ReviewDate,
    StaleSpec,
)
from codex_orchestrator.guard.rules.task_rules import TaskWithoutSpec

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
)
