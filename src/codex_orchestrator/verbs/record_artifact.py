"""Record the CI artifact that holds a run's folder."""

from collections.abc import Callable

from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.receipt import RecordedArtifact
from codex_orchestrator.verbs.records import Records


def record_artifact(
    run_id: str,
    records: Records,
    *,
    artifact_id: str,
    digest: str,
    url: str,
    clock: Callable[[], str],
) -> RecordedArtifact:
    """Record the CI artifact of a run's folder; recording it again changes nothing.

    Raises:
        InputError: there is no such run, or another artifact was recorded for it.
    """
    folder = records.store.find(run_id)
    known = records.outbox.artifact(folder.parent.name, folder.name)
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
    records.audit.append(
        "artifact-recorded",
        task_id=artifact.task_id,
        run_id=artifact.run_id,
        once_by=("id", "digest"),
        details={"id": artifact_id, "digest": digest, "url": url},
    )
    records.outbox.record_artifact(artifact)
    return artifact
