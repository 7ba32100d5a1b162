"""Finish a run: patch, branch, review text, artifacts, manifest, state and audit record."""

from typing import TYPE_CHECKING

from codex_orchestrator.model.finding import Severity
from codex_orchestrator.model.manifest import Manifest
from codex_orchestrator.model.verdict import Verdict
from codex_orchestrator.pipeline.record import RunRecord
from codex_orchestrator.pipeline.run_rooms import FinishedRun, RunRooms
from codex_orchestrator.pipeline.work_pack import drop_work

if TYPE_CHECKING:
    from codex_orchestrator.workspace.tree import GitWorkTree


def finish_run(record: RunRecord, rooms: RunRooms, tree: "GitWorkTree") -> FinishedRun:
    """Write all that a reader needs to judge the run, the manifest last."""
    if record.manifest.verdict is None:
        record.save(verdict=Verdict.FAILED)
    # From here on a resumed run judges nothing again: the branch below may exist already.
    record.save_run(tree=tree.snapshot(), finished_at=rooms.clock())
    change = tree.change()
    patch = rooms.redaction.redact_bytes(change.patch)
    record.write("diff.patch", patch, kind="diff")
    branch = ""
    leaks = rooms.redaction.finds_secret(change.patch.decode("utf-8", "replace"))
    if change.paths and not leaks:
        branch = branch_of(record.manifest, rooms.branch_prefix)
        record.save_run(head_sha=tree.commit(_message(record.manifest), branch=branch))
    _collect_risks(record)
    if record.manifest.review is not None:
        text = record.manifest.review.model_dump_json(indent=2)
        record.write("review.json", text.encode() + b"\n", kind="review")
    record.write("review.md", rooms.review_text(record.manifest, patch).encode(), kind="review")
    record.events.send("run-finished", {"verdict": str(record.manifest.verdict), "branch": branch})
    record.register_folder("tests", kind="log")
    record.register("events.jsonl", kind="events")
    drop_work(record)
    digest = record.finish()
    rooms.progress(f"verdict {record.manifest.verdict}, manifest sha256 {digest}")
    return FinishedRun(record.manifest, digest, record.folder, branch)


def stored_run(record: RunRecord, manifest_sha256: str, rooms: RunRooms) -> FinishedRun:
    """Return a run that finished before, as it is stored."""
    manifest = record.manifest
    branch = branch_of(manifest, rooms.branch_prefix) if manifest.run.head_sha else ""
    return FinishedRun(manifest, manifest_sha256, record.folder, branch)


def branch_of(manifest: Manifest, prefix: str) -> str:
    """Return the name of the branch that holds a run's commit."""
    return f"{prefix}{manifest.task.id}/{manifest.run.id}"


def _message(manifest: Manifest) -> str:
    return (
        f"{manifest.task.title}\n\n"
        f"Task: {manifest.task.id}\n"
        f"Run: {manifest.run.id}\n"
        f"Spec: {manifest.task.spec.path}\n"
        f"Verdict: {manifest.verdict}\n"
    )


def _collect_risks(record: RunRecord) -> None:
    plan, review = record.manifest.plan, record.manifest.review
    warned = [
        f"{finding.path}:{finding.line}: {finding.message}"
        for finding in (review.findings if review else ())
        if finding.severity is not Severity.NOTE
    ]
    record.note(risks=(*(plan.risks if plan else ()), *warned[:20]))
