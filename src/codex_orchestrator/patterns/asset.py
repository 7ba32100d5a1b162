"""An asset's folder: `pattern.yaml`, the entry it names, its cases, and the digest over all."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pydantic import Field, ValidationError, field_validator, model_validator

from codex_orchestrator.model.document import Document
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.pattern import PatternAsset, PatternKind, SemanticVersion
from codex_orchestrator.model.strict_yaml import parse_part
from codex_orchestrator.model.task import Identifier, InsidePath
from codex_orchestrator.patterns.languages import ANY, known_language, language_of
from codex_orchestrator.patterns.rule import (
    Rule,
    RuleBody,
    parse_rules,
    schema_error,
)
from codex_orchestrator.system.files import read_file

SOURCE = "pattern.yaml"
FOLDERS = {
    PatternKind.CODEMOD: "codemods",
    PatternKind.LINTER: "linters",
    PatternKind.TEMPLATE: "templates",
}
_FAMILY = {"typescript": "javascript", "tsx": "javascript"}
MAX_ASSET_BYTES = 4 * 1024 * 1024


class Unless(Document):
    """A reason to leave a whole file alone: a rule that matches somewhere in it."""

    reason: str = Field(min_length=1)
    rule: RuleBody


class Additions(Document):
    """What a Python file must have once the codemod changed it."""

    imports: tuple[str, ...] = ()
    statement: str = ""


class AssetSource(Document):
    """`pattern.yaml`: what an author says about an asset."""

    id: Identifier
    kind: PatternKind
    version: SemanticVersion
    language: str = ANY
    entry: InsidePath
    description: str = Field(min_length=1, max_length=300)
    usage: str = Field(min_length=1, max_length=300)
    ignores: tuple[str, ...] = ()
    unless: tuple[Unless, ...] = ()
    adds: Additions = Additions()

    @field_validator("adds")
    @classmethod
    def _additions_parse(cls, adds: Additions) -> Additions:
        import ast

        for code in (*adds.imports, *([adds.statement] if adds.statement else [])):
            try:
                tree = ast.parse(code)
            except SyntaxError as error:
                raise ValueError(f"{code!r} is not Python: {error.msg}") from error
            if len(tree.body) != 1:
                raise ValueError(f"{code!r} is not one statement")
        return adds

    @model_validator(mode="after")
    def _fits_kind(self) -> "AssetSource":
        if self.kind is not PatternKind.CODEMOD and self.adds != Additions():
            raise ValueError("`adds` goes with a codemod")
        if self.adds != Additions() and self.language != "python":
            raise ValueError("`adds` is for Python; write other languages' imports into the rule")
        if self.kind is PatternKind.TEMPLATE and (self.unless or self.ignores):
            raise ValueError("`unless` and `ignores` go with rules, not with a template")
        return self


class Asset(NamedTuple):
    """One asset, read from its folder. `rules` is empty for a template."""

    facts: PatternAsset
    source: AssetSource
    folder: Path
    files: Mapping[str, bytes]
    rules: tuple[Rule, ...]

    def text(self, path: str) -> str:
        """Return one of the asset's files as text."""
        return decode_file(self.files[path], f"{self.folder}/{path}")

    def works_on(self, path: str) -> bool:
        """Say whether the asset has a rule for files of this name's language."""
        return language_of(path) in {rule.language for rule in self.rules}


def decode_file(data: bytes, path: str) -> str:
    """Return a file of the library as text.

    Raises:
        InputError: it is not UTF-8.
    """
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"not UTF-8 at byte {error.start}", path=path, fix="save it as UTF-8"
        ) from error


