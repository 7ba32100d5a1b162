"""Versions of documents: every document that outlives its process names its schema.

A schema is a name and a number, `run-manifest.v2`. A document of an older version is migrated in
memory, one version at a time, by the functions below; its bytes stay as they are. One of a newer
version is refused by name: whoever meets it must neither guess what it says nor write over it.
"""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar

from pydantic import ValidationError

from codex_orchestrator.model.canonical import (
    CanonicalError,
    JsonValue,
    canonical_bytes,
    load_strict,
)
from codex_orchestrator.model.document import Document, problems_of
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.work_pack import WORK_KIND

_T = TypeVar("_T", bound=Document)
Fields = dict[str, JsonValue]

_SCHEMA = re.compile(r"([a-z]+(?:-[a-z]+)*)\.v([1-9][0-9]{0,5})")
# Kinds of documents whose first version did not name its schema.
_UNNAMED = frozenset({"audit-head", "audit-record"})


class NewerSchemaError(InputError):
    """A newer version of the toolkit wrote a document: it is not read, and not written over."""


class Schema(NamedTuple):
    """The name of a kind of document, and the number of its version."""

    name: str
    number: int

    def __str__(self) -> str:
        return f"{self.name}.v{self.number}"


def schema_of(kind: type[Document]) -> Schema:
    """Return the schema of the documents of a kind that this version of the toolkit writes."""
    return _require_schema(kind.model_fields["schema_"].default)


def refuse_newer(found: object, known: Schema, *, path: str, line: int = 0) -> Schema | None:
    """Return the schema that a document names; None when it is no schema of this kind.

    Args:
        found: the value that the document has for its schema.
        known: the newest version that can be read.
        path: the file, for messages.
        line: the line of the file, 0 for the whole.

    Raises:
        NewerSchemaError: it is a newer version of this kind of document.
    """
    match = _SCHEMA.fullmatch(found) if isinstance(found, str) else None
    if match is None or match[1] != known.name:
        return None
    schema = Schema(match[1], int(match[2]))
    if schema.number > known.number:
        raise NewerSchemaError(
            f"has the schema {schema}, and this version of the toolkit reads up to {known}",
            fix="update codex-orchestrator-toolkit; nothing was changed",
            path=path,
            line=line,
        )
    return schema


def read_document(
    data: bytes, kind: type[_T], *, path: str, fix: str, fields: Fields | None = None, line: int = 0
) -> _T:
    """Return the document that bytes hold, migrated when an older version wrote it.

    Args:
        data: the bytes of a JSON object.
        kind: what it must be.
        path: the file, for messages.
        fix: what to do about a document that is damaged.
        fields: the object, when the caller has parsed the bytes already.
        line: the line of the file, 0 for the whole.

    Raises:
        NewerSchemaError: a newer version wrote it.
        InputError: names the file, the field and what is wrong.
    """
    fields = load_fields(data, path=path, fix=fix) if fields is None else fields
    known = schema_of(kind)
    named = fields.get("schema")
    if named is None and known.name in _UNNAMED:
        named = f"{known.name}.v1"
    found = refuse_newer(named, known, path=path, line=line)
    if found is None:
        message = f"is {str(named)[:60]!r}, not {known}" if named is not None else "is missing"
        raise InputError(message, path=path, line=line, field="schema", fix=fix)
    if found != known:
        if early := fields.keys() & LATER_FIELDS.get(str(found), frozenset()):
            message = f"a document of schema {found} has no such field"
            raise InputError(message, path=path, line=line, field=min(early), fix=fix)
        data = canonical_bytes(_migrated(fields, found, known))
    try:
        return kind.model_validate_json(data, strict=True)
    except ValidationError as error:
        problem = problems_of(error)[0]
        raise InputError(
            problem.message, path=path, line=line, field=problem.field, fix=fix
        ) from error


def load_fields(data: bytes, *, path: str, fix: str = "") -> Fields:
    """Parse the bytes of any JSON document of ours, without checking its fields.

    Raises:
        InputError: it is not strict JSON, or not an object.
    """
    try:
        fields = load_strict(data)
    except CanonicalError as error:
        raise InputError(str(error), path=path, fix=fix) from error
    if not isinstance(fields, dict):
        raise InputError("is not a JSON object", path=path, fix=fix)
    return fields


def _require_schema(text: str) -> Schema:
    name, _, number = text.rpartition(".v")
    return Schema(name, int(number))


def _migrated(fields: Fields, found: Schema, known: Schema) -> Fields:
    while found != known:
        fields = MIGRATIONS[str(found)](fields)
        found = Schema(found.name, found.number + 1)
    return {**fields, "schema": str(known)}


def _same(fields: Fields) -> Fields:
    return fields


def _holder_from_v1(fields: Fields) -> Fields:
    """Say that the machine is known by its name only."""
    return {**fields, "boot_id": "", "pid_namespace": ""}


def _manifest_from_v1(fields: Fields) -> Fields:
    """Say which kind of record it is, and name the version of its packs of work.

    The tasks of Codex Cloud stood with the items that they were sent for. What version 1 did not
    record is null, because it is not known.
    """
    fields = {**fields, "kind": "run", "cloud": _cloud_tasks(fields.get("items"))}
    artifacts = fields.get("artifacts")
    if not isinstance(artifacts, list):
        return fields
    renamed: list[JsonValue] = [
        {**listed, "kind": WORK_KIND}
        if isinstance(listed, dict) and listed.get("kind") == "work"
        else listed
        for listed in artifacts
    ]
    return {**fields, "artifacts": renamed}


def _cloud_tasks(items: JsonValue) -> list[JsonValue]:
    """Return the tasks that the submissions of items name; what is damaged names none."""
    found: list[JsonValue] = []
    for item in items if isinstance(items, list) else ():
        match item:
            case {"id": str(name), "submissions": [*submissions]}:
                found += [{"item": name, **task} for task in map(_cloud_task, submissions) if task]
    return found


def _cloud_task(submission: JsonValue) -> Fields:
    match submission:
        case {"number": int(number), "task_id": str(task)} if task:
            return {"number": number, "task_id": task, "url": ""}
    return {}


MIGRATIONS: Mapping[str, Callable[[Fields], Fields]] = {
    "audit-head.v1": _same,
    "audit-record.v1": _same,
    "lock-holder.v1": _holder_from_v1,
    "run-manifest.v1": _manifest_from_v1,
}
"""What makes the next version of a document, by the schema that it has."""

LATER_FIELDS: Mapping[str, frozenset[str]] = {
    "lock-holder.v1": frozenset(["boot_id", "pid_namespace"]),
    "run-manifest.v1": frozenset(
        ["kind", "setup", "baseline", "promises", "leases", "cloud", "delivery", "previous"]
    ),
}
"""Fields that a later version brought: an older document with one of them is damaged."""
