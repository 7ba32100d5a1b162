"""What a verb checks on behalf of the agents' guardrails."""

from collections.abc import Callable
from typing import NamedTuple


class Rails(NamedTuple):
    """Three checks, at three places.

    `spec` runs before the planner and `secrets` on every answer; each returns what is wrong, ""
    when nothing is. `protected` runs after the builder and returns the protected paths that the
    work tree changes.
    """

    spec: Callable[[], str]
    protected: Callable[[], tuple[str, ...]]
    secrets: Callable[[str], str]
