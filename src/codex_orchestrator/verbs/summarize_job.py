"""Report in the job summary what the guard found, or how to resume a run that stopped."""

from collections.abc import Iterable, Mapping
from typing import Any

from codex_orchestrator.github.outputs import append_summary
from codex_orchestrator.model.finding import Finding, Severity
from codex_orchestrator.report.annotations import annotate
from codex_orchestrator.text.markdown import Markdown, code, line, location, table


def guard_annotations(report: Mapping[str, Any]) -> list[str]:
    """Return the findings of a `guard-report.v1` document as workflow commands."""
    return annotate(_findings(report))


def _findings(report: Mapping[str, Any]) -> tuple[Finding, ...]:
    return tuple(
        Finding(**{**entry, "severity": Severity(entry["severity"])})
        for entry in report.get("findings", ())
    )


def summarize_guard(report: Mapping[str, Any], summary_path: str) -> None:
    """Append to the job summary what the guard checked and every finding.

    Args:
        report: a `guard-report.v1` document.
        summary_path: the file of the job summary.

    Raises:
        NotCheckedError: the file cannot be written, or does not hold the text afterwards.
    """
    checked = report.get("checked", {})
    head = (
        f"## Spec guard: {line(str(report.get('outcome', 'not checked')))}\n\n"
        f"Checked {checked.get('code', 0)} changed code paths and {checked.get('specs', 0)} specs "
        f"as of {line(str(report.get('as_of', '')))}, "
        f"{code(str(report.get('base') or 'the beginning')[:12])} to "
        f"{code(str(report.get('head') or 'the index')[:12])}."
    )
    rows = [
        (
            finding.severity,
            location(finding.path, finding.line),
            f"{code(finding.rule)} {line(finding.message)}",
            line(finding.fix),
        )
        for finding in _findings(report)
    ]
    listed = table(("severity", "where", "what", "fix"), rows) if rows else "No findings."
    append_summary(summary_path, Markdown(f"{head}\n\n{listed}"))


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
        wanted: what has to be approved, `KIND:VALUE` each; empty if nothing has.
        summary_path: the file of the job summary.

    Raises:
        NotCheckedError: the file cannot be written, or does not hold the text afterwards.
    """
    what = "waits for an approval" if state == "waiting" else "was interrupted"
    approvals = [("approve", value) for value in wanted]
    given = [*inputs.items(), *approvals]
    rows = ((f"`{name}`", code(value)) for name, value in given if value)
    asked = (
        "It is granted by whoever starts the workflow with these inputs, and needs write access. "
        "Each value of `approve` goes on a line of its own."
        if approvals
        else "Its work is in the artifact. These inputs of the workflow go on with it."
    )
    text = Markdown(
        f"## Run {code(inputs['resume'])} {what}\n\n{line(reason)}\n\n{asked}\n\n"
        f"{table(('input', 'value'), rows)}"
    )
    append_summary(summary_path, text)
