"""TOML, read with limits, with the line of each key."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

MAX_BYTES = 1024 * 1024
_AT_LINE = r"\(at line (\d+)"
# The TOML reader's time grows with the square of a key's parts.
_LONG_KEY = r"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*"|'[^'\n]*')[ \t]*+\.[ \t]*+){100}"""
_LONG_NUMBER = r"\d{4000}"
_NAME = r"""(?:[\w-]+|"[^"\n]*"|'[^'\n]*')"""
_NAMES = rf"{_NAME}(?:[ \t]*\.[ \t]*{_NAME})*"
_ENTRY = rf"(?m)^[ \t]*(?:(\[\[?)[ \t]*({_NAMES})[ \t]*\]|({_NAMES})[ \t]*=)"


class TomlError(ValueError):
    """Text that is not valid TOML. `line` counts from 1; it is 0 when unknown."""

    def __init__(self, problem: str, *, line: int = 0) -> None:
        super().__init__(problem)
        self.line = line


def parse_toml(data: bytes) -> tuple[dict[str, Any], str]:
    """Return a TOML document and its text.

    Raises:
        TomlError: it is too long, not UTF-8, not TOML, or built to be slow to parse.
    """
    import tomllib

    if len(data) > MAX_BYTES:
        raise TomlError(f"more than {MAX_BYTES} bytes")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise TomlError("is not UTF-8", line=data.count(b"\n", 0, error.start) + 1) from error
    if key := re.search(_LONG_KEY, text):
        raise TomlError("a key has over 100 parts", line=_line_at(text, key.start()))
    try:
        return tomllib.loads(text), text
    except RecursionError as error:
        raise TomlError("not valid TOML: nested too deeply", line=1) from error
    except ValueError as error:  # also raised for numbers with thousands of digits
        at, number = re.search(_AT_LINE, str(error)), re.search(_LONG_NUMBER, text)
        line = int(at[1]) if at else _line_at(text, number.start() if number else 0)
        raise TomlError(f"not valid TOML: {error}", line=line) from error


def _line_at(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def line_of(text: str, place: Sequence[str | int]) -> int:
    """Return the line, from 1, of a key, or of what holds it; 0 when neither is found.

    TOML readers say no positions, so the text is searched.

    Args:
        text: the whole text.
        place: names from the outermost table to the key; numbers, from 0, of items in arrays.
    """
    found_depth = found_at = 0
    for path, start in _entries(text):
        depth = min(len(path), len(place))
        if depth > found_depth and path[:depth] == list(place[:depth]):
            found_depth, found_at = depth, start
    return _line_at(text, found_at) if found_depth else 0


def _entries(text: str) -> Iterator[tuple[list[str | int], int]]:
    """Yield each table and key with its position: `[[a.b]]` is the next item of an array."""
    table: list[str | int] = []
    items: dict[tuple[str, ...], int] = {}
    for entry in re.finditer(_ENTRY, text):
        bracket, header, key = entry.groups()
        names = tuple(name.strip("\"'") for name in re.findall(_NAME, header or key))
        if bracket == "[[":
            items[names] = items.get(names, -1) + 1
        if bracket:
            table = []
            for depth, name in enumerate(names, start=1):
                table.append(name)
                if names[:depth] in items:
                    table.append(items[names[:depth]])
            yield table, entry.start(1)
        else:
            yield [*table, *names], entry.start(3)
