"""Finish a run: patch, branch, review text, artifacts, manifest, state and audit record."""

import stat
from typing import TYPE_CHECKING

from codex_orchestrator.model.errors import LEAKED, InputError
from codex_orchestrator.model.finding import Severity
from codex_orchestrator.model.manifest import Manifest
from codex_orchestrator.model.run import RunState
from codex_orchestrator.model.verdict import Verdict
from codex_orchestrator.pipeline.guardrails import new_secrets, secrets_in_change
from codex_orchestrator.pipeline.outcome import FinishedRun
from codex_orchestrator.pipeline.record import RunRecord
from codex_orchestrator.pipeline.work_pack import remove_work
from codex_orchestrator.system.files import read_file
from codex_orchestrator.text.names import path_problem
from codex_orchestrator.text.shown import shows

if TYPE_CHECKING:
    from codex_orchestrator.pipeline.services import Services
    from codex_orchestrator.runs.audit import FileAuditLog
    from codex_orchestrator.runs.store import FileRunStore
    from codex_orchestrator.text.secrets import Redactor
    from codex_orchestrator.workspace.tree import GitWorkTree

MAX_MASKED_BYTES = 128 * 1024 * 1024
MAX_LOGS = 500
"""More files in `tests/` are removed: each is one more write of the manifest."""


def finish_run(
    record: RunRecord, services: "Services", tree: "GitWorkTree", *, branch: str
) -> FinishedRun:
    """Write everything that a reader of the run needs, the manifest last.

    `branch` is the name of the branch that gets the change, if there is one to show.
    """
    from codex_orchestrator.report.review_text import review_text

    redactor = services.evidence.redactor
    if record.manifest.verdict is None:
        record.failed()
    # From here on a resumed run repeats no stage, because the branch below may exist already.
    state = tree.snapshot()
    record.ended(state)
    if record.manifest.verdict is Verdict.APPROVED and state != record.manifest.run.tested:
        record.failed("the work was changed after it was tested")
    change = tree.change()
    secrets = secrets_in_change(tree, services)
    if secrets:
        _fail_with_secrets(record, secrets)
    # In a binary patch a secret is packed and cannot be masked, so binary files are only named.
    patch = tree.diff_text(()).encode() if secrets else change.patch
    # A line that takes a token out of the base must stay as it is, or the patch does not fit.
    new_secrets(patch, tree, services)
    patch = redactor.redact_bytes(patch)
    record.write("diff.patch", patch, kind="diff")
    if change.paths and not secrets:
        record.committed(tree.commit(_message(record.manifest), branch=branch))
    else:
        branch = ""
    record.warned(_risks(record.manifest, services.ambient.warning))
    if record.manifest.review is not None:
        data = record.manifest.review.file_bytes("review.v2")
        record.write("review.json", data, kind="review")
    _register_logs(record, redactor)
    tails = services.evidence.store.failed_tails(record.manifest)
    text = review_text(record.manifest, patch=patch, tails=tails)
    record.write("review.md", text.encode(), kind="review")
    record.events.send("run-finished", {"verdict": str(record.manifest.verdict), "branch": branch})
    record.register("events.jsonl", kind="events")
    remove_work(record)
    finished = finished_run(record, services, branch=branch)
    services.terminal.progress(
        f"verdict {finished.manifest.verdict}, manifest sha256 {finished.manifest_sha256}"
    )
    return finished


def finished_run(record: RunRecord, services: "Services", *, branch: str) -> FinishedRun:
    """Close a run that is written up, or has finished before, and return it."""
    run = record.manifest.run.replace(state=RunState.FINISHED)
    manifest = record.manifest.replace(run=run)
    digest = close_run(manifest, store=services.evidence.store, audit=services.evidence.audit)
    tails = services.evidence.store.failed_tails(manifest)
    branch = branch if manifest.run.head_sha else ""
    return FinishedRun(manifest, digest, record.folder, branch, tails)


def close_run(manifest: Manifest, *, store: "FileRunStore", audit: "FileAuditLog") -> str:
    """Record the end of a run and return the SHA-256 of its manifest.

    The manifest is first, then the audit record, then the state, so that each can be repeated:
    calling it again, after a crash at any point, completes what is missing and repeats nothing.

    Raises:
        InputError: the manifest is not in state finished, or another one stands finished.
        LockedError: a higher attempt has taken the run over.
    """
    if manifest.run.state is not RunState.FINISHED or manifest.verdict is None:
        raise InputError(f"run {manifest.run.id} is not finished")
    digest = store.save(manifest)
    audit.append(
        "run-finished",
        task_id=manifest.task.id,
        run_id=manifest.run.id,
        once_by=("manifest_sha256",),
        details={
            "manifest_sha256": digest,
            "verdict": str(manifest.verdict),
            "attempt": manifest.run.attempt,
        },
    )
    store.summarize(manifest, digest)
    return digest


def _register_logs(record: RunRecord, redactor: "Redactor") -> None:
    """List every file below `tests/` of the run folder, secrets masked.

    What tools wrote there themselves, such as test reports, was masked by nobody before.
    """
    files = 0
    for path in sorted((record.folder / "tests").rglob("*")):
        facts = path.lstat()
        if stat.S_ISDIR(facts.st_mode):
            path.chmod(0o700)
            continue
        place = path.relative_to(record.folder).as_posix()
        files += 1
        if not stat.S_ISREG(facts.st_mode) or not _is_plain(place) or files > MAX_LOGS:
            # A check may leave anything in the folder of its report; a record holds plain files.
            path.unlink()
            continue
        if facts.st_size > MAX_MASKED_BYTES:
            text = f"left out: more than {MAX_MASKED_BYTES} bytes are not searched for secrets\n"
            record.write(place, text.encode(), kind="log")
            continue
        data = read_file(path, max_bytes=MAX_MASKED_BYTES)
        if redactor.redact_bytes(data) == data:
            record.register(place, kind="log")
        else:
            record.write(place, data, kind="log")


def _is_plain(place: str) -> bool:
    """Return whether a record can hold a file under a name."""
    hidden = any(part.startswith(".") for part in place.split("/"))
    return not hidden and not path_problem(place) and all(map(shows, place))


def _fail_with_secrets(record: RunRecord, secrets: tuple[str, ...]) -> None:
    """Record that the change holds secrets; what checks wrote may be where they are."""
    if all(known.name != LEAKED for known in record.manifest.guardrails):
        found = f"the change holds a secret: {', '.join(secrets)}"
        record.guardrail(LEAKED, "blocked", found)
        record.failed(found)


def _message(manifest: Manifest) -> str:
    spec = manifest.task.spec
    return (
        f"{manifest.task.title}\n\n"
        f"Task: {manifest.task.id}\n"
        f"Run: {manifest.run.id}\n"
        f"Spec: {spec.path if spec else 'none'}\n"
        f"Verdict: {manifest.verdict}\n"
    )


def _risks(manifest: Manifest, warning: str) -> tuple[str, ...]:
    plan, review = manifest.plan, manifest.review
    warned = [
        f"{finding.path}:{finding.line}: {finding.message}"
        for finding in (review.findings if review else ())
        if finding.severity is not Severity.NOTE
    ]
    first = (warning,) if warning else ()
    return (*first, *(plan.risks if plan else ()), *warned[:20])
