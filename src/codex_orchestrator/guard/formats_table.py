"""Read what `[tool.codex-orchestrator.guard]` says of specs in other formats."""

from collections.abc import Iterable, Sequence
from typing import Any

from codex_orchestrator.guard.config import FRONT_MATTER, Mapping
from codex_orchestrator.guard.documents import fold_name
from codex_orchestrator.guard.recipes import (
    ADR_TOOLS,
    DEFAULT_SPECS,
    FIELD_KEYS,
    MADR,
    MARKDOWN,
    SPEC_KIT,
)
from codex_orchestrator.guard.specs import APPROVED, DRAFT, SUPERSEDED
from codex_orchestrator.model.config_file import ConfigTable
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.text.globs import glob_problem

FORMATS = (FRONT_MATTER, MADR, ADR_TOOLS, SPEC_KIT, MARKDOWN)
_MEANINGS = (APPROVED, DRAFT, SUPERSEDED)
_MAPPING_KEYS = ("specs", "format", "paths")
_MAX_WORD = 60


def parse_format(
    key: str, value: object, guard: dict[str, Any], table: ConfigTable
) -> dict[str, Any]:
    """Return the fields of the guard's configuration that one of the keys about formats sets.

    Args:
        key: `specs_format`, `specs_fields`, `specs_status` or `mapping`.
        value: its value as it is written.
        guard: the guard's whole table, as it is written.
        table: the table, for messages.

    Raises:
        InputError: the value is wrong; names file, line and field.
    """
    if key == "specs_format":
        _require_format(("guard", key), value, table)
        has_place = "specs" in guard or value not in DEFAULT_SPECS
        return {key: value} if has_place else {key: value, "specs": DEFAULT_SPECS[str(value)]}
    if key == "mapping":
        return {key: tuple(_mappings(value, table))}
    if not isinstance(value, dict):
        form = '{status = ["State"]}' if key == "specs_fields" else '{"in force" = "approved"}'
        raise _wrong(table, (key,), f"must be a table such as {form}")
    pairs = (_field if key == "specs_fields" else _word)(value, table)
    return {key: tuple(pairs)}


def _require_format(keys: Sequence[str], value: object, table: ConfigTable) -> None:
    if value in FORMATS:
        return
    from codex_orchestrator.text.near import nearest_key

    near = nearest_key(value, FORMATS) if isinstance(value, str) else ""
    raise table.error(
        keys, f"must be one of {', '.join(FORMATS)}{near}", fix="docs/guard.md tells what each is"
    )


def _field(value: dict[str, Any], table: ConfigTable) -> Iterable[tuple[str, tuple[str, ...]]]:
    for name, words in value.items():
        if name not in FIELD_KEYS:
            raise table.unknown_key(("guard", "specs_fields", name), FIELD_KEYS)
        listed = [words] if isinstance(words, str) else words
        if not isinstance(listed, list) or not listed or not all(map(_is_word, listed)):
            problem = "must be the name of a field in the documents, or a list of names"
            raise _wrong(table, ("specs_fields", name), problem)
        yield name, tuple(map(fold_name, listed))


def _word(value: dict[str, Any], table: ConfigTable) -> Iterable[tuple[str, str]]:
    for word, meaning in value.items():
        if not _is_word(word):
            raise _wrong(table, ("specs_status", word), "must be a word of 1 to 60 characters")
        if meaning not in _MEANINGS:
            raise _wrong(table, ("specs_status", word), f"must be one of {', '.join(_MEANINGS)}")
        yield " ".join(word.casefold().split()), meaning


def _is_word(value: object) -> bool:
    is_text = isinstance(value, str) and value.isprintable() and bool(value.strip())
    return is_text and len(str(value)) <= _MAX_WORD


def _mappings(value: object, table: ConfigTable) -> Iterable[Mapping]:
    if not isinstance(value, list):
        raise _wrong(table, ("mapping",), "must be a list of {specs, format, paths}")
    for number, entry in enumerate(value):
        at = ("mapping", str(number))
        line = table.line(("guard", *at))
        if not isinstance(entry, dict):
            raise _wrong(table, at, "must have the form {specs, format, paths}", line=line)
        for key in entry:
            if key not in _MAPPING_KEYS:
                raise table.unknown_key(("guard", *at, key), _MAPPING_KEYS, line=line)
        specs, paths = entry.get("specs"), entry.get("paths", [])
        if not isinstance(specs, str) or glob_problem(specs):
            why = glob_problem(specs) if isinstance(specs, str) else "must be a glob of specs"
            raise _wrong(table, (*at, "specs"), why, line=line)
        if "format" in entry:
            _require_format(("guard", *at, "format"), entry["format"], table)
        if not isinstance(paths, list) or not all(isinstance(glob, str) for glob in paths):
            raise _wrong(table, (*at, "paths"), "must be a list of globs", line=line)
        for glob in paths:
            if problem := glob_problem(glob):
                raise _wrong(table, (*at, "paths"), f"{glob!r} {problem}", line=line)
        if not paths and "format" not in entry:
            raise _wrong(table, at, "says neither `format` nor `paths`", line=line)
        yield Mapping(specs, entry.get("format", ""), tuple(paths))


def _wrong(table: ConfigTable, keys: Sequence[str], problem: str, *, line: int = 0) -> InputError:
    fix = "docs/guard.md lists every key and its values"
    return table.error(("guard", *keys), problem, fix=fix, line=line)
