"""Close a run: manifest, then audit record, then state, so that each step can be repeated."""

from collections.abc import Mapping
from typing import Protocol

from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.manifest import Manifest
from codex_orchestrator.model.receipt import AuditRecord
from codex_orchestrator.model.run import RunState


class ClosingStore(Protocol):
    """Where manifests and task states are written."""

    def save(self, manifest: Manifest) -> str:
        """Write the manifest durably and return the SHA-256 of its canonical bytes."""
        ...

    def summarize(self, manifest: Manifest, manifest_sha256: str) -> None:
        """Put the run into the task's state file."""
        ...


class OnceLog(Protocol):
    """An audit log that knows what it was told before."""

    def append_once(
        self,
        event: str,
        *,
        task_id: str,
        run_id: str,
        key: tuple[str, ...],
        level: str = "info",
        details: Mapping[str, str | int | bool | None],
    ) -> AuditRecord:
        """Append a record unless one of the same event, task, run and `key` details is there."""
        ...


def close_run(manifest: Manifest, *, store: ClosingStore, audit: OnceLog) -> str:
    """Record the end of a run and return the SHA-256 of its manifest.

    Calling it again, after a crash at any point, completes what is missing and repeats nothing.

    Raises:
        InputError: the manifest is not in state finished, or another one stands finished.
        LockedError: a higher attempt has taken the run over.
    """
    if manifest.run.state is not RunState.FINISHED or manifest.verdict is None:
        raise InputError(f"run {manifest.run.id} is not finished")
    digest = store.save(manifest)
    audit.append_once(
        "run-finished",
        task_id=manifest.task.id,
        run_id=manifest.run.id,
        key=("manifest_sha256",),
        details={
            "manifest_sha256": digest,
            "verdict": str(manifest.verdict),
            "attempt": manifest.run.attempt,
        },
    )
    store.summarize(manifest, digest)
    return digest
