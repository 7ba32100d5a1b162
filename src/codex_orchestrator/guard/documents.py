"""Read the fields of a Markdown document: `Status: accepted`, `* **Date**: …`, `## Status`.

Decision records and specs of other tools keep in their text what ours keep in front matter. Code
blocks and HTML comments say nothing here. Loaded only where the configuration names a format.
"""

import re

from codex_orchestrator.guard.frontmatter import FrontMatter, read_mapping, split
from codex_orchestrator.text.lean_typing import NamedTuple

FRONT, HEAD, SECTION = "front matter", "head", "section"

# Repetitions are bounded or cannot overlap: a hostile line costs its length.
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_FENCE = re.compile(r" {0,3}(```+|~~~+)")
_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+([^\n]*)")
_LABEL = re.compile(
    r"( {0,3}(?:>[ ]?)?(?:[*+-][ ]{1,3})?[*_]{0,2})"
    r"([^\W\d_][\w /-]{0,40}?)([*_]{0,2}[ ]?:[*_]{0,2}[ \t]*)([^\n]*)"
)
_KEY = re.compile(r"([A-Za-z_][A-Za-z0-9_ -]{0,60}):[ \t]*([^\n]*)")
_KEY_COMMENT = re.compile(r"(?:^|[ \t])#.*")
_LINK = re.compile(r"\[([^\]\n]{0,300})\]\([^)\n]{0,1000}\)")


class Field(NamedTuple):
    """A name and its value, where it stands, and the positions of both in the text.

    `name` is folded for comparison, `shown` as it is written; `line` counts from 1. A section gives
    one field for each line with text below its heading.
    """

    name: str
    value: str
    line: int
    place: str
    shown: str
    name_at: int
    start: int
    end: int


class Document(NamedTuple):
    """A document: its text, its title, where the title's line ends, and its fields in order."""

    text: str
    title: str
    title_end: int
    fields: tuple[Field, ...]


def fold_name(name: str) -> str:
    """Return the name of a field in the form in which names are compared."""
    return " ".join(re.sub(r"[_-]", " ", name).casefold().split())


def plain(value: str) -> str:
    """Return a value without Markdown: links as their text, no emphasis, quotes or code marks."""
    return _LINK.sub(r"\1", value).strip().strip("*_`\"'").strip()


def read_document(text: str) -> Document:
    """Return the fields of a document.

    Fields stand in the front matter, between the title and the first heading below it, and under
    headings. A value ends with its line.
    """
    data = text.encode("utf-8", "surrogateescape")
    parts = split(data)
    fields: list[Field] = []
    start = 0
    if parts is not None:
        first, end, start = (len(data[:at].decode("utf-8", "surrogateescape")) for at in parts)
        fields += _front_fields(text, first, end, read_mapping(data))
    body = _COMMENT.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text[start:])
    title, title_end, rest = _body_fields(body, start, text.count("\n", 0, start))
    return Document(text, title, title_end, (*fields, *rest))


def _front_fields(text: str, start: int, end: int, front: FrontMatter | str) -> list[Field]:
    """Return the keys at the top of front matter, each where the parser of YAML has it."""
    if isinstance(front, str):
        return []
    found = []
    at = start
    for number, row in enumerate(text[start:end].split("\n"), start=1):
        key = _KEY.match(row.rstrip("\r"))
        if key is not None and front.lines.get(key[1]) == number:
            line = number + 1
            raw = key[2] if key[2][:1] in "\"'" else _KEY_COMMENT.sub("", key[2])
            raw = raw.rstrip()
            value_at = at + key.start(2)
            name = fold_name(key[1])
            span = (at, value_at, value_at + len(raw))
            found.append(Field(name, raw, line, FRONT, key[1], *span))
        at += len(row) + 1
    return found


def _body_fields(body: str, offset: int, line: int) -> tuple[str, int, list[Field]]:
    found: list[Field] = []
    title, title_end, section, fence = "", 0, "", ""
    is_head = True
    at = offset
    for row in body.split("\n"):
        line += 1
        text = row.rstrip(" \t\r\\")
        mark = _FENCE.match(row)
        if mark is not None or fence:
            if not fence and mark is not None:
                fence = mark[1]
            elif mark is not None and mark[1].startswith(fence) and not text.strip("`~ "):
                fence = ""
        elif heading := _HEADING.match(text):
            shown = heading[2].strip().rstrip("#").rstrip(" :")
            if len(heading[1]) > 1:
                is_head, section = False, shown
            elif not title:
                title, title_end = shown, at + len(row)
            else:
                is_head, section = False, ""
        elif is_head:
            label = _LABEL.fullmatch(text)
            if label is not None:
                span = (at + label.start(2), at + label.start(4), at + label.end(4))
                name = fold_name(label[2])
                found.append(Field(name, label[4], line, HEAD, label[2], *span))
        elif section and text.strip():
            begin = at + len(text) - len(text.lstrip())
            span = (begin, begin, at + len(text))
            name = fold_name(section)
            found.append(Field(name, text.strip(), line, SECTION, section, *span))
        at += len(row) + 1
    return title, title_end, found
