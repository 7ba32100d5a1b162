"""Credentials: what they are for, and a secret value that is never printed."""

from enum import StrEnum


class Scope(StrEnum):
    """What a secret is for."""

    MODEL = "model"
    GITHUB = "github"
    CATALOG = "catalog"
    CLOUD = "cloud"


class Secret:
    """A secret value in memory; printing, formatting or pickling does not reveal it."""

    __slots__ = ("_value", "scope")

    def __init__(self, value: str, *, scope: Scope) -> None:
        if not value:
            raise ValueError(f"the {scope} secret is empty")
        self._value = value
        self.scope = scope

    def reveal(self) -> str:
        """Return the value; call this only where it is passed to a client."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({self.scope})"

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("a secret cannot be pickled")
