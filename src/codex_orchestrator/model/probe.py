"""A probe: one part of the set-up that `doctor` checked."""

from typing import Literal, NamedTuple

State = Literal["works", "missing", "wrong", "not configured", "not tried"]


class Probe(NamedTuple):
    """What was looked at and what was found; `fix` is "" where nothing is to be done.

    Only a required one that does not work makes `doctor` fail.
    """

    name: str
    state: State
    detail: str
    fix: str = ""
    is_required: bool = False

    @property
    def works(self) -> bool:
        """Return whether it was tried and works."""
        return self.state == "works"
