"""Merge changes that were built apart, in plan order, and report what did not fit."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from codex_orchestrator.model.finding import Finding, Severity
from codex_orchestrator.model.manifest import Manifest
from codex_orchestrator.model.plan import CloudSubmissionFacts, MergeConflict, Plan
from codex_orchestrator.model.review import Decision, Review, ReviewFinding
from codex_orchestrator.model.run import ItemState, RunState
from codex_orchestrator.pipeline.run import Run

if TYPE_CHECKING:
    from codex_orchestrator.model.cloud import FittedPatch

# Limit, in characters, of a change that is shown to its builder again.
MAX_SHOWN_PATCH = 20_000


def done_items(run: Run) -> set[str]:
    """Return the ids of the merged items."""
    return {one.id for one in run.record.manifest.items if one.state is ItemState.DONE}


def restore_done(run: Run, plan: Plan) -> None:
    """Bring back the work of an earlier attempt; the item that was merged last holds all of it.

    What a killed attempt left beyond that goes: it would be done a second time.
    """
    planned = {item.id for item in plan.items}
    manifest = run.record.manifest
    done = [one for one in manifest.items if one.state is ItemState.DONE and one.id in planned]
    for one in done:
        run.say("build", f"{one.id}: done before")
    if done:
        run.tree.restore(done[-1].tree)
    elif any(one.base or one.submissions for one in manifest.items):
        # Nothing is built in the run's own tree in cloud mode; it contains only merged changes.
        run.tree.restore(manifest.run.base_sha)
    elif run.record.resumed_from in (RunState.RUNNING, RunState.INTERRUPTED):
        # What a killed builder left is begun anew; one that waited for a person goes on with it.
        run.tree.restore(manifest.run.base_sha)


def merge_change(run: Run, item_id: str, fitted: "FittedPatch", *, message: str) -> None:
    """Put a change that fits into the work tree, and record its item as done."""
    run.tree.restore(fitted.tree)
    run.record.item(item_id, ItemState.DONE, tree=fitted.tree)
    run.say("build", f"{item_id}: {message}")


def report_conflict(
    run: Run,
    item_id: str,
    conflict: MergeConflict,
    *,
    submission: CloudSubmissionFacts | None = None,
) -> None:
    """Record that a change did not apply; its item must be built again."""
    run.record.conflict(item_id, conflict, submission=submission)
    run.say("build", f"{item_id}: does not fit: {conflict.problem}")


def conflicts_of(run: Run, item_id: str) -> tuple[MergeConflict, ...]:
    """Return the changes of an item that did not fit, in order."""
    item = run.record.manifest.find_item(item_id)
    return item.conflicts if item else ()


def conflict_feedback(run: Run, item_id: str) -> str:
    """Return what did not fit, for the builder that makes an item again; "" when all did."""
    conflicts = conflicts_of(run, item_id)
    if not conflicts:
        return ""
    last = conflicts[-1]
    feedback = (
        "This item was built before, beside others. They were merged first, and its change does "
        f"not fit what the work tree holds now: {last.problem}\n"
        "Do the item again on the work as it stands, and keep what the others did."
    )
    if not last.tree:
        return feedback
    patch = run.tree.patch_between(last.base, last.tree).decode("utf-8", "replace")
    return f"{feedback}\nThe change that did not fit:\n{patch[:MAX_SHOWN_PATCH]}"


def conflict_findings(manifest: Manifest) -> tuple[Finding, ...]:
    """Return a finding for each change that did not apply; an error if its item is not done."""
    return tuple(
        Finding(
            "run/merge-conflict",
            Severity.NOTE if item.state is ItemState.DONE else Severity.ERROR,
            "",
            0,
            f"the change of item {item.id} did not apply: {one.problem}",
            "it was made again on the work so far"
            if item.state is ItemState.DONE
            else "let the items that touch the same lines depend on each other",
        )
        for item in manifest.items
        for one in item.conflicts
    )


def fail_items(run: Run, failures: Mapping[str, str]) -> None:
    """Record why items were not done, which fails the run."""
    reason = "; ".join(f"item {name} was not done: {why}" for name, why in failures.items())
    found = tuple(ReviewFinding.of(one) for one in conflict_findings(run.record.manifest))
    review = Review(
        decision=Decision.REQUEST_CHANGES,
        findings=found,
        summary=f"Not reviewed: {reason[:1000]}",
    )
    run.record.failed(reason[:2000], review=review if found else None)
