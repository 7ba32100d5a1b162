"""Build on this machine: independent items in parallel, the others one by one."""

from codex_orchestrator.model.cloud import FittedPatch
from codex_orchestrator.model.engine import items_at_once
from codex_orchestrator.model.errors import LimitReachedError
from codex_orchestrator.model.graph import BuildAlone, BuildApart, choose_move
from codex_orchestrator.model.mode import ModeName
from codex_orchestrator.model.plan import MergeConflict, Plan, PlanItem
from codex_orchestrator.model.run import ItemState
from codex_orchestrator.pipeline.build.apart import build_apart
from codex_orchestrator.pipeline.build.merge import (
    conflict_feedback,
    conflicts_of,
    fail_items,
    merge_change,
    report_conflict,
    restore_done,
)
from codex_orchestrator.pipeline.run import Run


class LocalBuilder:
    """The agents' builder on this machine; a Builder."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def build(self, plan: Plan) -> bool:
        """Build the items that are not done yet; return whether all are done.

        Raises:
            ApprovalRequiredError: builders need approvals; names all of them.
            LimitReachedError: a limit of the run was reached; what was built before is merged.
        """
        run = self._run
        # A killed attempt may have left some; the trees of this attempt are closed one by one.
        run.services.rooms.workspace.forget_items(run.record.manifest.run.id)
        restore_done(run, plan)
        configured = run.request.settings.config.codex.parallel
        most = items_at_once(run.task, configured=configured, mode=ModeName.MCP)
        while True:
            move = choose_move(plan, run.record.manifest.items, parallel=most)
            if move is None:
                return True
            if isinstance(move, BuildAlone):
                failures = _build_alone(run, move.item)
            elif isinstance(move, BuildApart):
                failures = _build_together(run, plan, move, most)
            else:
                _merge(run, move.item)
                continue
            if failures:
                _merge_built(run, plan)
                fail_items(run, failures)
                return False

    def repair(self, item: PlanItem, feedback: str) -> bool:
        """Let the run's own team repair in the run's own work tree; say whether it did."""
        report = self._run.team.build(self._run.task, item, feedback=feedback)
        self._run.save_usage()
        return report.is_done


def _build_alone(run: Run, item: PlanItem) -> dict[str, str]:
    """Build an item in the run's own work tree; return why it was not done, or ""."""
    run.say("build", f"{item.id}: {item.title}")
    run.record.item(item.id, ItemState.RUNNING)
    before = run.tree.snapshot() if conflicts_of(run, item.id) else ""
    report = run.team.build(run.task, item, feedback=conflict_feedback(run, item.id))
    run.save_usage()
    tree = run.tree.snapshot()
    # An item whose change did not fit must change something this time.
    if report.is_done and tree != before:
        run.record.item(item.id, ItemState.DONE, tree=tree)
        return {}
    run.say("build", f"{item.id}: not done")
    run.record.item(item.id, ItemState.FAILED)
    if report.is_done:
        return {item.id: "its change did not fit, and nothing was made in its place"}
    return {item.id: report.summary[:1000]}


def _build_together(run: Run, plan: Plan, move: BuildApart, most: int) -> dict[str, str]:
    base = move.base
    if not base:
        base = run.tree.snapshot()
        run.record.begin_together([item.id for item in move.items], base=base)
    try:
        return build_apart(run, move.items, base=base, most=most)
    except LimitReachedError:
        # The run ends here with what it has and cannot be resumed.
        _merge_built(run, plan)
        raise


def _merge_built(run: Run, plan: Plan) -> None:
    built = {one.id for one in run.record.manifest.items if one.state is ItemState.BUILT}
    for item in plan.items:
        if item.id in built:
            _merge(run, item)


def _merge(run: Run, item: PlanItem) -> None:
    """Merge the change of a built item, or record that it does not apply."""
    built = next(one for one in run.record.manifest.items if one.id == item.id)
    now = run.tree.snapshot()
    patch = run.tree.patch_between(built.base, built.tree)
    fitted = run.tree.fit(patch, onto=now, is_ours=True) if patch else FittedPatch(now)
    if fitted.problem:
        conflict = MergeConflict(problem=fitted.problem, base=built.base, tree=built.tree)
        report_conflict(run, item.id, conflict)
    else:
        merge_change(run, item.id, fitted, message="merged")
