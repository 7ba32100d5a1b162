"""Facts of a Markdown document whose status, date and paths are fields of its text."""

import re

from codex_orchestrator.guard.dates import parse_day
from codex_orchestrator.guard.document_status import (
    meaning,
    read_status,
    status_fields,
    successor_field,
)
from codex_orchestrator.guard.documents import (
    FRONT,
    SECTION,
    Document,
    Field,
    fold_name,
    plain,
    read_document,
)
from codex_orchestrator.guard.facts import NO_SPEC, Facts, build_facts, malformed
from codex_orchestrator.guard.frontmatter import BOM, parse_facts, read_mapping
from codex_orchestrator.guard.recipes import Recipe
from codex_orchestrator.text.lean_typing import Any

APPROVED_BY = "approved by"
_SIGNED = re.compile(r"(.{1,200}) \(([a-z0-9][a-z0-9._-]{0,63})\), ([0-9-]{10})")
# What templates have in place of a value; a link starts with a bracket too.
_PLACEHOLDER = re.compile(
    r"[\"'`*]*(?:\[[^\]\n]*\](?!\()|\{[^\n]*\}|<[^>\n]*>|YYYY-MM-DD|DATE|STATUS)[\"'`*]*"
)
_CHOICE = re.compile(r"[^|\n]+(?:\|[^|\n]+)+")
_CODE = re.compile(r"`([^`\n]{1,1100})`")
_LISTED = re.compile(r"(?:[*+-]|[0-9]{1,3}[.)])[ \t]+")


def document_facts(data: bytes, *, size: int, recipe: Recipe) -> Facts:
    """Return the facts of a document.

    Args:
        data: the file, or the start of one that is too large.
        size: the whole size of the file in bytes.
        recipe: how documents of its format are read.
    """
    if size > len(data):
        # What is not seen could say that the document was superseded.
        return malformed(f"the document has {size} bytes, the limit is {len(data)}", 1)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return malformed("the document is not UTF-8", line)
    document = read_document(text)
    states = status_fields(document, recipe)
    date = date_field(document, recipe)
    if is_template(states, date, recipe):
        return NO_SPEC
    values: dict[str, Any] = {}
    lines: dict[str, int] = {}
    if data.removeprefix(BOM).partition(b"\n")[0].rstrip() == b"---":
        front = read_mapping(data)
        if isinstance(front, str):
            return parse_facts(data, size=size)
        values, lines = _front_values(front.values, front.lines, recipe)
    status, remark = read_status(states, recipe)
    successor = successor_field(document)
    if successor is not None and status != "superseded":
        status, remark = "superseded", f"`{successor.shown}: {plain(successor.value)[:120]}`"
    values |= {"id": values.get("id") or document.title, "status": status}
    lines["status"] = states[0].line if states else successor.line if successor else 1
    if date is not None:
        values["last_review"] = plain(date.value)
        lines["last_review"] = date.line
    if not values.get("paths"):
        _add_paths(document, recipe, values, lines)
    if "approvals" not in values:
        values["approvals"] = _approvals(document, lines)
    facts = build_facts(values, lines)
    names = (
        states[0].shown if states else recipe.status[0],
        date.shown if date is not None else recipe.dates[0],
    )
    return facts if facts.problem else facts._replace(notation=(*names, remark))


def _front_values(
    values: dict[str, Any], lines: dict[str, int], recipe: Recipe
) -> tuple[dict[str, Any], dict[str, int]]:
    """Return what the front matter says of id, paths and approvals, with lines of the file."""
    found: dict[str, Any] = {}
    places: dict[str, int] = {}
    for name, value in values.items():
        key = "paths" if fold_name(name) in recipe.paths else name
        if key in ("id", "paths", "approvals"):
            found[key] = value
            for place, line in lines.items():
                if place == name or place.startswith(f"{name}."):
                    places[key + place[len(name) :]] = line + 1
    return found, places


def date_field(document: Document, recipe: Recipe) -> Field | None:
    """Return the field with the day of the review: the first of the known names that is there."""
    for name in recipe.dates:
        for field in document.fields:
            if field.name == name and plain(field.value):
                return field
    return None


def is_template(states: list[Field], date: Field | None, recipe: Recipe) -> bool:
    """Return whether a value is still the template's; not where a status says approved."""
    fields = [*states, *([date] if date is not None else [])]
    if not any(_is_placeholder(field.value, recipe) for field in fields):
        return False
    return all(meaning(field.value, recipe) != "approved" for field in states)


def _is_placeholder(value: str, recipe: Recipe) -> bool:
    text = value.strip()
    if _CHOICE.fullmatch(text):
        return True
    if not _PLACEHOLDER.fullmatch(text):
        return False
    inside = plain(text).strip("[]{}<>")
    return not meaning(inside, recipe) and parse_day(inside) is None


def _add_paths(
    document: Document, recipe: Recipe, values: dict[str, Any], lines: dict[str, int]
) -> None:
    globs: list[str] = []
    for field in document.fields:
        if field.name not in recipe.paths or field.place == FRONT:
            continue
        for glob in _globs(field.value, is_section=field.place == SECTION):
            lines.setdefault("paths", field.line)
            lines[f"paths.{len(globs)}"] = field.line
            globs.append(glob)
    if globs:
        values["paths"] = globs


def _globs(value: str, *, is_section: bool) -> list[str]:
    """Return the globs in a line: its code marks, else a list entry, else words with commas."""
    coded = _CODE.findall(value)
    if coded:
        return [str(glob) for glob in coded]
    listed = _LISTED.match(value)
    text = value[listed.end() :] if listed else value
    words = [plain_glob(word) for word in text.split(",")]
    is_prose = is_section and any(" " in word for word in words)
    return [] if is_prose else [word for word in words if word]


def plain_glob(text: str) -> str:
    """Return a glob without the link around it; its own stars stay."""
    return re.sub(r"^\[([^\]\n]*)\]\([^)\n]*\)$", r"\1", text.strip()).strip("\"' ")


def _approvals(document: Document, lines: dict[str, int]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for field in document.fields:
        signed = _SIGNED.fullmatch(field.value) if field.name == APPROVED_BY else None
        if signed is not None and parse_day(signed[3]) is not None:
            lines[f"approvals.{len(found)}"] = field.line
            found.append({"role": signed[2], "by": signed[1], "on": signed[3]})
    return found


def without_bookkeeping(data: bytes, recipe: Recipe) -> bytes:
    """Return a document without the values of status, date and approvals in it."""
    text = data.decode("utf-8", "surrogateescape")
    document = read_document(text)
    names = {*recipe.dates, APPROVED_BY}
    states = status_fields(document, recipe)
    out, at = [], 0
    for field in document.fields:
        if field.name in names or field in states:
            start = text.rfind("\n", 0, field.start) + 1 if field.place != SECTION else field.start
            out.append(text[at : max(at, start)])
            at = max(at, field.end)
    return "".join([*out, text[at:]]).encode("utf-8", "surrogateescape")
