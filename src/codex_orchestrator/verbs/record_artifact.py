"""Record the CI artifact that holds a run's folder."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.receipt import RecordedArtifact
from codex_orchestrator.pipeline.ports import AuditLog


class FindableRuns(Protocol):
    """Run folders that can be found."""

    def find(self, run_id: str) -> Path:
        """Return the folder `<task>/<run>` of a run, given its id or the beginning of it."""
        ...


class RecordingOutbox(Protocol):
    """Where CI artifacts of runs are recorded."""

    def artifact(self, task_id: str, run_id: str) -> RecordedArtifact | None:
        """Return where CI keeps a run's folder; None when nobody recorded it."""
        ...

    def record_artifact(self, artifact: RecordedArtifact) -> None:
        """Write where CI keeps a run's folder, durable before this returns."""
        ...


def record_artifact(
    run_id: str,
    *,
    artifact_id: str,
    digest: str,
    url: str,
    store: FindableRuns,
    audit: AuditLog,
    outbox: RecordingOutbox,
    clock: Callable[[], str],
) -> RecordedArtifact:
    """Record where CI keeps a run's folder; the same record twice changes nothing.

    Raises:
        InputError: there is no such run, or another artifact was recorded for it.
    """
    folder = store.find(run_id)
    known = outbox.artifact(folder.parent.name, folder.name)
    artifact = RecordedArtifact(
        task_id=folder.parent.name,
        run_id=folder.name,
        id=artifact_id,
        digest=digest,
        url=url,
        recorded_at=known.recorded_at if known else clock(),
    )
    if known is not None and known != artifact:
        raise InputError(f"artifact {known.id} is recorded for run {folder.name}")
    audit.append_once(
        "artifact-recorded",
        task_id=artifact.task_id,
        run_id=artifact.run_id,
        key=("id", "digest"),
        details={"id": artifact_id, "digest": digest, "url": url},
    )
    outbox.record_artifact(artifact)
    return artifact
