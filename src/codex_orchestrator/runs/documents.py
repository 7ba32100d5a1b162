"""Manifests and state files as bytes: strict when read, one form when written."""

from pathlib import Path

from codex_orchestrator.model.canonical import CanonicalError, canonical_bytes
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.manifest import Manifest
from codex_orchestrator.model.task_state import RunSummary, TaskState
from codex_orchestrator.model.versions import load_fields, read_document

_RESTORE = "restore the file from the artifact or the catalog"


def manifest_bytes(manifest: Manifest) -> bytes:
    """Return the bytes of a manifest as they are on disk: exactly RFC 8785."""
    return canonical_bytes(manifest.model_dump(mode="json", by_alias=True))


def parse_manifest(data: bytes, *, source: Path) -> Manifest:
    """Parse the bytes of a manifest; anything but its canonical form is an error.

    Raises:
        NewerSchemaError: a newer version wrote it.
        InputError: names the file, the field and what is wrong.
    """
    path = str(source)
    fields = load_fields(data, path=path)
    manifest = read_document(data, Manifest, path=path, fix=_RESTORE, fields=fields)
    try:
        is_canonical = canonical_bytes(fields) == data
    except CanonicalError as error:
        raise InputError(str(error), path=path) from error
    if not is_canonical:
        raise InputError("is not in canonical form (RFC 8785): it was edited", path=path)
    return manifest


def parse_state(data: bytes, *, source: Path) -> TaskState:
    """Parse the bytes of a state file.

    Raises:
        NewerSchemaError: a newer version wrote it.
        InputError: names the file, the field and what is wrong.
    """
    return read_document(data, TaskState, path=str(source), fix=_RESTORE)


def summary_of(manifest: Manifest, manifest_sha256: str) -> RunSummary:
    """Return a run's entry in the state file."""
    return RunSummary(
        **manifest.run.model_dump(include={"attempt", "started_at", "finished_at", "state"}),
        run_id=manifest.run.id,
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
