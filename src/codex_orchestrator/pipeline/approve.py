"""Ask the person at the terminal for what the agents need, and go on in the same run."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from codex_orchestrator.model.approval import Question, grant_command, parse_escalation
from codex_orchestrator.model.errors import ApprovalRequiredError, InputError, LimitReachedError
from codex_orchestrator.model.run import ItemState, RunState
from codex_orchestrator.pipeline.grants import record_grants, standing_approvals
from codex_orchestrator.pipeline.record import RunRecord
from codex_orchestrator.pipeline.run_rooms import FinishedRun, RunRequest, RunRooms

if TYPE_CHECKING:
    from codex_orchestrator.workspace.tree import GitWorkTree


def with_approvals(
    record: RunRecord, request: RunRequest, rooms: RunRooms, work: Callable[[], FinishedRun]
) -> FinishedRun:
    """Do the work; where it stops for an approval, ask, and do it again when it is granted.

    Done stages and items are kept, so that only the stage in flight is done again. Nothing that
    the run started is alive while a person is asked.

    Raises:
        ApprovalRequiredError: nobody can be asked, or the answer was no; `fix` tells how to go on.
    """
    while True:
        try:
            return work()
        except ApprovalRequiredError as error:
            if not _is_granted(error, record, request, rooms):
                error.fix = _fix(error, record.manifest.run.id)
                raise


@contextmanager
def showing_change(tree: "GitWorkTree") -> Iterator[None]:
    """Add the change so far to an escalation, for the person who is asked to look at."""
    try:
        yield
    except ApprovalRequiredError as error:
        # A change that is too large to be shown is no reason not to ask.
        with suppress(LimitReachedError):
            error.patch = error.patch or tree.change().patch
        raise


def _is_granted(
    error: ApprovalRequiredError, record: RunRecord, request: RunRequest, rooms: RunRooms
) -> bool:
    standing = set(standing_approvals(record))
    missing = tuple(one for one in error.wanted if one not in standing)
    # Nothing is missing when a grant does not cover what it seems to: asking again would not end.
    if rooms.ask is None or not missing:
        return False
    try:
        questions = [_question(one, error, record) for one in missing]
    except InputError:
        return False  # a name that no grant can hold
    # Told before the question: if the terminal goes away, the run waits like any other.
    record.save_run(state=RunState.WAITING)
    for one, question in zip(missing, questions, strict=True):
        record.audit("approval-asked", grant=one, reason=error.message)
        if not rooms.ask(question):
            record.audit("approval-declined", grant=one, by=request.approved_by)
            rooms.progress("declined: the run waits")
            return False
    record_grants(record, rooms, missing, by=request.approved_by, how="terminal")
    record.save_run(state=RunState.RUNNING)
    record.resumed_from = RunState.WAITING
    return True


def _question(wanted: str, error: ApprovalRequiredError, record: RunRecord) -> Question:
    kind, value = parse_escalation(wanted)
    manifest = record.manifest
    running = [item.id for item in manifest.items if item.state is ItemState.RUNNING]
    return Question(
        kind=kind,
        value=value,
        reason=error.message,
        task_id=manifest.task.id,
        run_id=manifest.run.id,
        # Of several that were at work at once, the reason says which asks for what.
        item=running[0] if len(running) == 1 else "",
        patch=error.patch,
    )


def _fix(error: ApprovalRequiredError, run_id: str) -> str:
    command = grant_command(run_id, error.wanted)
    return f"{error.fix}: {command}" if error.fix else command
