"""Merge what was built apart, in plan order, and say what did not fit."""

from codex_orchestrator.model.cloud import FittedPatch
from codex_orchestrator.model.finding import Finding, Severity
from codex_orchestrator.model.manifest import CloudSubmissionFacts, Manifest, MergeConflict
from codex_orchestrator.model.plan import Plan
from codex_orchestrator.model.review import Decision, Review, ReviewFinding
from codex_orchestrator.model.run import ItemState
from codex_orchestrator.model.verdict import Verdict
from codex_orchestrator.pipeline.go_on import restore_base
from codex_orchestrator.pipeline.run import Work

# Characters of a change that is shown again to its builder.
MAX_SHOWN_PATCH = 20_000


def done_items(work: Work) -> set[str]:
    """Return the ids of the items whose work is merged."""
    return {one.id for one in work.record.manifest.items if one.state is ItemState.DONE}


def restore_done(work: Work, plan: Plan) -> None:
    """Bring back the work of an earlier attempt; the item that was merged last holds all of it.

    What a killed attempt left beyond that goes: it would be done a second time.
    """
    planned = {item.id for item in plan.items}
    manifest = work.record.manifest
    done = [one for one in manifest.items if one.state is ItemState.DONE and one.id in planned]
    for one in done:
        work.say("build", f"{one.id}: done before")
    if done:
        work.tree.restore(done[-1].tree)
    elif any(one.base or one.submissions for one in manifest.items):
        # Nobody builds in the run's own tree there; what stands in it came of a merge.
        work.tree.restore(manifest.run.base_sha)
    else:
        restore_base(work)


def merge_change(work: Work, item_id: str, fitted: FittedPatch, *, told: str) -> None:
    """Let a change that fits stand in the work tree, and record its item as done."""
    work.tree.restore(fitted.tree)
    work.record.item(item_id, ItemState.DONE, tree=fitted.tree)
    work.say("build", f"{item_id}: {told}")


def note_conflict(
    work: Work,
    item_id: str,
    conflict: MergeConflict,
    *,
    submission: CloudSubmissionFacts | None = None,
) -> None:
    """Record that a change did not fit; its item is to be made again."""
    work.record.conflict(item_id, conflict, submission=submission)
    work.say("build", f"{item_id}: does not fit: {conflict.problem}")


def conflict_feedback(work: Work, item_id: str) -> str:
    """Say what did not fit, for whoever makes an item again; "" when everything did."""
    conflicts = work.record.conflicts(item_id)
    if not conflicts:
        return ""
    last = conflicts[-1]
    told = (
        "This item was built before, beside others. They were merged first, and its change does "
        f"not fit what the work tree holds now: {last.problem}\n"
        "Do the item again on the work as it stands, and keep what the others did."
    )
    if not last.tree:
        return told
    patch = work.tree.patch_between(last.base, last.tree).decode("utf-8", "replace")
    return f"{told}\nThe change that did not fit:\n{patch[:MAX_SHOWN_PATCH]}"


def conflict_findings(manifest: Manifest) -> tuple[Finding, ...]:
    """Return a finding for each change that did not fit; an error when its item is not done."""
    return tuple(
        Finding(
            "run/merge-conflict",
            Severity.NOTE if item.state is ItemState.DONE else Severity.ERROR,
            "",
            0,
            f"the change of item {item.id} did not fit: {one.problem}",
            "it was made again on the work so far"
            if item.state is ItemState.DONE
            else "let the items that touch the same lines depend on each other",
        )
        for item in manifest.items
        for one in item.conflicts
    )


def fail_items(work: Work, failures: dict[str, str]) -> None:
    """Record why items were not done, which fails the run."""
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
