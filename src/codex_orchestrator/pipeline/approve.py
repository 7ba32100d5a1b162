"""Ask the person at the terminal for approvals, and continue the same run."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from codex_orchestrator.model.approval import Grant, Question, parse_grant
from codex_orchestrator.model.errors import ApprovalRequiredError, InputError, LimitReachedError
from codex_orchestrator.model.manifest import Manifest
from codex_orchestrator.model.run import ItemState, RunState
from codex_orchestrator.pipeline.outcome import FinishedRun
from codex_orchestrator.pipeline.record import RunRecord

if TYPE_CHECKING:
    from codex_orchestrator.pipeline.services import Terminal
    from codex_orchestrator.workspace.tree import GitWorkTree


def with_approvals(
    record: RunRecord, terminal: "Terminal", work: Callable[[], FinishedRun], *, by: str
) -> FinishedRun:
    """Do the work; where it stops for an approval, ask, and do it again when it is granted.

    Done stages and items are kept, so that only the stage in flight is done again. Nothing that
    the run started is alive while a person is asked.

    Args:
        record: the run.
        terminal: where the person is asked.
        work: what stops for approvals.
        by: who grants what is answered with yes.

    Raises:
        ApprovalRequiredError: nobody can be asked, or the answer was no.
    """
    while True:
        try:
            return work()
        except ApprovalRequiredError as error:
            if not _is_granted(error, record, terminal, by=by):
                raise


@contextmanager
def showing_change(tree: "GitWorkTree") -> Iterator[None]:
    """Add the current change to an escalation, to show it to the person who is asked."""
    try:
        yield
    except ApprovalRequiredError as error:
        # Ask also when the change is too large to be shown.
        with suppress(LimitReachedError):
            error.patch = error.patch or tree.change().patch
        raise


def _is_granted(
    error: ApprovalRequiredError, record: RunRecord, terminal: "Terminal", *, by: str
) -> bool:
    try:
        wanted = [parse_grant(one) for one in error.wanted]
    except InputError:
        return False  # a name that no grant can contain
    missing = [one for one in wanted if one not in record.standing]
    # A grant that does not cover what it seems to cover would make the run ask forever.
    if terminal.ask is None or not missing:
        return False
    questions = [_question(one, error, record.manifest) for one in missing]
    # Recorded before the question: if the terminal goes away, the run waits like any other.
    record.in_state(RunState.WAITING)
    for one, question in zip(missing, questions, strict=True):
        record.audit("approval-asked", grant=str(one), reason=error.message)
        if not terminal.ask(question):
            record.audit("approval-declined", grant=str(one), by=by)
            terminal.progress("declined: the run waits")
            return False
    record.granted(missing, by=by, how="terminal")
    record.in_state(RunState.RUNNING)
    record.resumed_from = RunState.WAITING
    return True


def _question(wanted: Grant, error: ApprovalRequiredError, manifest: Manifest) -> Question:
    running = [item.id for item in manifest.items if item.state is ItemState.RUNNING]
    return Question(
        kind=wanted.kind,
        value=wanted.value,
        reason=error.message,
        task_id=manifest.task.id,
        run_id=manifest.run.id,
        # When several items asked at the same time, the reason says which asked for what.
        item=running[0] if len(running) == 1 else "",
        patch=error.patch,
    )
