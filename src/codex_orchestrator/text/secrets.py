"""Secrets.

Which environment variables hold them, and a redactor that masks known secrets in any encoding.
"""

import base64
import re
import urllib.parse
from collections.abc import Callable, Iterable, Iterator, Mapping

MASK = "***"
MIN_LENGTH = 6
# Words that mark a secret anywhere in a name: SECRET_KEY_BASE, VAULT_SECRET_ID, DB_PASSWORD_PROD.
_WORDS = r"SECRET|PASSWORD|PASSWD|PASSPHRASE|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|CREDENTIAL"
# Words that mark a secret only at the end of a name: MAX_OUTPUT_TOKENS, KEY_ID and PATH are not
# secrets.
_LAST_WORDS = rf"(?:{_WORDS})S?|TOKEN|(?:\b|_)(?:KEY|PAT|AUTH)|_PWD|CONNECTION_STRING"
_AT_END = rf"(?<!PUBLIC)(?<!PUBLISHABLE)(?<!CACHE)(?:{_LAST_WORDS})(?:_?[0-9]+)?\Z"
_NAME_END = re.compile(_AT_END, re.IGNORECASE)
_NAME = re.compile(rf"{_WORDS}|{_AT_END}", re.IGNORECASE)
_URL_NAME = re.compile(r"(?:URL|URI|DSN|PROXY)(?:_?[0-9]+)?\Z", re.IGNORECASE)
_URL_PASSWORD = re.compile(
    r"://[^/?#\s@:]*:([^/?#\s]+)@|[?&;](?:password|passwd|pwd)=([^&;#\s]+)", re.IGNORECASE
)
_NUMBER = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)*")


class Redactor:
    """Replaces known secret values, raw, base64, hexadecimal and percent-encoded."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Add a secret.

        Values shorter than 6 characters are ignored, because they would mask ordinary words.
        """
        if len(secret) < MIN_LENGTH:
            return
        # The first and last line of a PEM key also occur in texts that contain no key.
        lines = (line for line in secret.splitlines() if not line.startswith("-----"))
        for value in {secret, *(line for line in lines if len(line) >= MIN_LENGTH)}:
            self._forms |= _forms(value)
        longest_first = sorted(self._forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(re.escape(form) for form in longest_first))

    def redact(self, text: str) -> str:
        """Return text with every known form of a secret masked."""
        return text if self._pattern is None else self._pattern.sub(MASK, text)

    def redact_bytes(self, data: bytes) -> bytes:
        """Return bytes with every known form of a secret masked; other bytes are not changed."""
        if self._pattern is None:
            return data
        return self.redact(data.decode("utf-8", "surrogateescape")).encode(
            "utf-8", "surrogateescape"
        )

    def finds_secret(self, text: str) -> bool:
        """Return whether text contains a known secret in any form."""
        return self._pattern is not None and self._pattern.search(text) is not None


def _forms(value: str) -> set[str]:
    raw = value.encode("utf-8", "surrogateescape")
    forms = {value, raw.hex(), raw.hex().upper(), urllib.parse.quote(value, safe=""), value[::-1]}
    # Inside a longer base64 text a value appears in one of three alignments; both ends depend on
    # its neighbours.
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw).rstrip(b"=").decode()
        core = encoded[(shift * 8 + 5) // 6 : len(encoded) - 1]
        if len(core) >= MIN_LENGTH:
            forms |= {core, core.replace("+", "-").replace("/", "_")}
    return forms


def is_secret_name(name: str) -> bool:
    """Return whether the name of an environment variable marks its value as a secret."""
    return _NAME.search(name) is not None


def secrets_in(environment: Mapping[str, str], *, is_path: Callable[[str], bool]) -> Iterator[str]:
    """Return the secrets in an environment, known by the names of its variables.

    Of a URL only the password is one, unless the name ends in what says that all of it is. Plain
    numbers, and paths at which something stands, are none.

    Args:
        environment: names and values.
        is_path: tells whether a path exists.
    """
    for name, value in environment.items():
        if not is_secret_name(name) and not _URL_NAME.search(name):
            continue
        is_url = "://" in value
        if is_url:
            for found in _URL_PASSWORD.finditer(value):
                password = found[1] or found[2]
                yield from (password, urllib.parse.unquote(password))
        if not (_NAME_END if is_url else _NAME).search(name):
            continue
        if not _NUMBER.fullmatch(value) and not ("/" in value and is_path(value)):
            yield value
