"""Run a task: spec, lock, mode, plan, build, test, review, repair, manifest, state, audit."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from codex_orchestrator.model.errors import (
    ApprovalRequiredError,
    InputError,
    InterruptedRunError,
    LimitReachedError,
    OrchestratorError,
)
from codex_orchestrator.model.policy import run_policy
from codex_orchestrator.model.run import ItemState, RunState
from codex_orchestrator.model.spending import Spending
from codex_orchestrator.model.verdict import Verdict
from codex_orchestrator.pipeline.approve import showing_change, with_approvals
from codex_orchestrator.pipeline.checks import choose_checks, require_mode_fits, step_problem
from codex_orchestrator.pipeline.cloud_mode import (
    follow_plan,
    open_cloud,
    require_network_approval,
)
from codex_orchestrator.pipeline.finish import finish_run, stored_run
from codex_orchestrator.pipeline.go_on import earlier_results, is_reviewed, restore_repairs
from codex_orchestrator.pipeline.grants import standing_approvals
from codex_orchestrator.pipeline.guardrails import require_granted_change
from codex_orchestrator.pipeline.rails_of import rails_of
from codex_orchestrator.pipeline.record import MAX_MASKED_BYTES, RunRecord
from codex_orchestrator.pipeline.run import Work
from codex_orchestrator.pipeline.run_rooms import FinishedRun, RefusedTask, RunRequest, RunRooms
from codex_orchestrator.pipeline.stages import (
    build_items,
    plan_work,
    repair,
    review_change,
    run_checks,
)
from codex_orchestrator.pipeline.start import start_run
from codex_orchestrator.pipeline.work_pack import keep_work

if TYPE_CHECKING:
    from codex_orchestrator.codex.cloud import RunCloud
    from codex_orchestrator.workspace.tree import GitWorkTree


def run_task(request: RunRequest, rooms: RunRooms) -> FinishedRun | RefusedTask:
    """Run a task, or go on with a run of it, and return the verdict with its proof.

    The user's checkout is not touched, unless the request says to apply an approved patch.

    Raises:
        InputError: the task cannot be run as it stands (exit 2).
        NotCheckedError: something that a verdict needs is missing (exit 3).
        ServiceError: a model or another service failed after its retries; resume (exit 4).
        LockedError: another run of the task is at work (exit 5).
        ApprovalRequiredError: an agent asks for what a person must grant; resume (exit 6).
        InterruptedRunError: a person or the system interrupted the run; resume (exit 130).
    """
    task = request.task
    problem = step_problem(task, rooms.library)
    if problem:
        raise InputError(
            problem.message, path=request.task_source, field=problem.field, fix=problem.fix
        )
    if not request.resume:
        require_mode_fits(request)
    if request.must_apply:
        rooms.workspace.require_clean_checkout()
    with rooms.lock(task.id):
        started = start_run(request, rooms)
        if isinstance(started, RefusedTask):
            return started
        if started.manifest.run.state is RunState.FINISHED:
            rooms.progress(f"run {started.manifest.run.id} has finished before; nothing is redone")
            finished = stored_run(started, started.finish(), rooms)
        else:
            finished = _carry_out(started, request, rooms)
    if request.must_apply and finished.manifest.verdict is Verdict.APPROVED:
        rooms.workspace.apply_to_checkout(_recorded_patch(finished, rooms))
        rooms.progress("applied diff.patch to the checkout")
    return finished


def _recorded_patch(finished: FinishedRun, rooms: RunRooms) -> bytes:
    """Return the run's patch; what somebody changed since the manifest was written is refused."""
    manifest = finished.manifest
    patch = next(one for one in manifest.artifacts if one.path == "diff.patch")
    return rooms.store.read_artifact(manifest, patch, max_bytes=MAX_MASKED_BYTES)


