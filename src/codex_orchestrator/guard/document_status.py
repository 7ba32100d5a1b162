"""The status that a Markdown document says: only the very word approves."""

import re

from codex_orchestrator.guard.documents import SECTION, Document, Field, plain
from codex_orchestrator.guard.recipes import Recipe

_WITH_DAY = re.compile(r"(.+?)[ ,:(-]*(?:\b(?:on|since|as of) )?\(?[0-9]{4}-[0-9]{2}-[0-9]{2}\)?")
# A mark of a list or of approval; not the box of a list of choices, ticked or not.
_LEAD = re.compile("^(?:[*+-] +)?(?:[\u2705\u2714\u2611\U0001f7e2]\ufe0f? *)?[*_]*")
_SUCCESSOR = ("superseded by", "superceded by", "replaced by")
_NOBODY = ("", "none", "n/a", "na", "no", "null", "nothing", "tbd", "-", "~", "[]")
_GONE = re.compile(r"super[sc]eded\b", re.IGNORECASE)


def status_fields(document: Document, recipe: Recipe) -> list[Field]:
    """Return the fields that say a status: of a section its first line, and what supersedes it."""
    found: list[Field] = []
    for field in document.fields:
        if field.name not in recipe.status:
            continue
        is_first = not any(known.place == SECTION and known.shown == field.shown for known in found)
        if field.place != SECTION or is_first or _GONE.match(plain(field.value)):
            found.append(field)
    return found


def successor_field(document: Document) -> Field | None:
    """Return the field that names what superseded a document."""
    for field in document.fields:
        is_named = field.name in _SUCCESSOR and field.place != SECTION
        if is_named and plain(field.value).casefold() not in _NOBODY:
            return field
    return None


def read_status(states: list[Field], recipe: Recipe) -> tuple[str, str]:
    """Return the status that the fields of a document mean, and what is to be said of it.

    Whatever is missing, unknown or said in two ways is a draft: it approves nothing.
    """
    said = [field for field in states if plain(field.value)]
    if not said:
        return "draft", f"there is no `{recipe.status[0]}`, so it counts as a draft"
    meanings = {field: meaning(field.value, recipe) for field in said}
    gone = [field for field, status in meanings.items() if status == "superseded"]
    if gone:
        return "superseded", f"`{plain(gone[0].value)[:120]}`"
    unknown = [field for field, status in meanings.items() if not status]
    if unknown:
        word = plain(unknown[0].value)[:60]
        return "draft", f"no mapping knows the status {word!r}, so it counts as a draft"
    if len(set(meanings.values())) > 1:
        places = " and ".join(f"{plain(field.value)[:40]!r} (line {field.line})" for field in said)
        return "draft", f"the status is said in two ways, {places}, so it counts as a draft"
    return meanings[said[0]], ""


def meaning(value: str, recipe: Recipe) -> str:
    """Return what a status word means: approved, draft or superseded; "" when nobody mapped it.

    Only the very word approves, with or without a day; what approves nothing may go on in words,
    as in `superseded by …`.
    """
    text = " ".join(plain(value).casefold().split())
    text = _LEAD.sub("", text).rstrip(".,;! ")
    dated = _WITH_DAY.fullmatch(text)
    word = dated[1] if dated else text
    for known, status in recipe.words:
        if word == known:
            return status
        after = text.removeprefix(known)
        if status != "approved" and after != text and not after[:1].isalnum():
            return status
    return ""
