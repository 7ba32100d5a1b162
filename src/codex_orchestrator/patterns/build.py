"""`dist/patterns/**`: the library as other programs read it. Same input, same bytes."""

import json
import os
import shutil
import tempfile
from pathlib import Path

from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.pattern import PatternAsset, PatternIndex
from codex_orchestrator.patterns.asset import FOLDERS, Asset
from codex_orchestrator.patterns.engine import find, parse
from codex_orchestrator.patterns.index import (
    INDEX,
    dump_index,
    load_index,
    make_index,
    scan_assets,
)

_MARKER = "index.json"


def build_index(library: Path) -> tuple[PatternIndex, tuple[Asset, ...]]:
    """Make a library's index from its folders, after trying every rule in the engine.

    Raises:
        InputError: an asset is wrong, or ast-grep refuses one of its rules.
    """
    assets = scan_assets(library)
    for asset in assets:
        for rule in asset.rules:
            find(parse("", rule.language), rule)
    previous = load_index(library) if (library / INDEX).is_file() else None
    return make_index(assets, previous), assets


def write_index(library: Path, index: PatternIndex) -> bool:
    """Write `index.json` when it would change, and say whether it did."""
    path = library / INDEX
    data = dump_index(index)
    if path.is_file() and path.read_bytes() == data:
        return False
    with tempfile.NamedTemporaryFile(dir=library, prefix=".index-", delete=False) as stream:
        stream.write(data)
        os.fchmod(stream.fileno(), 0o644)
    Path(stream.name).replace(path)
    return True


def compiled_files(index: PatternIndex, assets: tuple[Asset, ...]) -> dict[str, bytes]:
    """Return the files of the compiled library by relative path.

    The rules form one `ast-grep` project: `ast-grep scan -c dist/patterns/sgconfig.yml`.
    """
    found = {"sgconfig.yml": b"ruleDirs: [codemods, linters]\n"}
    entries: list[PatternAsset] = []
    for asset in assets:
        source = asset.source
        suffix = ".yml" if asset.rules else Path(source.entry).suffix
        name = f"{FOLDERS[source.kind]}/{source.id}{suffix}"
        entries.append(asset.facts.with_entry(name))
        if not asset.rules:
            found[name] = asset.files[source.entry]
            continue
        rules = [_rule_document(asset, number) for number in range(len(asset.rules))]
        text = "---\n".join(json.dumps(rule, indent=2, ensure_ascii=False) + "\n" for rule in rules)
        found[name] = text.encode("utf-8")
    found[INDEX] = dump_index(PatternIndex(version=index.version, assets=tuple(entries)))
    return found


def _rule_document(asset: Asset, number: int) -> dict[str, object]:
    rule = asset.rules[number]
    document = rule.model_dump(by_alias=True, exclude_defaults=True, mode="json")
    document.update(rule.config())
    document["metadata"] = {
        "asset": asset.facts.id,
        "version": asset.facts.version,
        "sha256": asset.facts.sha256,
    }
    # JSON is YAML with unambiguous types.
    return dict(sorted(document.items()))


def write_compiled(files: dict[str, bytes], target: Path) -> None:
    """Replace the compiled library in a folder, and nothing but a compiled library.

    Raises:
        InputError: the folder holds something else than a compiled library.
    """
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise InputError("not a folder", path=str(target), fix="remove it, or give --out DIR")
    if target.is_dir() and any(target.iterdir()) and not (target / _MARKER).is_file():
        raise InputError(
            "the folder holds other files", path=str(target), fix="empty it, or give --out DIR"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=target.parent, prefix=".patterns-"))
    try:
        for name, data in sorted(files.items()):
            path = aside / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        aside.chmod(0o755)
        if target.is_dir():
            old = Path(tempfile.mkdtemp(dir=target.parent, prefix=".patterns-"))
            target.rename(old / "old")
            aside.rename(target)
            shutil.rmtree(old)
        else:
            aside.rename(target)
    except OSError:
        shutil.rmtree(aside, ignore_errors=True)
        raise
