"""`patterns/index.json`: the versioned list of a library's assets, made from their folders."""

import json
from pathlib import Path

from codex_orchestrator.model.canonical import MAX_BYTES
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.pattern import PatternAsset, PatternIndex
from codex_orchestrator.model.versions import read_document
from codex_orchestrator.patterns.asset import FOLDERS, Asset, load_asset
from codex_orchestrator.system.files import read_file

INDEX = "index.json"
FIRST_VERSION = "1.0.0"


def scan_assets(library: Path) -> tuple[Asset, ...]:
    """Read every asset folder of a library, ordered by id.

    Raises:
        InputError: an asset is wrong, or two have the same id.
    """
    found: dict[str, Asset] = {}
    for name in FOLDERS.values():
        group = library / name
        folders = sorted(group.iterdir()) if group.is_dir() else []
        for folder in folders:
            if folder.name.startswith("."):
                continue
            asset = load_asset(folder, library=library)
            other = found.get(asset.facts.id)
            if other is not None:
                raise InputError(
                    f"the id {asset.facts.id!r} is also in {other.folder}", path=str(folder)
                )
            found[asset.facts.id] = asset
    return tuple(found[key] for key in sorted(found))


def load_index(library: Path) -> PatternIndex:
    """Read a library's index.

    Raises:
        InputError: it is missing or does not match the schema.
    """
    path = library / INDEX
    try:
        data = read_file(path, max_bytes=MAX_BYTES)
    except FileNotFoundError as error:
        raise InputError("no such file", path=str(path), fix="run `patterns build`") from error
    return parse_index(data, source=str(path))


def parse_index(data: bytes, *, source: str) -> PatternIndex:
    """Parse an index.

    Raises:
        NewerSchemaError: a newer version wrote it.
        InputError: names file and field.
    """
    index = read_document(data, PatternIndex, path=source, fix="run `patterns build`")
    ids = [asset.id for asset in index.assets]
    if len(ids) != len(set(ids)):
        raise InputError("two assets have the same id", path=source, field="assets")
    return index


def make_index(assets: tuple[Asset, ...], previous: PatternIndex | None) -> PatternIndex:
    """Make the index of a library; its version changes when an asset did."""
    facts = tuple(asset.facts for asset in assets)
    if previous is None:
        return PatternIndex(version=FIRST_VERSION, assets=facts)
    return PatternIndex(version=_next_version(previous, facts), assets=facts)


def _next_version(previous: PatternIndex, facts: tuple[PatternAsset, ...]) -> str:
    """Major when an asset was removed or had a major change, minor for a new one, else patch."""
    before = {asset.id: asset for asset in previous.assets}
    after = {asset.id: asset for asset in facts}
    if before == after:
        return previous.version
    changed = [(before[key], after[key]) for key in before.keys() & after.keys()]
    steps = [_step(old.version, new.version) for old, new in changed if old != new]
    if before.keys() - after.keys():
        steps.append(0)
    if after.keys() - before.keys():
        steps.append(1)
    numbers = list(version_key(previous.version))
    place = min(steps)
    numbers = [*numbers[:place], numbers[place] + 1, *([0] * (2 - place))]
    return ".".join(str(number) for number in numbers)


def _step(old: str, new: str) -> int:
    """Return which number of a version changed: 0 major, 1 minor, 2 patch or none."""
    pairs = zip(version_key(old), version_key(new), strict=True)
    return next((place for place, (a, b) in enumerate(pairs) if a != b), 2)


def version_key(version: str) -> tuple[int, int, int]:
    """Return a semantic version as numbers, for comparing."""
    major, minor, patch = version.split(".")
    return int(major), int(minor), int(patch)


def dump_index(index: PatternIndex) -> bytes:
    """Return an index as the bytes of its file."""
    document = index.model_dump(by_alias=True, mode="json")
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode("utf-8")
