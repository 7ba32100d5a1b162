"""Credentials: what for, how long, and a value that does not show itself."""

from enum import StrEnum


class Scope(StrEnum):
    """What a secret is for."""

    MODEL = "model"
    GITHUB = "github"
    CATALOG = "catalog"
    CLOUD = "cloud"


class Secret:
    """A secret value that lives in memory; printing, formatting or pickling it shows no value."""

    __slots__ = ("_value", "scope")

    def __init__(self, value: str, *, scope: Scope) -> None:
        if not value:
            raise ValueError(f"the {scope} secret is empty")
        self._value = value
        self.scope = scope

    def reveal(self) -> str:
        """Return the value; call it where it is handed to a client and nowhere else."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({self.scope})"

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("a secret cannot be pickled")
