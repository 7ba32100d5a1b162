"""What a run prints: one JSON document, or a few lines for people."""

import contextlib
import sys
from pathlib import Path
from typing import Any, Self, TextIO

import click

from codex_orchestrator.cli.console import echo_json, say
from codex_orchestrator.model.errors import (
    ExitCode,
    InputError,
    OrchestratorError,
    ServiceError,
)
from codex_orchestrator.model.verdict import Verdict, exit_code_of
from codex_orchestrator.model.work_pack import WORK_KIND
from codex_orchestrator.pipeline.outcome import FinishedRun, RefusedTask, StoppedRun
from codex_orchestrator.pipeline.preview import Preview
from codex_orchestrator.text.shown import printable


class EventWriter:
    """Writes events to a file or to stdout as they come; does nothing when none was named."""

    def __init__(self, target: str | None, *, is_json: bool) -> None:
        if target == "-" and is_json:
            raise InputError(
                "stdout cannot hold both the events and the result",
                field="--events",
                fix="write the events to a file, or leave out --format json",
            )
        self._target = target
        self._stream: TextIO | None = None

    def __enter__(self) -> Self:
        if self._target == "-":
            self._stream = sys.stdout
        elif self._target is not None:
            try:
                self._stream = Path(self._target).open("a", encoding="utf-8")
            except OSError as error:
                raise InputError(
                    f"cannot be written: {error.strerror}", path=self._target, field="--events"
                ) from error
        return self

    def write(self, line: str) -> None:
        """Write one event and flush it. When nobody reads them any more, the work goes on.

        Raises:
            ServiceError: the file cannot be written any further.
        """
        if self._stream is None:
            return
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except BrokenPipeError:
            self._stream = None
        except OSError as error:
            raise ServiceError(
                f"{self._target}: events cannot be written: {error.strerror}",
                fix="the work is kept; make room",
            ) from error

    def __exit__(self, *_: object) -> None:
        if self._stream is not None and self._target != "-":
            # What could not be written has been told by `write`.
            with contextlib.suppress(OSError):
                self._stream.close()


def run_document(outcome: FinishedRun | RefusedTask, repo: Path) -> dict[str, Any]:
    """Return the result of a run as a JSON document (`run-report.v1`)."""
    if isinstance(outcome, RefusedTask):
        return {
            "schema": "run-report.v1",
            "run_id": None,
            "task_id": outcome.task.id,
            "verdict": str(Verdict.FAILED),
            "state": None,
            "wanted": [],
            "reason": "the spec guard refused the task",
            "findings": len(outcome.findings),
            "guard_findings": [finding.as_document() for finding in outcome.findings],
            "exit_code": int(ExitCode.FINDINGS),
        }
    manifest = outcome.manifest
    verdict = manifest.verdict or Verdict.FAILED
    folder = outcome.folder.relative_to(repo).as_posix()
    return {
        "schema": "run-report.v1",
        "run_id": manifest.run.id,
        "task_id": manifest.task.id,
        "verdict": str(verdict),
        "state": str(manifest.run.state),
        "attempt": manifest.run.attempt,
        "reason": manifest.notes.summary,
        "wanted": [],
        "mode": str(manifest.mode.selected),
        "model": manifest.engine.model,
        "manifest_path": f"{folder}/manifest.json",
        "manifest_sha256": outcome.manifest_sha256,
        "patch_path": f"{folder}/diff.patch",
        "review_path": f"{folder}/review.md",
        "branch": outcome.branch,
        "head_sha": manifest.run.head_sha,
        "findings": len(manifest.review.findings) if manifest.review else 0,
        "validations": [
            {
                "command": list(check.command),
                "status": str(check.status),
                "exit_code": check.exit_code,
                "failures": list(check.failures),
            }
            for check in manifest.validations
        ],
        "usage": manifest.usage.model_dump(),
        "exit_code": int(exit_code_of(verdict)),
    }


def stopped_document(stopped: StoppedRun, error: BaseException, repo: Path) -> dict[str, Any]:
    """Return a run that stopped before its end as a `run-report.v1`: no verdict, what is asked."""
    manifest = stopped.manifest
    folder = stopped.folder.relative_to(repo).as_posix()
    work = [one.path for one in manifest.artifacts if one.kind == WORK_KIND]
    code, wanted = ExitCode.INTERRUPTED, tuple[str, ...]()
    if isinstance(error, OrchestratorError):
        code, wanted = error.exit_code, error.wanted
    return {
        "schema": "run-report.v1",
        "run_id": manifest.run.id,
        "task_id": manifest.task.id,
        "verdict": None,
        "state": str(manifest.run.state),
        "attempt": manifest.run.attempt,
        "reason": stopped.reason,
        "wanted": list(wanted),
        "mode": str(manifest.mode.selected),
        "model": manifest.engine.model,
        "manifest_path": f"{folder}/manifest.json",
        "manifest_sha256": stopped.manifest_sha256,
        "work_path": f"{folder}/{work[0]}" if work else None,
        "usage": manifest.usage.model_dump(),
        "exit_code": int(code),
    }


def print_stopped(stopped: StoppedRun, error: BaseException, repo: Path, *, is_json: bool) -> None:
    """Print to stdout what a script needs to go on with a run that stopped before its end."""
    document = stopped_document(stopped, error, repo)
    if is_json:
        echo_json(document)
        return
    for name in ("run_id", "state", "manifest_path", "manifest_sha256"):
        click.echo(f"{name}: {printable(str(document[name]))}")
    for wanted in document["wanted"]:
        click.echo(f"wanted: {printable(wanted)}")


def say_run(outcome: FinishedRun | RefusedTask, document: dict[str, Any]) -> None:
    """Print a run's result for people: ids and paths to stdout, the rest to stderr."""
    if isinstance(outcome, RefusedTask):
        say(f"refused: {document['reason']}; no run was started")
        for finding in outcome.findings:
            say(f"  {finding.path}:{finding.line}: {finding.rule}: {finding.message}")
            if finding.fix:
                say(f"    fix: {finding.fix}")
        return
    say(f"{document['verdict']}: {document['reason']}")
    for check in document["validations"]:
        for name in check["failures"]:
            say(f"  failed test: {name}")
    review = outcome.manifest.review
    for one in review.findings if review else ():
        say(f"  {one.path}:{one.line}: {one.severity} {one.rule}: {one.message}")
    rows = ("run_id", "verdict", "manifest_path", "manifest_sha256", "patch_path", "branch")
    for name in rows:
        click.echo(f"{name}: {printable(str(document[name]))}")


def preview_document(preview: Preview) -> dict[str, Any]:
    """Return a dry run as a JSON document (`run-preview.v1`)."""
    return {
        "schema": "run-preview.v1",
        "task_id": preview.task_id,
        "mode": preview.mode.model_dump(mode="json"),
        "checks": [list(check.argv) for check in preview.checks],
        "plan": preview.plan.model_dump(mode="json"),
        "touched": {item: list(paths) for item, paths in preview.touched.items()},
    }


def say_preview(preview: Preview) -> None:
    """Print a dry run for people."""
    click.echo(f"mode: {preview.mode.selected} ({printable(preview.mode.reason)})")
    for item in preview.plan.items:
        click.echo(f"{item.id}: {printable(item.title)}")
        for path in preview.touched.get(item.id, ()):
            click.echo(f"  would change {printable(path)}")
    for check in preview.checks:
        click.echo(f"check {check.name}: {printable(' '.join(check.argv))}")
    say("dry run: nothing was changed and no run was recorded")