def read_folder(folder: Path) -> dict[str, bytes]:
    """Read every file of an asset's folder by its relative path.

    Raises:
        InputError: the folder is missing, holds a link, or is too large.
    """
    found: dict[str, bytes] = {}
    size = 0
    if not folder.is_dir() or folder.is_symlink():
        raise InputError("no such asset folder", path=str(folder), fix="run `patterns build`")
    for place, folders, names in os.walk(folder, followlinks=False):
        # Installers compile every .py file, cases too.
        folders[:] = [name for name in folders if name != "__pycache__"]
        for name in sorted([*folders, *names]):
            path = Path(place, name)
            relative = path.relative_to(folder).as_posix()
            if path.is_symlink() or not (path.is_dir() or path.is_file()):
                raise InputError(
                    "an asset holds regular files only", path=str(path), fix="remove it"
                )
            if path.is_file():
                size += path.stat().st_size
                if size > MAX_ASSET_BYTES:
                    raise InputError(
                        f"the asset is larger than {MAX_ASSET_BYTES} bytes", path=str(folder)
                    )
                found[relative] = read_file(path, max_bytes=MAX_ASSET_BYTES)
    return found


def digest(files: Mapping[str, bytes]) -> str:
    """Return the SHA-256 over names and contents of an asset's files."""
    total = hashlib.sha256()
    for name in sorted(files):
        total.update(name.encode("utf-8", "surrogateescape") + b"\0")
        total.update(hashlib.sha256(files[name]).digest())
    return total.hexdigest()


def parse_source(files: Mapping[str, bytes], *, place: str) -> AssetSource:
    """Read `pattern.yaml` among an asset's files.

    Raises:
        InputError: it is missing or wrong; names file, line and key.
    """
    path = f"{place}/{SOURCE}"
    if SOURCE not in files:
        raise InputError("no such file", path=path, fix="write it, or run `patterns new`")
    text = decode_file(files[SOURCE], path)
    document = parse_part(text, source=path, offset=0, fix="fix the YAML")
    try:
        source = AssetSource(**document.values)
    except ValidationError as error:
        raise schema_error(error, document, source=path) from error
    if source.kind is not PatternKind.TEMPLATE or source.language != ANY:
        line = document.lines.get("language", 0)
        known_language(source.language, path=path, line=line)
    return source


def load_asset(folder: Path, *, library: Path) -> Asset:
    """Read one asset from its folder `<library>/<kind>s/<id>`.

    Raises:
        InputError: something in the folder is wrong; names file, line and key.
    """
    files = read_folder(folder)
    source = parse_source(files, place=str(folder))
    relative = folder.relative_to(library).as_posix()
    if relative != f"{FOLDERS[source.kind]}/{source.id}":
        raise InputError(
            f"a {source.kind} with the id {source.id!r} belongs in "
            f"{FOLDERS[source.kind]}/{source.id}",
            path=f"{folder}/{SOURCE}",
            fix="rename the folder, or correct `id` and `kind`",
        )
    if source.entry not in files:
        raise InputError("no such file", path=f"{folder}/{source.entry}", field="entry")
    rules: tuple[Rule, ...] = ()
    if source.kind is not PatternKind.TEMPLATE:
        rules = _load_rules(source, files, folder)
    stated = source.model_dump(include=set(PatternAsset.model_fields))
    made = {"entry": f"{relative}/{source.entry}", "sha256": digest(files)}
    return Asset(PatternAsset(**stated | made), source, folder, files, rules)


def _load_rules(source: AssetSource, files: Mapping[str, bytes], folder: Path) -> tuple[Rule, ...]:
    path = f"{folder}/{source.entry}"
    rules = parse_rules(decode_file(files[source.entry], path), source=path)
    for rule in rules:
        if _FAMILY.get(rule.language, rule.language) != source.language:
            raise InputError(
                f"rule {rule.id!r} is for {rule.language}, the asset for {source.language}",
                path=path,
                field="language",
            )
        if rule.id != source.id and not rule.id.startswith(f"{source.id}-"):
            raise InputError(
                f"rule id {rule.id!r} must be {source.id!r} or start with {source.id + '-'!r}",
                path=path,
                field="id",
            )
        if (rule.fix is None) == (source.kind is PatternKind.CODEMOD):
            raise InputError(
                f"rule {rule.id!r}: a codemod's rules have a `fix`, a linter's rules have none",
                path=path,
                field="fix",
            )
        if source.kind is PatternKind.LINTER and not rule.message:
            raise InputError(
                f"rule {rule.id!r} has no message", path=path, fix="say in `message` what it found"
            )
    return rules
