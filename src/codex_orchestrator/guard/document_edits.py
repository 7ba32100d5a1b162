"""Write one field of a Markdown document, in the notation of the fields that it has."""

import re

from codex_orchestrator.guard.document_facts import APPROVED_BY
from codex_orchestrator.guard.documents import HEAD, Document, Field
from codex_orchestrator.guard.frontmatter import split
from codex_orchestrator.guard.recipes import Recipe
from codex_orchestrator.model.errors import InputError


def replace_value(document: Document, field: Field, value: str) -> bytes:
    """Return the document's bytes with another value of a field."""
    text = document.text
    gap = "" if text[field.start - 1 : field.start] in (" ", "\t", "\n", "") else " "
    return (text[: field.start] + gap + value + text[field.end :]).encode()


def add_key(data: bytes, name: str, value: str) -> bytes:
    """Add a key to a document's front matter, which it has."""
    _, end, _ = split(data) or (0, 0, 0)
    newline = b"\r\n" if data[:end].endswith(b"\r\n") else b"\n"
    return data[:end] + f"{name}: {value}".encode() + newline + data[end:]


def add_field(document: Document, recipe: Recipe, path: str, name: str, value: str) -> bytes:
    """Add a field below the last one of the head that is about status or date, in its notation."""
    text = document.text
    known = {*recipe.status, *recipe.dates, APPROVED_BY}
    beside = [field for field in document.fields if field.place == HEAD and field.name in known]
    newline = "\r\n" if "\r\n" in text else "\n"
    if beside:
        last = beside[-1]
        start = text.rfind("\n", 0, last.name_at) + 1
        end = text.find("\n", last.end)
        end = len(text) if end < 0 else end + 1
        lead = text[start : last.name_at]
        colon = text[last.name_at + len(last.shown) : last.start].rstrip(" \t") + " "
        tail = re.sub(r"<!--.*", "", text[last.end : end]).rstrip("\r\n")
        gap = "" if text[:end].endswith("\n") else newline
        is_below_space = text[:start].endswith(("\n\n", "\r\n\r\n"))
        is_plain = not lead.strip(" >") or (is_below_space and not re.search("[*+-] ", lead))
        # Two lines that are no list and have no mark at their end are shown as one paragraph.
        gap += newline if is_plain and not tail else ""
        added = f"{gap}{lead}{name}{colon}{value}{tail}{newline}"
    elif document.title:
        end = min(document.title_end + 1, len(text))
        gap = newline if text[:end].endswith("\n") else newline * 2
        added = f"{gap}{name}: {value}{newline}"
    else:
        fix = "give it a title (`# …`), or front matter, for the review to be written below"
        raise InputError("has neither title nor fields", path=path, line=1, fix=fix)
    return (text[:end] + added + text[end:]).encode()
