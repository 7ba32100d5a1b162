"""What a workflow step can say to its readers: annotations and the job summary.

Everything that is said may hold text of strangers, so nothing is written in a form in which that
text could start a command.
"""

import os
import re
from collections.abc import Iterable
from typing import NamedTuple

from codex_orchestrator.model.errors import NotCheckedError
from codex_orchestrator.model.finding import Finding, Severity
from codex_orchestrator.text.markdown import SUMMARY_LIMIT, Markdown
from codex_orchestrator.text.shown import workflow_command

ANNOTATIONS_PER_KIND = 10
"""GitHub shows ten errors, ten warnings and ten notices of a step and drops the rest."""
_MESSAGE_LIMIT = 4_000
_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


class Annotated(NamedTuple):
    """Workflow commands for findings, and how many of each kind were left out."""

    commands: list[str]
    left_out: dict[Severity, int]


def annotate(findings: Iterable[Finding]) -> Annotated:
    """Return annotations for findings, ten of a kind at most; the rest is counted in a notice."""
    commands: list[str] = []
    seen: dict[Severity, int] = dict.fromkeys(Severity, 0)
    for finding in findings:
        seen[finding.severity] += 1
        if seen[finding.severity] <= ANNOTATIONS_PER_KIND:
            commands.append(_annotation(finding))
    left_out = {
        kind: count - ANNOTATIONS_PER_KIND
        for kind, count in seen.items()
        if count > ANNOTATIONS_PER_KIND
    }
    for kind, count in left_out.items():
        commands.append(f"{count} more of kind {kind}; the job summary has them all.")
    return Annotated(commands, left_out)


def _annotation(finding: Finding) -> str:
    message = finding.message + (f"\nFix: {finding.fix}" if finding.fix else "")
    return workflow_command(
        _COMMANDS[finding.severity],
        message[:_MESSAGE_LIMIT],
        file=finding.path,
        line=finding.line,
        title=finding.rule,
    )


def append_summary(path: str, text: Markdown) -> None:
    """Append Markdown to the job summary and read it back. Appending it twice adds nothing.

    Text that would pass the step's limit is cut at a line end, with a notice.

    Raises:
        NotCheckedError: the file cannot be written, or does not hold the text afterwards.
    """
    data = _cut_bytes(text.encode("utf-8", "replace") + b"\n", SUMMARY_LIMIT - _size(path))
    if data in _read(path):
        return
    _append(path, data.decode("utf-8"))
    if not _read(path).endswith(data):
        raise NotCheckedError(
            f"the job summary {path} does not hold what was written to it",
            fix="check the runner's disk",
        )


def _cut_bytes(data: bytes, limit: int) -> bytes:
    if len(data) <= limit:
        return data
    notice = b"\n\n_Cut here: the job summary is full. The artifact holds all of it._\n"
    room = max(limit - len(notice) - 8, 0)
    kept = data[:room].rpartition(b"\n")[0]
    # An odd number of fences is an open one; three backticks would not close a longer fence.
    fences = re.findall(rb"(?m)^(`{3,})", kept)
    return kept + (b"\n" + fences[-1] if len(fences) % 2 else b"") + notice


def _size(path: str) -> int:
    return os.path.getsize(path) if os.path.exists(path) else 0


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise NotCheckedError(f"cannot read {path}: {error.strerror}") from error


def _append(path: str, text: str) -> None:
    try:
        with open(path, "a", encoding="utf-8", newline="") as stream:
            stream.write(text)
    except OSError as error:
        raise NotCheckedError(
            f"cannot write {path}: {error.strerror}", fix="check the runner's disk"
        ) from error
