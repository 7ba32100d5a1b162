"""Send finished, verified runs to the catalog: each once, with one receipt."""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from codex_orchestrator.model.errors import (
    ConflictError,
    NotCheckedError,
    OrchestratorError,
    ServiceError,
)
from codex_orchestrator.model.receipt import Receipt
from codex_orchestrator.model.review import ReviewFinding
from codex_orchestrator.model.run import RunState
from codex_orchestrator.model.sync import FailedSync, FailureKind, SkippedRun, SyncReport
from codex_orchestrator.model.verification import Outcome, VerifiedRun, VerifyReport
from codex_orchestrator.model.versions import NewerSchemaError
from codex_orchestrator.verbs.records import Records
from codex_orchestrator.verbs.verify_runs import verify_names

if TYPE_CHECKING:
    from codex_orchestrator.catalog.interface import Catalog

_VERIFY = "`codex-orchestrator runs verify` says what is wrong"
_RECORD = "codex-orchestrator sync record-artifact"


class SyncRequest(NamedTuple):
    """What to send: the named runs, or all finished ones, and the URL of the catalog."""

    run_ids: tuple[str, ...]
    catalog: str
    must_have_artifact: bool = False
    is_dry_run: bool = False


def sync_runs(
    request: SyncRequest, records: Records, open_catalog: Callable[[], "Catalog"]
) -> SyncReport:
    """Send runs and return the result of each. Repeating it is harmless and sends nothing twice.

    Args:
        request: what to send where.
        records: the run folders, the audit log and the receipts.
        open_catalog: opens the catalog; called only when there is something to send.

    Raises:
        InputError: a named run does not exist, or the catalog's URL is wrong.
    """
    names, already = _unsent(request, records)
    due, unfinished = _finished(names, records)
    good: list[VerifiedRun] = []
    refused: tuple[FailedSync, ...] = ()
    unchecked: tuple[SkippedRun, ...] = ()
    if due:
        verified = verify_names(due, records)
        good, refused, unchecked = _sort(verified, request, records)
    synced: tuple[Receipt, ...] = ()
    failed: tuple[FailedSync, ...] = ()
    if good and not request.is_dry_run:
        synced, failed = _send(good, request, records, open_catalog())
    return SyncReport(
        catalog=request.catalog,
        dry_run=request.is_dry_run,
        already_synced=already,
        synced=synced,
        to_do=tuple(run.run_id for run in good) if request.is_dry_run else (),
        skipped=(*unfinished, *unchecked),
        failed=(*refused, *failed),
    )


def _unsent(request: SyncRequest, records: Records) -> tuple[tuple[tuple[str, str], ...], int]:
    if request.run_ids:
        folders = [records.store.find(run_id) for run_id in request.run_ids]
        names = tuple(dict.fromkeys((folder.parent.name, folder.name) for folder in folders))
    else:
        names = records.store.names()
    tasks = {task_id for task_id, _ in names}
    sent = {task: records.outbox.sent(task, catalog=request.catalog) for task in tasks}
    left = tuple((task, run) for task, run in names if run not in sent[task])
    return left, len(names) - len(left)


def _finished(
    names: tuple[tuple[str, str], ...], records: Records
) -> tuple[tuple[tuple[str, str], ...], tuple[SkippedRun, ...]]:
    due, skipped = [], []
    for task_id, run_id in names:
        summary = records.store.stored(task_id, run_id).summary
        if summary is None or summary.state is RunState.FINISHED:
            # A damaged run is due too: the verification says what is wrong with it.
            due.append((task_id, run_id))
        else:
            reason = f"not finished: {summary.state}"
            skipped.append(SkippedRun(task_id=task_id, run_id=run_id, reason=reason))
    return tuple(due), tuple(skipped)


