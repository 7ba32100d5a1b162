"""Build in Codex Cloud: send items that can start, wait, choose, and merge in plan order."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from codex_orchestrator.model.cloud import CloudTask
from codex_orchestrator.model.engine import items_at_once
from codex_orchestrator.model.errors import ServiceError
from codex_orchestrator.model.graph import ready_items
from codex_orchestrator.model.mode import ModeName
from codex_orchestrator.model.plan import CloudSubmissionFacts, MergeConflict, Plan, PlanItem
from codex_orchestrator.model.run import ItemState
from codex_orchestrator.pipeline.build.choose_diff import choose_diff
from codex_orchestrator.pipeline.build.merge import (
    conflict_feedback,
    conflicts_of,
    done_items,
    fail_items,
    merge_change,
    report_conflict,
    restore_done,
)
from codex_orchestrator.pipeline.build.send import send_items
from codex_orchestrator.pipeline.build.submission import starting_state
from codex_orchestrator.pipeline.run import Run

if TYPE_CHECKING:
    from codex_orchestrator.codex.cloud import CodexCloud

# The first change that does not apply gets one more submission, based on the current state.
_MOST_CONFLICTS = 2


class CloudBuilder:
    """Codex Cloud, signed in for a run; a Builder."""

    def __init__(self, run: Run, cloud: "CodexCloud") -> None:
        self._run = run
        self._cloud = cloud

    def build(self, plan: Plan) -> bool:
        """Build the items that are not done yet as a graph; say whether all are done.

        Items that depend on nothing unfinished are at work together, as many as are allowed.

        Raises:
            ApprovalRequiredError: a change touches protected paths, or a submission was lost.
            ServiceError: the service failed, or tasks are unfinished at the deadline; resume.
        """
        run = self._run
        restore_done(run, plan)
        configured = run.request.settings.config.codex.parallel
        most = items_at_once(run.task, configured=configured, mode=ModeName.CLOUD)
        while True:
            ready = ready_items(plan, done_items(run))
            if not ready:
                return True
            # What did not fit is made again alone: nothing else comes between it and its merge.
            again = [item for item in ready if conflicts_of(run, item.id)]
            failures = self._carry_out(again[:1] or ready[:most], feedback="")
            if failures:
                fail_items(run, failures)
                return False

    def repair(self, item: PlanItem, feedback: str) -> bool:
        """Send one repair with its feedback; return whether its change is in the work tree."""
        self._carry_out([item], feedback=feedback)
        if item.id in done_items(self._run):
            return True
        self._run.record.item(item.id, ItemState.FAILED)
        return False

    def _carry_out(self, items: Sequence[PlanItem], *, feedback: str) -> dict[str, str]:
        """Send items, wait for all, and merge in plan order; return why items finally failed."""
        run = self._run
        start = starting_state(run)
        feedbacks = {item.id: feedback or conflict_feedback(run, item.id) for item in items}
        sent = send_items(run, self._cloud, items, feedback=feedbacks, start=start)
        run.say("build", f"waiting for {len(sent)} in Codex Cloud")
        task_ids = [one.task_id for one in sent]
        tasks = self._cloud.watch(task_ids, deadline_s=run.spending.stage()())
        failures = {}
        for item, facts, task in zip(items, sent, tasks, strict=True):
            problem = self._merge(item, facts, task)
            if problem:
                run.say("build", f"{item.id}: {problem}")
                run.record.item(item.id, ItemState.FAILED)
                failures[item.id] = problem
        return failures

    def _merge(self, item: PlanItem, facts: CloudSubmissionFacts, task: CloudTask) -> str:
        """Merge the change of one task; return why its item finally failed, or ""."""
        run = self._run
        if task.state == "pending":
            raise ServiceError(
                f"Codex Cloud has not finished item {item.id} ({task.id}) within the run's "
                f"{run.task.limits.minutes} minutes",
                fix="a resumed run waits for it again; nothing is sent twice",
            )
        if task.state == "failed":
            return f"Codex Cloud could not do it ({task.id})"
        diffs = self._cloud.diffs(task.id, attempts=facts.attempts)
        if not diffs:
            return f"Codex Cloud came back without a change ({task.id})"
        chosen = choose_diff(run, item, facts, diffs)
        fitted = run.tree.fit(chosen.diff.data, onto=run.tree.snapshot())
        problem = chosen.problem or fitted.problem
        if not problem:
            message = f"attempt {chosen.diff.attempt} merged"
            merge_change(run, item.id, fitted, message=message)
            return ""
        report_conflict(
            run,
            item.id,
            MergeConflict(problem=problem, base=facts.base),
            submission=facts.with_problem(problem),
        )
        is_last = len(conflicts_of(run, item.id)) >= _MOST_CONFLICTS
        return f"its change did not apply, twice: {problem}" if is_last else ""
