"""The quick reader of front matter: a subset of YAML that needs no YAML library.

It reads `key: value`, lists of words, and lists of small mappings. At anything else it gives up
(returns None) and the strict YAML parser decides; a property test holds both to one answer.
"""

import re

from codex_orchestrator.text.lean_typing import Any

# Sets are negated so that they include non-ASCII letters; `_BREAKS` are excluded before.
# Repetitions are possessive (`++`), so that matching is linear also for a hostile line.
_PLAIN = r"[A-Za-z0-9_./(](?:[^\x00- :\x7f]++|:(?=[^\x00- \x7f])| ++(?=[^\x00- #\x7f]))*+"
_IN_FLOW = r"[^\x00-#,:\[\]{}\x7f]"
_FLOW_PLAIN = rf"[A-Za-z0-9_./(](?:{_IN_FLOW}++| ++(?={_IN_FLOW}))*+"
_QUOTED = r"'[^\x00-\x1f'\x7f]*+'|\"[^\x00-\x1f\"\\\x7f]*+\""
_FLOW = rf"(?:{_QUOTED}|{_FLOW_PLAIN})"
_NAME = r"[A-Za-z_][A-Za-z0-9_-]{0,60}"
_FLOW_LIST = rf"\[ *(?:{_FLOW}(?: *, *{_FLOW})*)? *\]"
_FLOW_MAP = rf"\{{ *{_NAME}: +{_FLOW}(?: *, *{_NAME}: +{_FLOW})* *\}}"
_VALUE = rf"{_QUOTED}|{_PLAIN}|{_FLOW_LIST}"

_ANY_LINE = re.compile(
    rf"(?P<dash>(?P<indent> *)- +)?(?P<map>{_FLOW_MAP}) *"
    rf"|(?P<lead> *(?:- +)?)(?P<name>{_NAME}):(?: +(?P<value>{_VALUE}))? *"
    rf"|(?P<item> *)- +(?P<word>{_QUOTED}|{_PLAIN}) *"
    r"| *(?:#[^\x00-\x1f\x7f]*)?"
)
# Characters that some parsers treat as line breaks or marks: left to the strict parser.
_BREAKS = ("\u0085", "\u00a0", "\u2028", "\u2029", "\ufeff", "\ufffe", "\uffff")
_FLOW_ITEM = re.compile(_FLOW)
_FLOW_PAIR = re.compile(rf"({_NAME}): +({_FLOW})")
_HARMLESS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _-./*")
_USUAL_KEYS = frozenset({"id", "title", "status", "last_review", "relates_to", "risk"})
_OWN_WORDS = frozenset({"id", "title"})
_TYPED = frozenset({"true", "false", "null", "~"})

KEY, ITEM, ENTRY, BLANK, ODD = range(5)

Token = tuple[int, int, str, Any]
"""Kind, column, name, value. An item is an entry of a list; an entry opens a mapping in a list and
its value holds the mapping's column and first value."""

_ODD: Token = (ODD, 0, "", None)
_MEMO: dict[str, Token] = {}
"""Tokens by line: specs have many lines in common, and a token depends only on its line."""


def scan(front: str) -> tuple[dict[str, Any], dict[str, int]] | None:
    """Return values and lines (dotted key to line) of front matter, or None if it is not plain."""
    if not front.isascii() and (
        any(char in front for char in _BREAKS) or any("\x80" <= char < "\xa0" for char in front)
    ):
        return None
    values: dict[str, Any] = {}
    lines: dict[str, int] = {}
    # The current top-level key, the list below it and its column, the current mapping and its
    # column.
    name, items, column, entry, inner = "", None, -1, None, -1
    for number, line in enumerate(front.split("\n"), start=1):
        kind, at, word, value = _MEMO.get(line) or _remember(line)
        if kind == KEY:
            if at == 0:
                if word in values:
                    return None
                values[word] = value
                lines[word] = number
                name, items, column, entry = word, None, -1, None
            elif entry is None or at != inner or word in entry or value.__class__ is not str:
                return None
            else:
                entry[word] = value
        elif kind == BLANK:
            continue
        else:
            if items is None and name and values[name] is None:
                items = values[name] = []
                column = at
            if kind == ODD or items is None or at != column:
                return None
            lines[f"{name}.{len(items)}"] = number
            entry = None
            if kind == ENTRY:
                inner, first = value
                if first.__class__ is not str:
                    return None
                value = entry = {word: first}
            items.append(value)
    return (values, lines) if values else None


def _remember(line: str) -> Token:
    plain = _plain_token(line)
    if plain is not None and (plain[0] == ITEM or plain[2] in _OWN_WORDS):
        return plain  # rarely repeated in another spec
    token = plain or _token(line.removesuffix("\r"))
    if len(_MEMO) > 50_000:
        _MEMO.clear()
    _MEMO[line] = token
    return token


def _plain_token(line: str) -> Token | None:
    """Return the token of `key: word` or `  - word` with plain letters only, as most lines are."""
    start, mark, word = line.partition("- " if line[:1] in " -" else ": ")
    if not word or not _HARMLESS.issuperset(word) or word[0] in " -*" or word[-1] == " ":
        return None
    if len(word) < 6 and word.lower() in _TYPED:
        return None
    if mark == ": ":
        return (KEY, 0, start, word) if start in _USUAL_KEYS else None
    return (ITEM, len(start), "", word) if not start.strip(" ") else None


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
        return (ITEM, len(found["indent"]), "", mapping)
    if found["word"]:
        word = _scalar(found["word"])
        return _ODD if word is None else (ITEM, len(found["item"]), "", word)
    return (BLANK, 0, "", None)


def _key_token(found: re.Match[str]) -> Token:
    lead, name, text = found.group("lead", "name", "value")
    value: str | list[str | None] | None = None
    if text is not None:
        is_list = text[0] == "["
        value = [_scalar(item) for item in _FLOW_ITEM.findall(text)] if is_list else _scalar(text)
        if value is None or (is_list and None in value):
            return _ODD
    if "-" in lead:
        return (ENTRY, lead.index("-"), name, (len(lead), value))
    return (KEY, len(lead), name, value)


def _scalar(text: str) -> str | None:
    """Return the text of a scalar without quotes; None for a word that YAML converts."""
    if text[0] in "'\"":
        return text[1:-1]
    return None if text.lower() in _TYPED else text
