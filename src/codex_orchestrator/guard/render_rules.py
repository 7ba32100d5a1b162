"""The rules as the page docs/guard-rules.md, so that the page cannot say something else."""

from collections.abc import Sequence

from codex_orchestrator.guard.rules.base import Rule

_TOP = """\
# The rules of the spec guard

Made by `codex-orchestrator guard rules --format markdown`; a test compares. Codes are stable: one
is never given to another rule. What a word means stands in [the glossary](glossary.md), how the
rules work together in [guard.md](guard.md).

| code | name | what it sees | why | how to mend it |
|---|---|---|---|---|
"""


def render_rules(rules: Sequence[Rule]) -> str:
    """Return the page."""
    return _TOP + "".join(
        f"| `{rule.code}` | {rule.name} | {_cell(rule.what)} | {_cell(rule.why)} "
        f"| {_cell(rule.fix)} |\n"
        for rule in rules
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
