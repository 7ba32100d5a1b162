"""Build on this machine: what is ready together at once, the rest one by one."""

from codex_orchestrator.model.cloud import FittedPatch
from codex_orchestrator.model.engine import items_at_once
from codex_orchestrator.model.errors import LimitReachedError
from codex_orchestrator.model.graph import BuildAlone, BuildApart, choose_move
from codex_orchestrator.model.manifest import MergeConflict
from codex_orchestrator.model.mode import ModeName
from codex_orchestrator.model.plan import Plan, PlanItem
from codex_orchestrator.model.run import ItemState
from codex_orchestrator.pipeline.build.apart import build_apart
from codex_orchestrator.pipeline.build.merge import (
    conflict_feedback,
    fail_items,
    merge_change,
    note_conflict,
    restore_done,
)
from codex_orchestrator.pipeline.run import Work


def build_here(work: Work, plan: Plan) -> bool:
    """Build the items that are not done yet as a graph; say whether all are done.

    Raises:
        ApprovalRequiredError: builders ask for what a person must grant; names all of it.
        LimitReachedError: a bound of the run was reached; what was built by then is merged.
    """
    run_id = work.record.manifest.run.id
    # A killed attempt may have left some; those of this attempt are closed one by one.
    work.rooms.workspace.forget_items(run_id)
    restore_done(work, plan)
    most = items_at_once(work.task, configured=work.rooms.parallel, mode=ModeName.MCP)
    while True:
        move = choose_move(plan, work.record.manifest.items, parallel=most)
        if move is None:
            return True
        if isinstance(move, BuildAlone):
            failures = _build_alone(work, move.item)
        elif isinstance(move, BuildApart):
            failures = _build_together(work, plan, move, most)
        else:
            _merge(work, move.item)
            continue
        if failures:
            _merge_built(work, plan)
            fail_items(work, failures)
            return False


def _build_alone(work: Work, item: PlanItem) -> dict[str, str]:
    """Build an item in the run's own work tree; return why it was not done, if so."""
    work.say("build", f"{item.id}: {item.title}")
    work.record.item(item.id, ItemState.RUNNING)
    lost = work.tree.snapshot() if work.record.conflicts(item.id) else ""
    report = work.team.build(work.task, item, feedback=conflict_feedback(work, item.id))
    work.save_usage()
    tree = work.tree.snapshot()
    # Whose change did not fit has nothing to show for itself unless it makes another.
    if report.is_done and tree != lost:
        work.record.item(item.id, ItemState.DONE, tree=tree)
        return {}
    work.say("build", f"{item.id}: not done")
    work.record.item(item.id, ItemState.FAILED)
    if report.is_done:
        return {item.id: "its change did not fit, and nothing was made in its place"}
    return {item.id: report.summary[:1000]}


def _build_together(work: Work, plan: Plan, move: BuildApart, most: int) -> dict[str, str]:
    base = move.base
    if not base:
        base = work.tree.snapshot()
        work.record.begin_together([item.id for item in move.items], base=base)
    try:
        return build_apart(work, move.items, base=base, most=most)
    except LimitReachedError:
        # The run ends here with what it has; nobody goes on with it.
        _merge_built(work, plan)
        raise


def _merge_built(work: Work, plan: Plan) -> None:
    built = {one.id for one in work.record.manifest.items if one.state is ItemState.BUILT}
    for item in plan.items:
        if item.id in built:
            _merge(work, item)


def _merge(work: Work, item: PlanItem) -> None:
    """Put the change of a built item on the work so far, or record that it does not fit."""
    built = next(one for one in work.record.manifest.items if one.id == item.id)
    now = work.tree.snapshot()
    patch = work.tree.patch_between(built.base, built.tree)
    fitted = work.tree.fit(patch, onto=now, is_ours=True) if patch else FittedPatch(now)
    if fitted.problem:
        conflict = MergeConflict(problem=fitted.problem, base=built.base, tree=built.tree)
        note_conflict(work, item.id, conflict)
    else:
        merge_change(work, item.id, fitted, told="merged")