def _carry_out(record: RunRecord, request: RunRequest, rooms: RunRooms) -> FinishedRun:
    """Run the stages; whatever stops them leaves a manifest that says so and can be resumed."""
    run_id = record.manifest.run.id
    resume = f"codex-orchestrator run --resume {run_id}"
    try:
        return with_approvals(record, request, rooms, partial(_run_stages, record, request, rooms))
    except KeyboardInterrupt:
        _pause(record, rooms, RunState.INTERRUPTED, "interrupted")
        raise InterruptedRunError("interrupted; every finished stage is kept", fix=resume) from None
    except ApprovalRequiredError as error:
        _pause(record, rooms, RunState.WAITING, error.message)
        raise
    except OrchestratorError as error:
        _pause(record, rooms, RunState.INTERRUPTED, error.message)
        error.fix = error.fix.replace("--resume RUN", f"--resume {run_id}") or resume
        raise


def _pause(record: RunRecord, rooms: RunRooms, state: RunState, reason: str) -> None:
    try:
        keep_work(record, rooms)
    finally:
        rooms.on_stop(record.pause(state, reason))


def _run_stages(record: RunRecord, request: RunRequest, rooms: RunRooms) -> FinishedRun:
    require_network_approval(record, request.task)
    facts = record.manifest.run
    with ExitStack() as stack:
        tree = stack.enter_context(rooms.workspace.open(facts.id, base_sha=facts.base_sha))
        if facts.tree:
            tree.restore(facts.tree)
            return finish_run(record, rooms, tree)
        sign_in = partial(open_cloud, record, rooms, stack)
        cloud = sign_in()
        adapter, commands = rooms.adapters.commands(
            tree.root, wanted=request.task.adapter, checks=request.task.checks
        )
        checks = choose_checks(request, commands, adapter=adapter)
        spending = Spending(
            request.task.limits, before=record.manifest.usage, monotonic=rooms.monotonic
        )
        policy = run_policy(request.task, standing_approvals(record), rooms.policy)
        with rooms.engine.open(
            root=tree.root,
            log_dir=record.folder / "tests",
            policy=policy,
            checks=checks,
            rails=rails_of(request, rooms, tree, policy, base_sha=facts.base_sha),
            spending=spending,
            on_event=record.events.send,
        ) as team:
            work = Work(request, rooms, record, tree, team, checks, policy, spending, cloud=cloud)
            try:
                with showing_change(tree):
                    _run_agents(work, sign_in)
            except LimitReachedError as error:
                _end_by_limit(work, error)
            finally:
                work.save_usage()
        return finish_run(record, rooms, tree)


def _end_by_limit(work: Work, error: LimitReachedError) -> None:
    """Record what stopped the run, and leave in its work tree what can be written down."""
    record, rooms = work.record, work.rooms
    rooms.progress(f"stopped: {error.message}")
    follow_up = [error.fix] if error.fix else []
    hindrance = _hindrance(work.tree)
    if hindrance:
        work.tree.restore(_last_state(record))
        if hindrance != error.message:
            follow_up.append(f"the work in flight was not kept: {hindrance}")
    # It may quote what a model answered.
    said = rooms.redaction.redact(error.message)
    record.note(summary=said, follow_up=tuple(follow_up))
    record.guardrail(error.reason, "blocked", said)
    for item in record.manifest.items:
        if item.state is ItemState.RUNNING:
            record.item(item.id, ItemState.FAILED)
    record.save(verdict=Verdict.FAILED)


def _hindrance(tree: "GitWorkTree") -> str:
    """Say why no patch can hold what stands in a work tree now; "" when one can."""
    try:
        tree.change()
    except LimitReachedError as error:
        return error.message
    return ""


def _last_state(record: RunRecord) -> str:
    """Return the last state of the work that was recorded, the base when there is none."""
    done = [item.tree for item in record.manifest.items if item.state is ItemState.DONE]
    return done[-1] if done else record.manifest.run.base_sha


def _run_agents(work: Work, sign_in: "Callable[[], RunCloud | None]") -> None:
    """Plan, build, test, review, and repair while rounds are left and rounds change something."""
    plan = plan_work(work)
    follow_plan(work, plan, sign_in)
    if not build_items(work, plan):
        # Where nothing can be written down, the run ends by that limit, and here.
        work.tree.change()
        return
    rounds = restore_repairs(work)
    results = earlier_results(work)
    if results:
        # What an earlier attempt was granted may be void by now.
        require_granted_change(work)
    if not (results and is_reviewed(work)):
        results = results or run_checks(work)
        review_change(work, plan, results)
    repair(work, plan, results, done=rounds)
