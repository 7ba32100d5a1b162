"""The output of `runs` and `audit` for people."""

from collections.abc import Iterable
from typing import Any

import click

from codex_orchestrator.cli.console import say
from codex_orchestrator.model.account import (
    counts_of,
    next_step_of,
    setup_of,
    uncommitted_in,
    verdict_of,
)
from codex_orchestrator.model.canonical import sha256_hex
from codex_orchestrator.model.review import ReviewFinding
from codex_orchestrator.model.task_state import StoredRun
from codex_orchestrator.model.verification import Outcome, VerifyReport
from codex_orchestrator.text.shown import counted, printable
from codex_orchestrator.verbs.read_runs import ShownLog, ShownRun
from codex_orchestrator.verbs.remove_runs import Removal


def echo_runs(runs: Iterable[StoredRun]) -> None:
    """Print a line for each run."""
    count = 0
    for run in runs:
        count += 1
        if run.summary is None:
            state = "cannot be read" if run.is_newer else "damaged"
            _line(f"{run.run_id}  {run.task_id}  {state}: {run.problem}")
        else:
            verdict = run.summary.verdict or "-"
            digest = run.summary.manifest_sha256[:12]
            _line(f"{run.run_id}  {run.task_id}  {run.summary.state}  {verdict}  {digest}")
    if not count:
        say("no run yet: `codex-orchestrator run TASK` makes one")


def echo_manifest(shown: ShownRun) -> None:
    """Print the main facts of a manifest, and where the rest is."""
    manifest = shown.manifest
    if manifest is None:
        say("the manifest is damaged; this is what it says")
        for name, value in shown.document.items():
            _line(f"{name:<10}{value}")
        return
    task, run = manifest.task, manifest.run
    _line(f"run       {run.id} (attempt {run.attempt}, {run.state})")
    _line(f"task      {task.id}: {task.title}")
    _line(f"started   {run.started_at}, finished {run.finished_at or '-'}")
    _line(f"base      {run.base_sha}")
    _line(f"verdict   {verdict_of(manifest)}")
    _line(f"manifest  {shown.folder / 'manifest.json'}")
    _line(f"sha256    {sha256_hex(shown.data)}")
    for check in manifest.validations:
        facts = filter(None, (counts_of(check), check.detail, check.shown_sandbox))
        _line(f"check     {check.status}  {check.title}  ({'; '.join(facts)})")
        for name in check.failures:
            _line(f"  failed  {name}")
        for text in filter(None, shown.tails.get(check.log_path, "").split("\n")):
            _line(f"    | {text}")
    for name, text in (
        ("set-up", setup_of(manifest)),
        ("unseen", uncommitted_in(manifest)),
        ("next", next_step_of(manifest)),
    ):
        if text:
            _line(f"{name:<10}{text}")
    for artifact in manifest.artifacts:
        _line(f"  {artifact.path}  {artifact.kind}  {artifact.bytes} bytes")
    say("all of it: --format json")


def echo_verification(report: VerifyReport) -> None:
    """Print a line for each run and for the log; findings with their fix below it."""
    for run in report.runs:
        note = f": {run.note}" if run.note else f" ({run.artifacts} artifacts)"
        _line(f"{run.run_id}  {run.outcome}{note}")
        _findings(run.findings)
    _line(f"out/audit.log  {report.audit.outcome} ({report.audit.records} records)")
    _findings(report.audit.findings)
    if not report.runs:
        say("not checked: there is no run to verify")
    elif report.outcome is Outcome.PASSED:
        say(f"verified: {counted(len(report.runs), 'run')}, every hash agrees")
    else:
        say(f"verification: {report.outcome}")


def echo_removal(removal: Removal, *, is_dry_run: bool) -> None:
    """Print which runs and work trees are removed and which runs are kept."""
    fate = "would be removed" if is_dry_run else "removed"
    for run, kept_because in removal.runs:
        if kept_because:
            say(f"{run.run_id} is kept: {kept_because}")
        else:
            _line(f"{run.run_id}  {fate}")
    for tree in removal.work_trees:
        _line(f"{tree.name}  work tree {fate}")
    runs, trees = len(removal.removed), len(removal.work_trees)
    advice = "; remove them with --delete" if is_dry_run and (runs or trees) else ""
    say(f"{runs} runs, {trees} work trees{advice}")


def audit_document(shown: ShownLog) -> dict[str, Any]:
    """Return records, and what is wrong with the log, as a JSON document (`audit-report.v1`)."""
    records, check = shown
    return {
        "schema": "audit-report.v1",
        "records": check.records,
        "head": check.head.model_dump() if check.head else None,
        "findings": [finding.as_document() for finding in check.findings],
        "shown": [record.model_dump(mode="json", by_alias=True) for record in records],
    }


def echo_audit(shown: ShownLog) -> None:
    """Print records, and what is wrong with the log."""
    records, check = shown
    for record in records:
        details = "  ".join(f"{name}={value}" for name, value in record.details.items())
        who = record.run_id or record.task_id or "-"
        _line(f"{record.seq}  {record.timestamp}  {record.level}  {record.event}  {who}  {details}")
    _findings(tuple(ReviewFinding.of(finding) for finding in check.findings))
    state = "damaged" if check.has_errors else "whole"
    say(
        f"out/audit.log: {check.records} records"
        + (f", the chain is {state}" if check.records or check.has_errors else "")
    )


def _findings(findings: tuple[ReviewFinding, ...]) -> None:
    for finding in findings:
        place = finding.path + (f":{finding.line}" if finding.line else "")
        _line(f"  {finding.severity}: {place}: {finding.rule}: {finding.message}")
        if finding.fix:
            _line(f"    fix: {finding.fix}")


def _line(text: str) -> None:
    click.echo(printable(text).replace("\n", " "))