def _sort(
    verified: VerifyReport, request: SyncRequest, records: Records
) -> tuple[list[VerifiedRun], tuple[FailedSync, ...], tuple[SkippedRun, ...]]:
    """Sort verified runs into those to send, those refused, and those not to be sent yet."""
    good: list[VerifiedRun] = []
    refused: list[FailedSync] = []
    unchecked: list[SkippedRun] = []
    for run in verified.runs:
        if run.is_newer:
            refused.append(_failed(run, "schema", run.note))
        elif run.outcome is Outcome.NOT_CHECKED:
            unchecked.append(SkippedRun(task_id=run.task_id, run_id=run.run_id, reason=run.note))
        elif run.outcome is Outcome.FAILED:
            refused.append(_refused(run, "the run does not verify"))
        elif verified.audit.outcome is not Outcome.PASSED:
            refused.append(_refused(run, "the audit log is damaged"))
        elif request.must_have_artifact and not records.outbox.artifact(run.task_id, run.run_id):
            fix = f"{_RECORD} {run.run_id} --id … --digest … --url …"
            refused.append(_failed(run, "artifact", "no uploaded artifact is recorded", fix))
        else:
            good.append(run)
    return good, tuple(refused), tuple(unchecked)


def _send(
    runs: list[VerifiedRun], request: SyncRequest, records: Records, catalog: "Catalog"
) -> tuple[tuple[Receipt, ...], tuple[FailedSync, ...]]:
    for task_id in sorted({run.task_id for run in runs}):
        records.outbox.sweep(task_id)
    synced: list[Receipt] = []
    failed: list[FailedSync] = []
    for position, run in enumerate(runs):
        try:
            synced.append(_send_one(run, catalog, records))
        except NewerSchemaError as error:
            failed.append(_failed(run, "schema", error.message, error.fix))
        except ConflictError as error:
            failed.append(_failure(run, "conflict", error, request, records))
        except (ServiceError, NotCheckedError) as error:
            kind: FailureKind = "service" if isinstance(error, ServiceError) else "permission"
            failed.append(_failure(run, kind, error, request, records))
            # All retries failed; every other run would wait as long without success.
            reason = "not tried, because sending an earlier run failed"
            failed += [_failed(left, kind, reason) for left in runs[position + 1 :]]
            break
    return tuple(synced), tuple(failed)


def _send_one(run: VerifiedRun, catalog: "Catalog", records: Records) -> Receipt:
    manifest, data = records.store.load_with_bytes(f"{run.task_id}/{run.run_id}")
    receipt = catalog.push(manifest, data)
    if receipt.manifest_sha256 != run.manifest_sha256:
        raise ServiceError(
            f"the catalog's receipt is for {receipt.manifest_sha256}, not for "
            f"{run.manifest_sha256}",
            fix="run `codex-orchestrator runs verify`, then sync again",
        )
    # First the record, then the receipt: after a crash in between, the push is repeated and finds
    # the record.
    records.audit.append(
        "synced",
        task_id=run.task_id,
        run_id=run.run_id,
        once_by=("manifest_sha256", "catalog"),
        details={
            "manifest_sha256": receipt.manifest_sha256,
            "catalog": receipt.catalog,
            "key": receipt.key,
        },
    )
    records.outbox.keep(receipt)
    return receipt


def _failure(
    run: VerifiedRun,
    kind: FailureKind,
    error: OrchestratorError,
    request: SyncRequest,
    records: Records,
) -> FailedSync:
    records.audit.append(
        "sync-conflict" if kind == "conflict" else "sync-failed",
        task_id=run.task_id,
        run_id=run.run_id,
        once_by=("manifest_sha256", "catalog", "kind"),
        level="error",
        details={
            "manifest_sha256": run.manifest_sha256,
            "catalog": request.catalog,
            "kind": kind,
            "reason": error.message,
        },
    )
    return _failed(run, kind, error.message, error.fix)


def _refused(run: VerifiedRun, reason: str) -> FailedSync:
    return _failed(run, "verify", reason, _VERIFY, findings=run.findings)


def _failed(
    run: VerifiedRun,
    kind: FailureKind,
    reason: str,
    fix: str = "",
    findings: tuple[ReviewFinding, ...] = (),
) -> FailedSync:
    return FailedSync(
        task_id=run.task_id,
        run_id=run.run_id,
        kind=kind,
        reason=reason,
        fix=fix,
        findings=findings,
    )
