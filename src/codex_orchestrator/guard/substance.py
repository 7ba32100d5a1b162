"""Substance: what of a spec's text counts as an edit that says something about the code."""

import re

from codex_orchestrator.guard.fences import BOM, split

_BOOKKEEPING = r"[\"']?(?:last_review|approvals|status)[\"']?\s*:"


def substance(data: bytes) -> str:
    """Return the text without white space, invisible characters and review bookkeeping.

    Two versions with the same substance differ in spaces, review date, approvals or status only.
    """
    parts = split(data)
    if parts is None:
        return _visible(data.removeprefix(BOM).decode("utf-8", "surrogateescape"))
    start, end, body = parts
    kept = []
    is_bookkeeping = False
    for line in data[start:end].decode("utf-8", "surrogateescape").split("\n"):
        if line.lstrip().startswith("#"):
            continue
        if line[:1] not in (" ", "\t", "-", "", "\r", "}", "]"):
            is_bookkeeping = re.match(_BOOKKEEPING, line) is not None
        if not is_bookkeeping:
            kept.append(line)
    return _visible("".join(kept)) + "\n" + _visible(data[body:].decode("utf-8", "surrogateescape"))


def _visible(text: str) -> str:
    if text.isascii():
        return "".join(text.split())
    import unicodedata

    return "".join(
        char for char in text if not char.isspace() and unicodedata.category(char) != "Cf"
    )
