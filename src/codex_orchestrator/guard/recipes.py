"""How documents of other formats are read, before what the configuration says of them."""

import re

from codex_orchestrator.text.lean_typing import NamedTuple

MADR, ADR_TOOLS, SPEC_KIT, MARKDOWN = "madr", "adr-tools", "spec-kit", "markdown"
DEFAULT_SPECS = {
    MADR: ("docs/decisions/**/*.md",),
    ADR_TOOLS: ("doc/adr/*.md",),
    SPEC_KIT: ("specs/*/spec.md",),
}
"""Where the tools of a format put their documents."""

WORDS = {
    "accepted": "approved",
    "approved": "approved",
    "draft": "draft",
    "proposed": "draft",
    "pending": "draft",
    "in review": "draft",
    "under review": "draft",
    "in discussion": "draft",
    "in progress": "draft",
    "work in progress": "draft",
    "wip": "draft",
    "superseded": "superseded",
    "superceded": "superseded",
    "deprecated": "superseded",
    "rejected": "superseded",
    "replaced": "superseded",
    "obsolete": "superseded",
    "withdrawn": "superseded",
}
REVIEWED = ("last review", "last reviewed", "reviewed", "review date")
FIELDS = {
    "status": ("status",),
    "date": (*REVIEWED, "date", "last updated", "updated", "created"),
    "paths": ("paths", "applies to", "code paths"),
}
FIELD_KEYS = tuple(FIELDS)


class Recipe(NamedTuple):
    """How documents of one format are read. All names are folded, as `documents.fold_name` does.

    `dates` are names of the review's day, the first that is there counts. `words` tell what the
    words of the status mean: approved, draft or superseded.
    """

    kind: str
    status: tuple[str, ...]
    dates: tuple[str, ...]
    paths: tuple[str, ...]
    words: tuple[tuple[str, str], ...]


def is_beside_specs(path: str, kind: str) -> bool:
    """Return whether a file only lies among specs: a template, a list of them, a plan of one."""
    *folders, name = path.casefold().split("/")
    stem = name.rpartition(".")[0] or name
    if stem in ("readme", "index") or "templates" in folders:
        return True
    if kind == SPEC_KIT and stem != "spec":
        return True
    words = re.findall(r"[^\W\d_]+", stem)
    kinds = ("adr", "madr", "spec", "plan", "tasks", "decision", "record", "minimal", "bare")
    return "template" in words and all(word == "template" or word in kinds for word in words)
