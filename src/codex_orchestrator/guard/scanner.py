"""The quick reader of front matter: a subset of YAML that needs no YAML library.

It reads `key: value`, lists of words, and lists of small mappings. At anything else it gives up
(returns None) and the strict YAML parser decides; a property test holds both to one answer.
"""

import re
from typing import Any

# Letters that no YAML reader treats as line break, indicator or byte-order mark.
_WIDE = "\u00a1-\u1fff\u2010-\u2027\u2030-\u205e\u3040-\ud7ff"
_PLAIN = rf"[A-Za-z0-9_./(](?:[!-9;-~{_WIDE}]|:(?=[!-~{_WIDE}])| +(?=[!-\"$-~{_WIDE}]))*"
_FLOW_PLAIN = rf"[A-Za-z0-9_./(](?:[$-+.-9;-@A-Z^-z|~{_WIDE}-]| +(?=[$-+.-9;-@A-Z^-z|~{_WIDE}]))*"
_QUOTED = rf"'[ -&(-~{_WIDE}]*'|\"[ !#-\[\]-~{_WIDE}]*\""
_FLOW = rf"(?:{_QUOTED}|{_FLOW_PLAIN})"
_NAME = r"[A-Za-z_][A-Za-z0-9_-]{0,60}"
_FLOW_LIST = rf"\[ *(?:{_FLOW}(?: *, *{_FLOW})*)? *\]"
_FLOW_MAP = rf"\{{ *{_NAME}: +{_FLOW}(?: *, *{_NAME}: +{_FLOW})* *\}}"
_VALUE = rf"{_QUOTED}|{_PLAIN}|{_FLOW_LIST}"

_ANY_LINE = re.compile(
    rf"(?P<dash>(?P<indent> *)- +)?(?P<map>{_FLOW_MAP}) *"
    rf"|(?P<lead> *(?:- +)?)(?P<name>{_NAME}):(?: +(?P<value>{_VALUE}))? *"
    rf"|(?P<item> *)- +(?P<word>{_QUOTED}|{_PLAIN}) *"
    rf"| *(?:#[ -~{_WIDE}]*)?"
)
_FLOW_ITEM = re.compile(_FLOW)
_FLOW_PAIR = re.compile(rf"({_NAME}): +({_FLOW})")
_TYPED = frozenset({"true", "false", "null", "~"})

Token = tuple[str, int, str, Any]
"""Kind, column, name, value. Kinds: key, item (a list entry), entry (opens a mapping), blank."""

_ODD: Token = ("odd", 0, "", None)
_MEMO: dict[str, Token] = {}
"""Tokens by line: specs repeat each other's lines, and a line's token follows from it alone."""


def scan(front: str) -> tuple[dict[str, Any], dict[str, int]] | None:
    """Return front matter's values and lines (dotted key to line), or None when it is odd."""
    values: dict[str, Any] = {}
    lines: dict[str, int] = {}
    reader = _Reader(values, lines)
    for number, line in enumerate(front.split("\n"), start=1):
        token: Token | None = _MEMO.get(line)
        if token is None:
            token = _token(line.removesuffix("\r"))
            if len(_MEMO) > 50_000:
                _MEMO.clear()
            _MEMO[line] = token
        kind = token[0]
        if kind == "key" and token[1] == 0:
            name = token[2]
            if name in values:
                return None
            values[name] = reader.last = token[3]
            lines[name] = number
            reader.open(name)
        elif kind == "blank":
            continue
        elif kind == "odd" or not reader.nested(token, number):
            return None
    return (values, lines) if values else None


class _Reader:
    """What stands below a top-level key: a list of words or of mappings, at one column."""

    def __init__(self, values: dict[str, Any], lines: dict[str, int]) -> None:
        self.values = values
        self.lines = lines
        self.name = ""
        self.last: Any = ""
        self.column = -1
        self.entry: dict[str, Any] | None = None
        self.inner = -1

    def open(self, name: str) -> None:
        self.name = name
        self.column = self.inner = -1
        self.entry = None

    def nested(self, token: Token, number: int) -> bool:
        """Take a line below the open key; say whether it belongs there."""
        kind, column, name, value = token
        if kind == "key":
            if self.entry is None or column != self.inner or name in self.entry:
                return False
            self.entry[name] = value
            return not isinstance(value, list) and value is not None
        if not self.name:
            return False
        if self.values[self.name] is None:
            self.values[self.name] = []
            self.column = column
        items = self.values[self.name]
        if self.column != column or not isinstance(items, list):
            return False
        self.lines[f"{self.name}.{len(items)}"] = number
        self.entry, self.inner = None, -1
        if kind == "entry":
            self.inner, first = value
            self.entry = {name: first}
            items.append(self.entry)
            return first is not None and not isinstance(first, list)
        items.append(value)
        return True


def _token(line: str) -> Token:
    found = _ANY_LINE.fullmatch(line)
    if found is None:
        return _ODD
    if found["name"]:
        return _key_token(found)
    if found["map"]:
        pairs = [(name, _scalar(text)) for name, text in _FLOW_PAIR.findall(found["map"])]
        mapping = dict(pairs)
        if found["dash"] is None or len(mapping) != len(pairs) or None in mapping.values():
            return _ODD
        return ("item", len(found["indent"]), "", mapping)
    if found["word"]:
        word = _scalar(found["word"])
        return _ODD if word is None else ("item", len(found["item"]), "", word)
    return ("blank", 0, "", None)


def _key_token(found: re.Match[str]) -> Token:
    lead: str = found["lead"]
    name: str = found["name"]
    text: str | None = found["value"]
    value: str | list[str | None] | None = None
    if text is not None:
        is_list = text[0] == "["
        value = [_scalar(item) for item in _FLOW_ITEM.findall(text)] if is_list else _scalar(text)
        if value is None or (is_list and None in value):
            return _ODD
    if "-" in lead:
        return ("entry", lead.index("-"), name, (len(lead), value))
    return ("key", len(lead), name, value)


def _scalar(text: str) -> str | None:
    """Return the text of a scalar, without its quotes; None for a word that has a type."""
    if text[0] in "'\"":
        return text[1:-1]
    return None if text.lower() in _TYPED else text
