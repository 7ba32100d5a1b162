"""Manifests and state files as bytes: strict when read, one form when written."""

from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from codex_orchestrator.model.canonical import (
    CanonicalError,
    JsonValue,
    canonical_bytes,
    load_strict,
)
from codex_orchestrator.model.document import Document, problems_of
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.manifest import Manifest
from codex_orchestrator.model.run import RunSummary, TaskState

_T = TypeVar("_T", bound=Document)

MANIFEST_SCHEMA = "run-manifest.v"
STATE_SCHEMA = "task-state.v"


class NewerSchemaError(InputError):
    """A file was written by a newer version of this tool: it may be read, never written."""


def manifest_bytes(manifest: Manifest) -> bytes:
    """Return the bytes of a manifest as they are on disk: exactly RFC 8785."""
    return canonical_bytes(manifest.model_dump(mode="json", by_alias=True))


def parse_manifest(data: bytes, *, source: Path) -> Manifest:
    """Parse the bytes of a manifest; anything but its canonical form is an error.

    Raises:
        NewerSchemaError: a newer version wrote it.
        InputError: names the file, the field and what is wrong.
    """
    document, written = _load(data, source=source)
    manifest = _parse(data, document, Manifest, MANIFEST_SCHEMA, source=source)
    if written != data:
        raise InputError(
            "is not in canonical form (RFC 8785): it was edited",
            path=str(source),
        )
    return manifest


def parse_state(data: bytes, *, source: Path) -> TaskState:
    """Parse the bytes of a state file.

    Raises:
        NewerSchemaError: a newer version wrote it.
        InputError: names the file, the field and what is wrong.
    """
    document = parse_document(data, source=source)
    return _parse(data, document, TaskState, STATE_SCHEMA, source=source)


def parse_document(data: bytes, *, source: Path) -> dict[str, JsonValue]:
    """Parse the bytes of any JSON document of ours, without checking its fields.

    Raises:
        InputError: it is not strict JSON, or not an object.
    """
    return _load(data, source=source)[0]


def _load(data: bytes, *, source: Path) -> tuple[dict[str, JsonValue], bytes]:
    """Return a document and its canonical bytes."""
    try:
        document = load_strict(data)
        written = canonical_bytes(document)
    except CanonicalError as error:
        raise InputError(str(error), path=str(source)) from error
    if not isinstance(document, dict):
        raise InputError("is not a JSON object", path=str(source))
    return document, written


def _parse(
    data: bytes, document: dict[str, JsonValue], kind: type[_T], schema: str, *, source: Path
) -> _T:
    found = document.get("schema")
    if isinstance(found, str) and found.startswith(schema) and found != f"{schema}1":
        raise NewerSchemaError(
            f"was written by another version ({found[:40]}); this one knows {schema}1",
            fix="upgrade codex-orchestrator-toolkit; nothing was changed",
            path=str(source),
        )
    fix = "restore the file from the artifact or the catalog"
    return validated(data, kind, source=source, fix=fix)


def validated(data: bytes, kind: type[_T], *, source: Path, fix: str) -> _T:
    """Return the document of a kind that bytes hold.

    Raises:
        InputError: names the file, the field and what is wrong, with the fix.
    """
    try:
        return kind.model_validate_json(data, strict=True)
    except ValidationError as error:
        problem = problems_of(error)[0]
        raise InputError(problem.message, path=str(source), field=problem.field, fix=fix) from error


def summary_of(manifest: Manifest, manifest_sha256: str) -> RunSummary:
    """Return a run's entry in the state file."""
    return RunSummary(
        run_id=manifest.run.id,
        attempt=manifest.run.attempt,
        started_at=manifest.run.started_at,
        finished_at=manifest.run.finished_at,
        state=manifest.run.state,
        verdict=manifest.verdict,
        manifest_sha256=manifest_sha256,
    )


def state_of(task_id: str, summaries: tuple[RunSummary, ...]) -> TaskState:
    """Return the state of a task from its runs, in the order of their start."""
    ordered = sorted(summaries, key=lambda summary: (summary.started_at, summary.run_id))
    return TaskState(
        task_id=task_id,
        last_run_at=ordered[-1].started_at if ordered else "",
        runs=tuple(ordered),
    )
