"""JSON that is read strictly and written in one way only.

Written form: RFC 8785 (JSON Canonicalization Scheme). Reading refuses what `json.loads` lets
through and two readers could understand differently: duplicate keys, NaN, floats where a schema
bans them, integers from 2^53, lone surrogates, invalid UTF-8 and nesting without end.
"""

import hashlib
import json
import math
import re
from typing import Any, TypeAlias

import rfc8785

from codex_orchestrator.text.names import is_utf8

MAX_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 64
MAX_INTEGER = 2**53 - 1

# A string (also an unterminated one), or a bracket.
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"


class CanonicalError(ValueError):
    """A document that cannot be read strictly or written canonically."""


def canonical_bytes(value: JsonValue) -> bytes:
    """Return the RFC 8785 bytes of a JSON value.

    Raises:
        CanonicalError: the value has no canonical form.
    """
    try:
        if _is_plain(value):
            text = json.dumps(
                value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
            )
            return text.encode()
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise CanonicalError(str(error)) from error


def _is_plain(value: JsonValue) -> bool:
    """Say whether the standard library writes a value as RFC 8785 does, and much faster.

    It does without floats and great integers, and where keys are ASCII: others sort otherwise.
    """
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if kind is int:
        return -MAX_INTEGER <= value <= MAX_INTEGER  # type: ignore[operator]
    if kind is list:
        return all(map(_is_plain, value))  # type: ignore[arg-type]
    if kind is dict:
        return all(
            type(key) is str and key.isascii() and _is_plain(item)
            for key, item in value.items()  # type: ignore[union-attr]
        )
    return False


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 of data, 64 lowercase hex digits."""
    return hashlib.sha256(data).hexdigest()


def load_strict(data: bytes) -> JsonValue:
    """Parse JSON bytes and refuse everything that is ambiguous.

    Raises:
        CanonicalError: names what was found.
    """
    if len(data) > MAX_BYTES:
        raise CanonicalError(f"document has {len(data)} bytes, the limit is {MAX_BYTES}")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CanonicalError(f"not UTF-8 at byte {error.start}") from error
    _refuse_depth(text)
    try:
        value: JsonValue = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_int=_integer,
            parse_float=_number,
        )
    except json.JSONDecodeError as error:
        raise CanonicalError(f"line {error.lineno}: {error.msg}") from error
    # The text was UTF-8, so only an escape sequence can be a surrogate.
    if "\\u" in text and not is_utf8(json.dumps(value, ensure_ascii=False)):
        raise CanonicalError("text with a lone surrogate")
    return value


def _refuse_depth(text: str) -> None:
    depth = 0
    for found in _STRING_OR_BRACKET.finditer(text):
        char = found[0]
        if char in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise CanonicalError(f"nested deeper than {MAX_DEPTH}")
        elif char in "]}":
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise CanonicalError(f"duplicate key {key!r}")
        found[key] = value
    return found


def _refuse_constant(name: str) -> None:
    raise CanonicalError(f"{name} is not JSON")


def _number(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise CanonicalError(f"number {digits[:20]} is beyond what a double can hold")
    return number


def _integer(digits: str) -> int:
    if len(digits) > 17 or abs(int(digits)) > MAX_INTEGER:
        raise CanonicalError(f"integer {digits[:20]} is beyond 2^53-1")
    return int(digits)
