"""What our servers wrote down is read back; what is damaged is said, never taken for nothing."""

from pathlib import Path

import pytest

from codex_orchestrator.agents.decisions import DecisionLog
from codex_orchestrator.model.decision import Decision, DecisionKind, parse_decision
from codex_orchestrator.model.errors import NotCheckedError


def test_a_decision_is_read_as_it_was_written() -> None:
    decision = Decision(DecisionKind.REFUSED, "a rule", "run:npm test", {"tool": "run_check"})
    assert parse_decision(decision.line()) == decision


@pytest.mark.parametrize(
    "line", ["[]", "7", "NaN", "{", "[" * 100_000, '{"decision": "maybe", "rule": "", "x": 1}']
)
def test_a_damaged_line_of_decisions_or_uses_is_not_checked(tmp_path: Path, line: str) -> None:
    decisions, uses = tmp_path / "decisions.jsonl", tmp_path / "uses.jsonl"
    for file in (decisions, uses):
        file.write_text(f"{line}\n")
    log = DecisionLog(decisions, uses)
    with pytest.raises(NotCheckedError, match=r"decisions\.jsonl .* is damaged"):
        log.raise_if_approval_is_needed()
    with pytest.raises(NotCheckedError, match=r"uses\.jsonl .* is damaged"):
        log.uses()
