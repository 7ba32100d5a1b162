"""Credentials: what for, how long, and a value that does not show itself."""

from enum import StrEnum
from typing import Protocol


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


class Redaction(Protocol):
    """Masks known secrets in whatever is written."""

    def redact(self, text: str) -> str:
        """Return text with every known form of a secret masked."""
        ...

    def redact_bytes(self, data: bytes) -> bytes:
        """Return bytes with every known form of a secret masked."""
        ...

    def finds_secret(self, text: str) -> bool:
        """Say whether text holds a known secret in any form."""
        ...
