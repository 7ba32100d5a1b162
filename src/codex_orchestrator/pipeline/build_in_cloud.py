"""Build in Codex Cloud: send what can start, wait, choose, and merge in plan order."""

from collections.abc import Sequence

from codex_orchestrator.model.cloud import CloudTask
from codex_orchestrator.model.errors import ServiceError
from codex_orchestrator.model.finding import Finding, Severity
from codex_orchestrator.model.manifest import CloudSubmissionFacts, Manifest
from codex_orchestrator.model.plan import Plan, PlanItem
from codex_orchestrator.model.review import Decision, Review, ReviewFinding
from codex_orchestrator.model.run import ItemState
from codex_orchestrator.model.verdict import Verdict
from codex_orchestrator.pipeline.choose_diff import choose_diff
from codex_orchestrator.pipeline.cloud_builder import CloudBuilder
from codex_orchestrator.pipeline.send_items import send_items
from codex_orchestrator.pipeline.submit_item import starting_state
from codex_orchestrator.pipeline.work import Work

# The first change that does not fit gets one more submission, made on the present state.
_MOST_CONFLICTS = 2


def build_in_cloud(work: Work, cloud: CloudBuilder, plan: Plan) -> bool:
    """Build the items that are not done yet as a graph; say whether all are done.

    Items that depend on nothing unfinished are at work together, as many as are allowed.

    Raises:
        ApprovalRequiredError: a change touches protected paths, or a submission was lost.
        ServiceError: the service failed, or tasks are unfinished at the deadline; resume.
    """
    _restore_done(work, plan)
    while True:
        done = _done(work)
        left = [item for item in plan.items if item.id not in done]
        if not left:
            return True
        ready = [item for item in left if done.issuperset(item.depends_on)]
        failures = _carry_out(work, cloud, ready[: work.rooms.cloud_parallel], feedback="")
        if failures:
            _fail(work, failures)
            return False


def mend_in_cloud(work: Work, cloud: CloudBuilder, item: PlanItem, *, feedback: str) -> bool:
    """Send one repair with its feedback; say whether its change stands in the work tree."""
    _carry_out(work, cloud, [item], feedback=feedback)
    if item.id in _done(work):
        return True
    work.record.item(item.id, ItemState.FAILED)
    return False


def conflict_findings(manifest: Manifest) -> tuple[Finding, ...]:
    """Return a finding for each change that did not fit; an error when its item is not done."""
    return tuple(
        Finding(
            "run/merge-conflict",
            Severity.NOTE if item.state is ItemState.DONE else Severity.ERROR,
            "",
            0,
            f"the change of item {item.id} (submission {one.number}) did not fit: {one.problem}",
            "it was made again on the work so far"
            if item.state is ItemState.DONE
            else "let the items that touch the same lines depend on each other",
        )
        for item in manifest.items
        for one in _conflicts(item.submissions)
    )


def _conflicts(submissions: Sequence[CloudSubmissionFacts]) -> list[CloudSubmissionFacts]:
    return [one for one in submissions if one.task_id and one.problem]


def _done(work: Work) -> set[str]:
    return {one.id for one in work.record.manifest.items if one.state is ItemState.DONE}


def _restore_done(work: Work, plan: Plan) -> None:
    """Bring back the work of an earlier attempt; the item that was merged last holds all of it."""
    planned = {item.id for item in plan.items}
    done = [
        one
        for one in work.record.manifest.items
        if one.state is ItemState.DONE and one.id in planned
    ]
    for one in done:
        work.say("build", f"{one.id}: done before")
    if done:
        work.tree.restore(done[-1].tree)
    elif work.record.manifest.items:
        work.tree.restore(_base_of(work))


def _base_of(work: Work) -> str:
    """Return the state before the first submission; a killed merge may have left more."""
    sent = [one for item in work.record.manifest.items for one in item.submissions]
    return sent[0].base if sent else work.tree.snapshot()


def _carry_out(
    work: Work, cloud: CloudBuilder, items: Sequence[PlanItem], *, feedback: str
) -> dict[str, str]:
    """Send items, wait for all, and merge in plan order; return why items failed for good."""
    start = starting_state(work)
    told = {item.id: feedback for item in items}
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
    work: Work, cloud: CloudBuilder, item: PlanItem, facts: CloudSubmissionFacts, task: CloudTask
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
        work.tree.restore(fitted.tree)
        work.record.item(item.id, ItemState.DONE, tree=fitted.tree)
        work.say("build", f"{item.id}: attempt {chosen.diff.attempt} merged")
        return ""
    work.record.submission(item.id, facts.model_copy(update={"problem": problem}))
    if len(_conflicts(work.record.submissions(item.id))) >= _MOST_CONFLICTS:
        return f"its change did not fit, twice: {problem}"
    work.say("build", f"{item.id}: does not fit, to be made again: {problem}")
    return ""


def _fail(work: Work, failures: dict[str, str]) -> None:
    told = "; ".join(f"item {name} was not done: {why}" for name, why in failures.items())
    work.record.note(summary=told[:2000])
    found = conflict_findings(work.record.manifest)
    if found:
        review = Review(
            decision=Decision.REQUEST_CHANGES,
            findings=tuple(ReviewFinding.of(one) for one in found),
            summary=f"Not reviewed: {told[:1000]}",
        )
        work.record.save(review=review)
    work.record.save(verdict=Verdict.FAILED)
