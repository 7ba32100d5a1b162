"""The submission of a plan item to Codex Cloud: the recorded one, or a new one."""

from typing import TYPE_CHECKING, NamedTuple

from codex_orchestrator.model.approval import ApprovalKind, Grant
from codex_orchestrator.model.errors import (
    ApprovalRequiredError,
    LimitReachedError,
    NotCheckedError,
)
from codex_orchestrator.model.mode import CLOUD_HOST
from codex_orchestrator.model.plan import CloudSubmissionFacts, PlanItem
from codex_orchestrator.pipeline.build.prompt import cloud_prompt
from codex_orchestrator.pipeline.guardrails import require_no_secret
from codex_orchestrator.pipeline.run import Run
from codex_orchestrator.text.names import is_utf8

if TYPE_CHECKING:
    from codex_orchestrator.codex.cloud import CodexCloud

# The command takes it in an environment variable, which Linux limits to 128 KiB.
MAX_STARTING_DIFF_BYTES = 120_000


class StartingState(NamedTuple):
    """What items start from: a recorded snapshot, and its patch against the base commit."""

    tree: str
    patch: bytes


def starting_state(run: Run) -> StartingState:
    """Return the current work, for all items that are sent together."""
    require_no_secret(run.tree, run.services)
    return StartingState(run.tree.snapshot(), run.tree.change().patch)


def recorded_submission(
    run: Run, cloud: "CodexCloud", item: PlanItem
) -> CloudSubmissionFacts | None:
    """Return the submission of an item that was sent before; None if it must be sent.

    Raises:
        ApprovalRequiredError: an earlier submission may be at the service; a person decides.
        ServiceError: the service failed.
    """
    known = run.record.manifest.find_item(item.id)
    last = known.submissions[-1] if known and known.submissions else None
    if last is None or last.problem:
        return None
    if last.task_id:
        run.say("build", f"{item.id}: sent before as {last.task_id}")
        return last
    found = cloud.find_lost(last.number)
    if found is not None:
        facts = last.with_task(found.task_id)
        run.record.submitted(item.id, facts)
        run.say("build", f"{item.id}: found again as {found.task_id}")
        return facts
    _require_sending_again(run, item, last)
    problem = "not found at the service; a person allowed to send it again"
    run.record.submitted(item.id, last.with_problem(problem))
    return None


def _require_sending_again(run: Run, item: PlanItem, lost: CloudSubmissionFacts) -> None:
    """Check that a person approved sending again what may have been sent."""
    # By its number: another lost submission needs another approval.
    wanted = Grant(ApprovalKind.NETWORK, f"{CLOUD_HOST}/{lost.number}")
    if wanted in run.record.standing:
        return
    raise ApprovalRequiredError(
        f"the run stopped while it sent item {item.id} to Codex Cloud (submission {lost.number}), "
        "and the service lists no such task; whether there is one cannot be known",
        fix="look for it in Codex Cloud; to send it again",
        wanted=(str(wanted),),
    )


def new_submission(
    run: Run, item: PlanItem, *, feedback: str, start: StartingState, earlier: int
) -> tuple[CloudSubmissionFacts, str]:
    """Return the facts of a new submission and its prompt; nothing is recorded yet.

    `earlier` counts those that were made before and are not recorded yet, either.

    Raises:
        LimitReachedError: the work so far is too large to be sent along.
        NotCheckedError: there is no branch to start from.
    """
    facts = CloudSubmissionFacts(
        number=1 + max((one.number for one in _all_submissions(run)), default=0) + earlier,
        attempts=run.task.execution.attempts,
        branch=_branch(run),
        base=start.tree,
    )
    _require_sendable(start.patch)
    prompt = cloud_prompt(run.task, item, feedback=feedback)
    return facts, run.services.evidence.redactor.redact(prompt)


def _all_submissions(run: Run) -> tuple[CloudSubmissionFacts, ...]:
    return tuple(one for item in run.record.manifest.items for one in item.submissions)


def _branch(run: Run) -> str:
    """Return the branch of the run's first submission, else the current one."""
    earlier = _all_submissions(run)
    branch = earlier[0].branch if earlier else run.services.rooms.workspace.head_branch()
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
