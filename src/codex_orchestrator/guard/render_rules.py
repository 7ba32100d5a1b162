"""The rules for people: in a terminal, and as the page docs/guard-rules.md."""

from collections.abc import Sequence

from codex_orchestrator.guard.rules.base import Rule

_TOP = """\
# The rules of the spec guard

Made by `codex-orchestrator guard rules --format markdown`; a test compares. Codes are stable: one
is never given to another rule. What a word means stands in [the glossary](glossary.md), how the
rules work together in [guard.md](guard.md).

| code | name | what it sees | why | how to fix it |
|---|---|---|---|---|
"""


def rules_paragraphs(rules: Sequence[Rule]) -> str:
    """Return the rules for a terminal, a paragraph each."""
    return "".join(
        f"{rule.code} {rule.name}\n  what: {rule.what}\n  why:  {rule.why}\n  fix:  {rule.fix}\n\n"
        for rule in rules
    )


def rules_page(rules: Sequence[Rule]) -> str:
    """Return the page docs/guard-rules.md, so that it cannot say something else."""
    return _TOP + "".join(
        f"| `{rule.code}` | {rule.name} | {_cell(rule.what)} | {_cell(rule.why)} "
        f"| {_cell(rule.fix)} |\n"
        for rule in rules
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
