"""Report in the job summary what the guard found, or how to resume a run that stopped."""

from collections.abc import Iterable, Mapping
from typing import Any

from codex_orchestrator.github.outputs import append_summary
from codex_orchestrator.report.annotations import annotate
from codex_orchestrator.report.guard_summary import guard_summary, read_findings
from codex_orchestrator.report.stopped_summary import stopped_summary


def guard_annotations(report: Mapping[str, Any]) -> list[str]:
    """Return the findings of a `guard-report.v1` document as workflow commands."""
    return annotate(read_findings(report))


def summarize_guard(report: Mapping[str, Any], summary_path: str) -> None:
    """Append a `guard-report.v1` document to the job summary.

    Raises:
        NotCheckedError: the file cannot be written, or does not hold the text afterwards.
    """
    append_summary(summary_path, guard_summary(report, read_findings(report)))


def summarize_stopped_run(
    state: str,
    reason: str,
    *,
    inputs: Mapping[str, str],
    wanted: Iterable[str],
    summary_path: str,
) -> None:
    """Append to the job summary why a run stopped, and the inputs that resume it.

    Args:
        state: `waiting` or `interrupted`.
        reason: why it stopped.
        inputs: the inputs of the next workflow run, `resume` with the run's id among them.
        wanted: what has to be approved, `KIND:VALUE` each.
        summary_path: the file of the job summary.

    Raises:
        NotCheckedError: the file cannot be written, or does not hold the text afterwards.
    """
    append_summary(summary_path, stopped_summary(state, reason, inputs=inputs, wanted=wanted))
