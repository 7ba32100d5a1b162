"""Close a run: manifest, then audit record, then state, so that each step can be repeated."""

from typing import TYPE_CHECKING

from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.manifest import Manifest
from codex_orchestrator.model.run import RunState

if TYPE_CHECKING:
    from codex_orchestrator.runs.audit import FileAuditLog
    from codex_orchestrator.runs.store import FileRunStore


def close_run(manifest: Manifest, *, store: "FileRunStore", audit: "FileAuditLog") -> str:
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
