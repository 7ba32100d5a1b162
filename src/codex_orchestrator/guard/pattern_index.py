"""The index of the learning library, as far as the guard needs it."""

import json
import re
from typing import NamedTuple

from codex_orchestrator.guard.config import PATTERN_INDEX as INDEX
from codex_orchestrator.guard.config import PATTERNS_FOLDER as FOLDER

SCHEMA = "pattern-index.v1"
Version = tuple[int, int, int]
_VERSION = r"[0-9]{1,9}\.[0-9]{1,9}\.[0-9]{1,9}"


class Index(NamedTuple):
    """The assets of an index: versions by id, ids by folder (or file); or what is wrong with it."""

    versions: dict[str, Version]
    places: dict[str, str]
    problem: str = ""

    def owner(self, path: str) -> str | None:
        """Return the id of the asset that a path belongs to."""
        parts = path.split("/")
        for depth in range(len(parts), 1, -1):
            found = self.places.get("/".join(parts[:depth]))
            if found is not None:
                return found
        return None


def parse_index(data: bytes | None) -> Index:
    """Parse the parts of an index that these rules need."""
    if data is None:
        return Index({}, {}, f"{INDEX} is missing")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        return Index({}, {}, f"not valid JSON: {error}")
    versions: dict[str, Version] = {}
    places: dict[str, str] = {}
    if not isinstance(document, dict):
        return Index({}, {}, "is not a JSON object: run `codex-orchestrator patterns build`")
    named = document.get("schema")
    if named is None:
        return Index({}, {}, "`schema` is missing: run `codex-orchestrator patterns build`")
    if named != SCHEMA:
        text = f"has the schema {named!r:.60}, and this version of the toolkit reads {SCHEMA}"
        return Index({}, {}, f"{text}: update codex-orchestrator-toolkit")
    assets = document.get("assets")
    if not isinstance(assets, list):
        return Index({}, {}, "`assets` must be a list")
    for number, asset in enumerate(assets):
        match asset:
            case {"id": str(asset_id), "version": str(text), "entry": str(entry)} if re.fullmatch(
                _VERSION, text
            ):
                major, minor, patch = map(int, text.split("."))
            case _:
                problem = f"`assets[{number}]` needs id, entry and a version such as 1.2.0"
                return Index({}, {}, problem)
        if asset_id in versions:
            return Index({}, {}, f"the id {asset_id!r:.80} is there twice")
        versions[asset_id] = major, minor, patch
        entry = entry.removeprefix("./").removeprefix(FOLDER)
        folder = entry.rpartition("/")[0]
        # An asset is a folder below its kind's folder, or a single file in it.
        places[FOLDER + ("/".join(folder.split("/")[:2]) if "/" in folder else entry)] = asset_id
    return Index(versions, places)
