"""When the model server is busy, a turn is continued after a pause, within its time limit."""

from collections.abc import Callable
from dataclasses import astuple
from typing import NamedTuple

from codex_orchestrator.model.codex_call import FailureCode, TurnReport, TurnUsage

GO_ON = "The model server was busy. Continue with the task above."
RunTurn = Callable[[str, float], TurnReport]


class RetryPlan(NamedTuple):
    """How often and how soon to repeat: Codex repeats 5xx and broken streams itself, but not 429.

    `jitter` returns a factor around 1; `sleep` waits, and returns True to give up.
    """

    attempts: int
    first_delay_s: float
    jitter: Callable[[], float]
    sleep: Callable[[float], bool]
    monotonic: Callable[[], float]


def run_with_retries(
    run_turn: RunTurn, prompt: str, *, timeout_s: float, plan: RetryPlan
) -> TurnReport:
    """Run a turn, and again while the server is busy; the report covers all attempts."""
    deadline = plan.monotonic() + timeout_s
    report = run_turn(prompt, timeout_s)
    for attempt in range(plan.attempts):
        delay_s = plan.first_delay_s * 2**attempt * plan.jitter()
        left_s = deadline - plan.monotonic() - delay_s
        if not _is_busy(report) or left_s <= 0 or plan.sleep(delay_s):
            return report
        report = _joined(report, run_turn(GO_ON, left_s))
    return report


def _is_busy(report: TurnReport) -> bool:
    # A turn that was interrupted has used all of its time.
    if report.failure is None or report.status == "interrupted":
        return False
    return report.failure.code is FailureCode.RATE_LIMITED


def _joined(first: TurnReport, then: TurnReport) -> TurnReport:
    files = {file.path: file for file in (*first.files, *then.files)}
    return then._replace(
        content=then.content or first.content,
        usage=TurnUsage(*map(sum, zip(astuple(first.usage), astuple(then.usage), strict=True))),
        files=tuple(files[path] for path in sorted(files)),
        commands=first.commands + then.commands,
        escalations=first.escalations + then.escalations,
        duration_ms=first.duration_ms + then.duration_ms,
    )
