"""What a plan item's submission to Codex Cloud is: the recorded one, or a new one."""

from typing import TYPE_CHECKING, NamedTuple

from codex_orchestrator.model.errors import (
    ApprovalRequiredError,
    LimitReachedError,
    NotCheckedError,
)
from codex_orchestrator.model.manifest import CloudSubmissionFacts
from codex_orchestrator.model.mode import CLOUD_HOST
from codex_orchestrator.model.plan import PlanItem
from codex_orchestrator.pipeline.build.prompt import cloud_prompt
from codex_orchestrator.pipeline.grants import standing_approvals
from codex_orchestrator.pipeline.run import Work
from codex_orchestrator.text.names import is_utf8

if TYPE_CHECKING:
    from codex_orchestrator.codex.cloud import RunCloud

# The command takes it as an environment variable, and Linux bounds one at 128 KiB.
MAX_STARTING_DIFF_BYTES = 120_000


class StartingState(NamedTuple):
    """What items start from: a recorded state, and the patch that makes it of the base commit."""

    tree: str
    patch: bytes


def starting_state(work: Work) -> StartingState:
    """Return the work so far, for all items that are sent together."""
    return StartingState(work.tree.snapshot(), work.tree.change().patch)


def recorded_submission(
    work: Work, cloud: "RunCloud", item: PlanItem
) -> CloudSubmissionFacts | None:
    """Return the submission of an item that was sent before; None when it is to be sent.

    Raises:
        ApprovalRequiredError: an earlier submission may be at the service; a person decides.
        ServiceError: the service failed.
    """
    recorded = work.record.submissions(item.id)
    last = recorded[-1] if recorded else None
    if last is None or last.problem:
        return None
    if last.task_id:
        work.say("build", f"{item.id}: sent before as {last.task_id}")
        return last
    found = cloud.find_lost(last.number)
    if found is not None:
        facts = last.model_copy(update={"task_id": found.task_id})
        work.record.submission(item.id, facts)
        work.say("build", f"{item.id}: found again as {found.task_id}")
        return facts
    _require_sending_again(work, item, last)
    problem = "not found at the service; a person allowed to send it again"
    work.record.submission(item.id, last.model_copy(update={"problem": problem}))
    return None


def _require_sending_again(work: Work, item: PlanItem, lost: CloudSubmissionFacts) -> None:
    """Check that a person allowed to send once more what may have been sent."""
    # By its number: a later submission that gets lost is another question.
    wanted = f"{CLOUD_HOST}/{lost.number}"
    if f"network:{wanted}" in standing_approvals(work.record):
        return
    raise ApprovalRequiredError(
        f"the run stopped while it sent item {item.id} to Codex Cloud (submission {lost.number}), "
        "and the service lists no such task; whether there is one cannot be known",
        fix="look for it in Codex Cloud; to send it again",
        wanted=(f"network:{wanted}",),
    )


def new_submission(
    work: Work, item: PlanItem, *, feedback: str, start: StartingState, earlier: int
) -> tuple[CloudSubmissionFacts, str]:
    """Return the facts of a new submission and its prompt; nothing is recorded yet.

    `earlier` counts those that were made before and are not recorded yet, either.

    Raises:
        LimitReachedError: the work so far is too large to be sent along.
        NotCheckedError: there is no branch to start from.
    """
    facts = CloudSubmissionFacts(
        number=1 + max((one.number for one in _all_submissions(work)), default=0) + earlier,
        attempts=work.task.execution.attempts,
        branch=_branch(work),
        base=start.tree,
    )
    _require_sendable(start.patch)
    return facts, cloud_prompt(work.task, item, feedback=feedback)


def _all_submissions(work: Work) -> tuple[CloudSubmissionFacts, ...]:
    return tuple(one for item in work.record.manifest.items for one in item.submissions)


def _branch(work: Work) -> str:
    """Return the branch that the run's first submission started from, else the present one."""
    earlier = _all_submissions(work)
    branch = earlier[0].branch if earlier else work.rooms.workspace.head_branch()
    if not branch:
        raise NotCheckedError(
            "HEAD is detached, and Codex Cloud starts from a branch",
            fix="check out a branch that the environment's repository has, at the same commit",
        )
    return branch


def _require_sendable(patch: bytes) -> None:
    problem = ""
    if len(patch) > MAX_STARTING_DIFF_BYTES:
        problem = f"{len(patch)} bytes, the limit is {MAX_STARTING_DIFF_BYTES}"
    elif b"\0" in patch or not is_utf8(patch):
        problem = "it is not UTF-8 text"
    if problem:
        raise LimitReachedError(
            f"the work so far cannot be sent along to Codex Cloud: {problem}",
            fix="run the task with --mode mcp, or make smaller tasks",
            reason="starting-diff",
        )
