"""The output of a run: one JSON document, or some lines for people."""

import contextlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, TextIO

import click

from codex_orchestrator.cli.console import echo_json, say
from codex_orchestrator.model.account import (
    baseline_of,
    counts_of,
    next_step_of,
    setup_of,
    uncommitted_in,
    verdict_of,
)
from codex_orchestrator.model.errors import (
    ExitCode,
    InputError,
    OrchestratorError,
    ServiceError,
)
from codex_orchestrator.model.validation import Validation
from codex_orchestrator.model.verdict import Verdict, exit_code_of
from codex_orchestrator.model.work_pack import WORK_KIND
from codex_orchestrator.pipeline.outcome import FinishedRun, RefusedTask, StoppedRun
from codex_orchestrator.pipeline.preview import Preview
from codex_orchestrator.text.shown import printable


class EventWriter:
    """Writes events to a file or to stdout as they happen; does nothing without a target."""

    def __init__(self, target: str | None, *, is_json: bool) -> None:
        if target == "-" and is_json:
            raise InputError(
                "stdout cannot have both the events and the result",
                field="--events",
                fix="write the events to a file, or omit --format json",
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
        """Write one event and flush it. A closed pipe is ignored.

        Raises:
            ServiceError: the file cannot be written.
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
            # `write` has reported what could not be written.
            with contextlib.suppress(OSError):
                self._stream.close()


def run_document(outcome: FinishedRun | RefusedTask) -> dict[str, Any]:
    """Return the result of a run as a JSON document (`run-report.v1`)."""
    if isinstance(outcome, RefusedTask):
        return _NO_RUN | {
            "task_id": outcome.task.id,
            "verdict": str(Verdict.FAILED),
            "reason": "the spec guard refused the task",
            "findings": len(outcome.findings),
            "guard_findings": [finding.as_document() for finding in outcome.findings],
            "exit_code": int(ExitCode.FINDINGS),
        }
    manifest = outcome.manifest
    verdict = manifest.verdict or Verdict.FAILED
    folder = _folder(outcome)
    return _facts(outcome) | {
        "verdict": str(verdict),
        "reason": manifest.notes.summary,
        "patch_path": f"{folder}/diff.patch",
        "review_path": f"{folder}/review.md",
        "branch": outcome.branch,
        "head_sha": manifest.run.head_sha,
        "findings": len(manifest.review.findings) if manifest.review else 0,
        "setup": setup_of(manifest),
        "baseline": baseline_of(manifest),
        "untouched": list(manifest.untouched),
        "uncommitted": uncommitted_in(manifest),
        "next": next_step_of(manifest),
        "validations": [_validation(check, outcome.tails) for check in manifest.validations],
        "exit_code": int(exit_code_of(verdict, [check.status for check in manifest.validations])),
    }


def _validation(check: Validation, tails: Mapping[str, str]) -> dict[str, Any]:
    facts = check.model_dump(mode="json")
    names = (
        "name",
        "command",
        "status",
        "exit_code",
        "failures",
        "detail",
        "tests",
        "code",
        "sandbox",
        "again",
    )
    return {name: facts[name] for name in names} | {
        "title": check.title,
        "summary": counts_of(check),
        "output_tail": tails.get(check.log_path, ""),
    }


def error_document(error: BaseException, stopped: StoppedRun | None) -> dict[str, Any]:
    """Return what ended a run, or kept it from starting, as a `run-report.v1` without a verdict.

    Args:
        error: one of ours, or KeyboardInterrupt.
        stopped: the run that it stopped; None where there was none yet.
    """
    document = _NO_RUN | {"reason": "interrupted", "exit_code": int(ExitCode.INTERRUPTED)}
    if isinstance(error, OrchestratorError):
        document |= {"reason": error.message, "fix": error.fix, "wanted": list(error.wanted)}
        document["exit_code"] = int(error.exit_code)
    if stopped is None:
        return document
    packs = [file.path for file in stopped.manifest.artifacts if file.kind == WORK_KIND]
    return (
        _facts(stopped)
        | {name: document[name] for name in ("wanted", "fix", "exit_code")}
        | {
            "reason": stopped.reason,
            "work_path": f"{_folder(stopped)}/{packs[0]}" if packs else None,
        }
    )


_NO_RUN: dict[str, Any] = {
    "schema": "run-report.v1",
    "run_id": None,
    "task_id": None,
    "verdict": None,
    "state": None,
    "wanted": [],
    "fix": "",
}


def _facts(run: FinishedRun | StoppedRun) -> dict[str, Any]:
    manifest = run.manifest
    return _NO_RUN | {
        "run_id": manifest.run.id,
        "task_id": manifest.task.id,
        "state": str(manifest.run.state),
        "attempt": manifest.run.attempt,
        "mode": str(manifest.mode.selected),
        "model": manifest.engine.model,
        "manifest_path": f"{_folder(run)}/manifest.json",
        "manifest_sha256": run.manifest_sha256,
        "usage": manifest.usage.model_dump(),
    }


def _folder(run: FinishedRun | StoppedRun) -> str:
    """Return the folder of a run as the repository names it: `.runs/TASK/RUN`."""
    return "/".join(run.folder.parts[-3:])


def print_error(error: BaseException, stopped: StoppedRun | None, *, is_json: bool) -> None:
    """Print to stdout what a script needs after an error; the boundary prints the error itself."""
    document = error_document(error, stopped)
    if is_json:
        echo_json(document)
    elif stopped is not None:
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
    say(f"{verdict_of(outcome.manifest)}: {document['reason']}")
    for check in document["validations"]:
        words = filter(None, (check["summary"], check["detail"]))
        say(f"  check {check['title']}: {check['status']}, {'; '.join(words)}")
        for name in check["failures"]:
            say(f"  failed test: {name}")
        for text in filter(None, check["output_tail"].split("\n")):
            say(f"    | {text}")
    review = outcome.manifest.review
    for one in review.findings if review else ():
        say(f"  {one.path}:{one.line}: {one.severity} {one.rule}: {one.message}")
    for name in ("uncommitted", "next"):
        if document[name]:
            say(f"{name}: {document[name]}")
    rows = ("run_id", "verdict", "manifest_path", "manifest_sha256", "patch_path", "branch")
    for name in rows:
        click.echo(f"{name}: {printable(str(document[name]))}")


def preview_document(preview: Preview) -> dict[str, Any]:
    """Return a dry run as a JSON document (`run-preview.v1`)."""
    return {
        "schema": "run-preview.v1",
        "task_id": preview.task_id,
        "mode": preview.mode.model_dump(mode="json"),
        "checks": [list(check.recorded) for check in preview.checks],
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
        click.echo(f"check {check.name}: {printable(' '.join(check.recorded))}")
    say("dry run: nothing was changed and no run was recorded")
