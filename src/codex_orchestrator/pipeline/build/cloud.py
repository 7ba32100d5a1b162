"""Build in Codex Cloud: send what can start, wait, choose, and merge in plan order."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from codex_orchestrator.model.cloud import CloudTask
from codex_orchestrator.model.engine import items_at_once
from codex_orchestrator.model.errors import ServiceError
from codex_orchestrator.model.graph import ready_items
from codex_orchestrator.model.manifest import CloudSubmissionFacts, MergeConflict
from codex_orchestrator.model.mode import ModeName
from codex_orchestrator.model.plan import Plan, PlanItem
from codex_orchestrator.model.run import ItemState
from codex_orchestrator.pipeline.build.choose_diff import choose_diff
from codex_orchestrator.pipeline.build.merge import (
    conflict_feedback,
    done_items,
    fail_items,
    merge_change,
    note_conflict,
    restore_done,
)
from codex_orchestrator.pipeline.build.send import send_items
from codex_orchestrator.pipeline.build.submission import starting_state
from codex_orchestrator.pipeline.run import Work

if TYPE_CHECKING:
    from codex_orchestrator.codex.cloud import RunCloud

# The first change that does not fit gets one more submission, made on the present state.
_MOST_CONFLICTS = 2


def build_in_cloud(work: Work, cloud: "RunCloud", plan: Plan) -> bool:
    """Build the items that are not done yet as a graph; say whether all are done.

    Items that depend on nothing unfinished are at work together, as many as are allowed.

    Raises:
        ApprovalRequiredError: a change touches protected paths, or a submission was lost.
        ServiceError: the service failed, or tasks are unfinished at the deadline; resume.
    """
    restore_done(work, plan)
    most = items_at_once(work.task, configured=work.rooms.parallel, mode=ModeName.CLOUD)
    while True:
        ready = ready_items(plan, done_items(work))
        if not ready:
            return True
        # What did not fit is made again alone: nothing else can come between it and its merge.
        again = [item for item in ready if work.record.conflicts(item.id)]
        failures = _carry_out(work, cloud, again[:1] or ready[:most], feedback="")
        if failures:
            fail_items(work, failures)
            return False


def mend_in_cloud(work: Work, cloud: "RunCloud", item: PlanItem, *, feedback: str) -> bool:
    """Send one repair with its feedback; say whether its change stands in the work tree."""
    _carry_out(work, cloud, [item], feedback=feedback)
    if item.id in done_items(work):
        return True
    work.record.item(item.id, ItemState.FAILED)
    return False


def _carry_out(
    work: Work, cloud: "RunCloud", items: Sequence[PlanItem], *, feedback: str
) -> dict[str, str]:
    """Send items, wait for all, and merge in plan order; return why items failed for good."""
    start = starting_state(work)
    told = {item.id: feedback or conflict_feedback(work, item.id) for item in items}
    sent = send_items(work, cloud, items, feedback=told, start=start)
    work.say("build", f"waiting for {len(sent)} in Codex Cloud")
    tasks = cloud.watch([one.task_id for one in sent], deadline_s=work.spending.stage()())
    failures = {}
    for item, facts, task in zip(items, sent, tasks, strict=True):
        problem = _take(work, cloud, item, facts, task)
        if problem:
            work.say("build", f"{item.id}: {problem}")
            work.record.item(item.id, ItemState.FAILED)
            failures[item.id] = problem
    return failures


def _take(
    work: Work, cloud: "RunCloud", item: PlanItem, facts: CloudSubmissionFacts, task: CloudTask
) -> str:
    """Merge the change of one task; return why its item failed for good, else ""."""
    if task.state == "pending":
        raise ServiceError(
            f"Codex Cloud has not finished item {item.id} ({task.id}) within the run's "
            f"{work.task.limits.minutes} minutes",
            fix="codex-orchestrator run --resume RUN waits for it again; nothing is sent twice",
        )
    if task.state == "failed":
        return f"Codex Cloud could not do it ({task.id})"
    diffs = cloud.diffs(task.id, attempts=facts.attempts)
    if not diffs:
        return f"Codex Cloud came back without a change ({task.id})"
    chosen = choose_diff(work, item, facts, diffs)
    fitted = work.tree.fit(chosen.diff.data, onto=work.tree.snapshot())
    problem = chosen.problem or fitted.problem
    if not problem:
        merge_change(work, item.id, fitted, told=f"attempt {chosen.diff.attempt} merged")
        return ""
    note_conflict(
        work,
        item.id,
        MergeConflict(problem=problem, base=facts.base),
        submission=facts.model_copy(update={"problem": problem}),
    )
    is_last = len(work.record.conflicts(item.id)) >= _MOST_CONFLICTS
    return f"its change did not fit, twice: {problem}" if is_last else ""
