"""Redaction: no known secret leaves in anything that is written, in no common encoding."""

import base64
import re
import urllib.parse
from collections.abc import Iterable, Mapping

MASK = "***"
MIN_LENGTH = 6
_SECRET_NAME = re.compile(
    r"(TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|ACCESS_?KEY|CREDENTIAL)", re.IGNORECASE
)


class Redactor:
    """Replaces known secret values, raw, base64, hexadecimal and percent-encoded."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Learn a secret. Values shorter than 6 characters would mask plain words and are left."""
        if len(secret) < MIN_LENGTH:
            return
        for value in {secret, *(line for line in secret.splitlines() if len(line) >= MIN_LENGTH)}:
            self._forms |= _forms(value)
        longest_first = sorted(self._forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(re.escape(form) for form in longest_first))

    def redact(self, text: str) -> str:
        """Return text with every known form of a secret masked."""
        return text if self._pattern is None else self._pattern.sub(MASK, text)

    def redact_bytes(self, data: bytes) -> bytes:
        """Return bytes with every known form of a secret masked; other bytes stay as they are."""
        if self._pattern is None:
            return data
        return self.redact(data.decode("utf-8", "surrogateescape")).encode(
            "utf-8", "surrogateescape"
        )

    def finds_secret(self, text: str) -> bool:
        """Say whether text holds a known secret in any form."""
        return self._pattern is not None and self._pattern.search(text) is not None


def _forms(value: str) -> set[str]:
    raw = value.encode("utf-8", "surrogateescape")
    forms = {value, raw.hex(), raw.hex().upper(), urllib.parse.quote(value, safe=""), value[::-1]}
    # Inside a longer base64 text a value shows in one of three alignments; the cut ends are noise.
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw).rstrip(b"=").decode()
        core = encoded[(shift * 8 + 5) // 6 : len(encoded) - 1]
        if len(core) >= MIN_LENGTH:
            forms |= {core, core.replace("+", "-").replace("/", "_")}
    return forms


def redactor_for_environment(environment: Mapping[str, str]) -> Redactor:
    """Return a redactor for every environment value whose name says that it is a secret."""
    return Redactor(value for name, value in environment.items() if _SECRET_NAME.search(name))


def is_secret_name(name: str) -> bool:
    """Say whether an environment variable's name says that its value is a secret."""
    return _SECRET_NAME.search(name) is not None
