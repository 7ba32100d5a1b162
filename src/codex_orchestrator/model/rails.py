"""What a verb checks on behalf of the agents' guardrails."""

from collections.abc import Callable
from typing import NamedTuple


class Rails(NamedTuple):
    """Three checks; each returns what is wrong, "" when nothing is.

    `spec` runs before the planner, `protected` after the builder, `secrets` on every answer.
    """

    spec: Callable[[], str]
    protected: Callable[[], str]
    secrets: Callable[[str], str]
