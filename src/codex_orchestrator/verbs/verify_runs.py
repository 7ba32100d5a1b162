"""Verify runs: compute every hash again and compare it with all records of it."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from codex_orchestrator.model.audit import AuditRecord
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.finding import Finding, Severity, has_errors
from codex_orchestrator.model.review import ReviewFinding
from codex_orchestrator.model.run import RunState
from codex_orchestrator.model.task_state import RunSummary
from codex_orchestrator.model.verification import (
    InspectedRun,
    Outcome,
    VerifiedLog,
    VerifiedRun,
    VerifyReport,
)
from codex_orchestrator.model.versions import NewerSchemaError
from codex_orchestrator.verbs.records import Records

if TYPE_CHECKING:
    from codex_orchestrator.runs.store import FileRunStore

_STATE_FIX = "`codex-orchestrator runs rebuild` writes it again from the manifests"
_LOG_FIX = "compare with the manifest in the catalog or in the uploaded artifact"


class _Logged:
    """What the audit log says about runs, collected in one pass."""

    def __init__(self, wanted: Iterable[InspectedRun]) -> None:
        anchors = (run.manifest.audit for run in wanted if run.manifest)
        self.hashes: dict[int, str] = {anchor.seq: "" for anchor in anchors if anchor}
        self.finished: dict[tuple[str, str], str] = {}
        self.synced: dict[tuple[str, str], str] = {}
        self.removed: set[tuple[str, str]] = set()

    def visit(self, record: AuditRecord) -> None:
        run = (record.task_id, record.run_id)
        if record.seq in self.hashes:
            self.hashes[record.seq] = record.hash
        if record.event == "run-finished":
            self.finished[run] = str(record.details.get("manifest_sha256"))
        elif record.event == "synced":
            self.synced[run] = str(record.details.get("manifest_sha256"))
        elif record.event == "run-removed":
            self.removed.add(run)


def verify_runs(run_id: str | None, records: Records) -> VerifyReport:
    """Verify one run, or all of them, and the chain of the audit log.

    Raises:
        InputError: there is no such run.
    """
    if run_id is None:
        return verify_names(records.store.names(), records, is_all=True)
    folder = records.store.find(run_id)
    return verify_names(((folder.parent.name, folder.name),), records)


def verify_names(
    names: tuple[tuple[str, str], ...], records: Records, *, is_all: bool = False
) -> VerifyReport:
    """Verify the runs of these task and run ids, and the chain of the audit log.

    When these are all runs, a run that is in the log and not here is a finding.
    """
    # Read the folders before the log, because a run's record is written after its manifest.
    inspected = tuple(records.store.inspect(task, run) for task, run in names)
    logged = _Logged(inspected)
    check = records.audit.check(logged.visit)
    runs = tuple(_verified(run, store=records.store, logged=logged) for run in inspected)
    gone = tuple(_gone(logged, inspected)) if is_all else ()
    findings = (*check.findings, *gone)
    log = VerifiedLog(
        records=check.records,
        head=check.head,
        outcome=Outcome.FAILED if has_errors(findings) else Outcome.PASSED,
        findings=tuple(ReviewFinding.of(finding) for finding in findings),
    )
    return VerifyReport(outcome=_total(runs, log), runs=runs, audit=log)


def _total(runs: tuple[VerifiedRun, ...], log: VerifiedLog) -> Outcome:
    outcomes = {run.outcome for run in runs} | {log.outcome}
    if Outcome.FAILED in outcomes:
        return Outcome.FAILED
    if not runs or Outcome.NOT_CHECKED in outcomes:
        return Outcome.NOT_CHECKED
    return Outcome.PASSED


def _verified(run: InspectedRun, *, store: "FileRunStore", logged: _Logged) -> VerifiedRun:
    summary = run.stored.summary
    is_finished = summary is not None and summary.state is RunState.FINISHED
    names = (run.stored.task_id, run.stored.run_id)
    is_newer, note = run.stored.is_newer, ""
    findings = [*run.findings]
    if summary is not None:
        findings += _anchor_findings(run, logged)
    if is_finished and run.is_busy and names not in logged.finished:
        note = "is just being finished; verify it again when its process has ended"
    elif summary is not None and is_finished:
        # Check the manifest first: if it was changed, its list of artifacts cannot be trusted.
        findings = [*_record_findings(run, summary, logged), *findings]
        try:
            findings += _state_findings(run, summary, store)
        except NewerSchemaError as error:
            is_newer, note = True, f"{error.message}; {error.fix}"
    elif summary is not None:
        note = _unfinished(summary.state, is_busy=run.is_busy)
    elif is_newer:
        note = run.stored.problem
    elif not findings:
        note = "is an empty folder: its process ended before the first manifest (runs gc)"
    if has_errors(tuple(findings)):
        outcome = Outcome.FAILED
    else:
        outcome = Outcome.NOT_CHECKED if note else Outcome.PASSED
    return VerifiedRun(
        task_id=names[0],
        run_id=names[1],
        path=run.stored.path,
        state=summary.state if summary else None,
        outcome=outcome,
        manifest_sha256=summary.manifest_sha256 if summary else "",
        artifacts=len(run.manifest.artifacts) if run.manifest else 0,
        note=note,
        is_newer=is_newer,
        findings=tuple(ReviewFinding.of(finding) for finding in findings),
    )


def _unfinished(state: RunState, *, is_busy: bool) -> str:
    if state is RunState.RUNNING and not is_busy:
        return "is marked as running, and no process works on it: resume it (run --resume)"
    words = {RunState.WAITING: "waits for an approval", RunState.INTERRUPTED: "was interrupted"}
    return f"{words.get(state, 'is in progress')}; only a finished run can be verified"


def _anchor_findings(run: InspectedRun, logged: _Logged) -> Iterator[Finding]:
    anchor = run.manifest.audit if run.manifest else None
    if anchor and logged.hashes.get(anchor.seq) != anchor.hash:
        text = f"audit record {anchor.seq}, which the manifest names, is missing or was replaced"
        yield _finding("audit-anchor", "out/audit.log", text, line=anchor.seq + 1, fix=_LOG_FIX)


def _record_findings(run: InspectedRun, summary: RunSummary, logged: _Logged) -> Iterator[Finding]:
    digest = summary.manifest_sha256
    names = (run.stored.task_id, run.stored.run_id)
    path = f"{run.stored.path}/manifest.json"
    if names not in logged.finished:
        text = "the audit log has no `run-finished` record of it"
        yield _finding("manifest-unlogged", path, text, fix="resume the run, which completes it")
    elif logged.finished[names] != digest:
        text = f"has SHA-256 {digest}, the audit log says {logged.finished[names]}"
        yield _finding("manifest-changed", path, text, fix=_LOG_FIX)
    if logged.synced.get(names, digest) != digest:
        text = f"has SHA-256 {digest}, the catalog was sent {logged.synced[names]}"
        yield _finding("manifest-changed", path, text, fix=_LOG_FIX)


def _state_findings(
    run: InspectedRun, summary: RunSummary, store: "FileRunStore"
) -> Iterator[Finding]:
    place = f"out/{run.stored.task_id}/state.json"
    try:
        state = store.state(run.stored.task_id)
    except FileNotFoundError:
        yield _finding("state-missing", place, "is missing", fix=_STATE_FIX)
        return
    except NewerSchemaError:
        raise
    except InputError as error:
        yield _finding("state-damaged", place, error.message, fix=_STATE_FIX)
        return
    if summary not in state.runs:
        text = f"does not say the same about run {run.stored.run_id} as its manifest"
        yield _finding("state-differs", place, text, fix=_STATE_FIX)


def _gone(logged: _Logged, runs: tuple[InspectedRun, ...]) -> Iterator[Finding]:
    present = {
        (run.stored.task_id, run.stored.run_id)
        for run in runs
        if run.manifest or run.findings or run.stored.is_newer
    }
    for task_id, run_id in sorted(set(logged.finished) - present - logged.removed):
        path = f".runs/{task_id}/{run_id}"
        text = "according to the audit log this run finished, but its folder is missing"
        yield _finding("run-gone", path, text, fix="restore it from the uploaded artifact")


def _finding(rule: str, path: str, message: str, *, fix: str, line: int = 0) -> Finding:
    return Finding(rule, Severity.ERROR, path, line, message, fix)
