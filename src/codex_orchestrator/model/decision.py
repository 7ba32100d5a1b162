"""One line of the decisions file: what an agent asked for, and what was decided about it.

The workspace server and the Codex bridge write it; the run reads it, because what tools answer to
a model proves nothing.
"""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple


class DecisionKind(StrEnum):
    """The kind of a decision. Only `approval-required` can be changed by a person."""

    ALLOWED = "allowed"
    GRANTED = "granted"
    REFUSED = "refused"
    APPROVAL_REQUIRED = "approval-required"


class Decision(NamedTuple):
    """What was decided, by which rule, and the escalation `KIND:VALUE` that was asked for.

    `facts` is what else the writer records: when, which tool, with which arguments.
    """

    kind: DecisionKind
    rule: str = ""
    escalation: str = ""
    facts: Mapping[str, object] = {}

    def line(self) -> str:
        """Return the decision as one line of JSON, without a line end."""
        decided = {"decision": self.kind, "rule": self.rule, "escalation": self.escalation}
        return json.dumps({**self.facts, **decided})


def parse_decision(line: str) -> Decision:
    """Parse a line that one of our servers wrote.

    Raises:
        ValueError: it is no decision.
    """
    document: dict[str, object] = json.loads(line)
    match document:
        case {"decision": str(kind), "rule": str(rule), "escalation": str(wanted), **facts}:
            return Decision(DecisionKind(kind), rule, wanted, facts)
    raise ValueError("not a decision")
