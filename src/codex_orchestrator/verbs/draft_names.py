"""Ids, names and titles of drafts."""

import re
from collections.abc import Iterable, Sequence

from codex_orchestrator.guard.areas import Area
from codex_orchestrator.text.shown import folded, visible

_NUMBER = re.compile(r"([0-9]{2,6})(?:[-_.]|$)")
_LONGEST = 64


def next_ids(spec_paths: Iterable[str], folders: Sequence[str]) -> list[str]:
    """Return ids for new specs, numbered after those that exist, each with its folder's name."""
    highest, width = 0, 4
    for path in spec_paths:
        *parents, name = path.split("/")
        found = _NUMBER.match(name) or (_NUMBER.match(parents[-1]) if parents else None)
        if found and int(found[1]) >= highest:
            highest, width = int(found[1]), len(found[1])
    ids = []
    for number, folder in enumerate(folders, start=highest + 1):
        words = re.sub(r"[^a-z0-9]+", "-", folder.lower()).strip("-") or "code"
        ids.append(f"{number:0{width}}-{words}"[:_LONGEST].rstrip("-"))
    return ids


def draft_title(area: Area) -> str:
    """Return the title of an area's draft."""
    folder = folded(visible(area.folder), 150)
    if len(area.globs) == 1 and area.globs[0].endswith("/**"):
        return f"Code in {folder}"
    return f"Code in parts of {folder or 'the repository'}"
