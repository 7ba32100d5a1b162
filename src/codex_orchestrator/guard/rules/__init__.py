"""The rules, in the order of their codes."""

from codex_orchestrator.guard.rules.base import Rule
from codex_orchestrator.guard.rules.code_rules import UnownedCode
from codex_orchestrator.guard.rules.spec_rules import (
    ApprovalsMissing,
    MalformedFrontMatter,
    NearExpiry,
    NotApproved,
    ReviewDate,
    StaleSpec,
)

RULES: tuple[type[Rule], ...] = (
    UnownedCode,
    StaleSpec,
    ReviewDate,
    MalformedFrontMatter,
    NotApproved,
    ApprovalsMissing,
    NearExpiry,
)
