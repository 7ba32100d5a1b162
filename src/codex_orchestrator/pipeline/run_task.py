"""Run a task: spec, lock, mode, plan, build, test, review, repair, manifest, state, audit."""

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from codex_orchestrator.model.errors import (
    LEAKED,
    ApprovalRequiredError,
    InterruptedRunError,
    LimitReachedError,
    OrchestratorError,
)
from codex_orchestrator.model.plan import Plan
from codex_orchestrator.model.policy import run_policy
from codex_orchestrator.model.run import ItemState, RunState
from codex_orchestrator.model.spending import Spending
from codex_orchestrator.model.validation import SETUP_LOGS
from codex_orchestrator.model.verdict import Verdict
from codex_orchestrator.pipeline.approve import showing_change, with_approvals
from codex_orchestrator.pipeline.baseline import BaseChecks
from codex_orchestrator.pipeline.builder import Builder, make_builder
from codex_orchestrator.pipeline.checks import run_checks
from codex_orchestrator.pipeline.cloud_mode import follow_plan, require_network_approval, sign_in
from codex_orchestrator.pipeline.finish import MAX_MASKED_BYTES, finish_run, finished_run
from codex_orchestrator.pipeline.guardrails import note_unmasked, require_granted_change
from codex_orchestrator.pipeline.outcome import FinishedRun, RefusedTask
from codex_orchestrator.pipeline.prerequisites import (
    require_granted_secrets,
    require_known_patterns,
    require_mode_fits,
)
from codex_orchestrator.pipeline.record import RunRecord
from codex_orchestrator.pipeline.request import RunRequest
from codex_orchestrator.pipeline.run import Run, open_team, open_tree
from codex_orchestrator.pipeline.stages import (
    earlier_results,
    is_reviewed,
    plan_work,
    repair,
    restore_repairs,
    review_change,
)
from codex_orchestrator.pipeline.start import start_run
from codex_orchestrator.pipeline.work_pack import pause_run

if TYPE_CHECKING:
    from codex_orchestrator.pipeline.services import Services
    from codex_orchestrator.workspace.tree import GitWorkTree


def run_task(request: RunRequest, services: "Services") -> FinishedRun | RefusedTask:
    """Run a task, or go on with a run of it, and return the verdict with its proof.

    The user's checkout is not touched, unless the request says to apply an approved patch.

    Raises:
        InputError: the task cannot be run (exit 2).
        NotCheckedError: something that a verdict needs is missing (exit 3).
        ServiceError: a model or another service failed after its retries; resume (exit 4).
        LockedError: another run of the task is in progress (exit 5).
        ApprovalRequiredError: an agent needs an approval; resume (exit 6).
        InterruptedRunError: a person or the system interrupted the run; resume (exit 130).
    """
    progress = services.terminal.progress
    require_known_patterns(request.task, services.rooms.library)
    if not request.resume:
        require_mode_fits(request.task, request.mode)
    if request.must_apply:
        services.rooms.workspace.require_clean_checkout()
    with services.evidence.lock(request.task.task.id):
        started = start_run(request, services)
        if isinstance(started, RefusedTask):
            return started
        if started.manifest.run.state is RunState.FINISHED:
            progress(f"run {started.manifest.run.id} has already finished; nothing is redone")
            branch = request.branch(started.manifest.run.id)
            finished = finished_run(started, services, branch=branch)
        else:
            finished = _carry_out(started, request, services)
    if any(known.name == LEAKED for known in finished.manifest.guardrails):
        since = finished.manifest.run.started_at
        services.rooms.workspace.remove_objects_with_secrets(since=since)
    if request.must_apply and finished.manifest.verdict is Verdict.APPROVED:
        services.rooms.workspace.apply_to_checkout(_recorded_patch(finished, services))
        progress("applied diff.patch to the checkout")
    return finished


def _recorded_patch(finished: FinishedRun, services: "Services") -> bytes:
    """Return the run's patch; a file that differs from the manifest is refused."""
    manifest = finished.manifest
    patch = next(one for one in manifest.artifacts if one.path == "diff.patch")
    return services.evidence.store.read_artifact(manifest, patch, max_bytes=MAX_MASKED_BYTES)


def _carry_out(record: RunRecord, request: RunRequest, services: "Services") -> FinishedRun:
    """Run the stages; when they stop, the manifest says so and the run can be resumed."""
    run_id = record.manifest.run.id
    stages = partial(_run_stages, record, request, services)
    try:
        return with_approvals(record, services.terminal, stages, by=request.grants.by)
    except KeyboardInterrupt:
        pause_run(record, services, RunState.INTERRUPTED, "interrupted")
        error = InterruptedRunError("interrupted; every finished stage is kept")
        error.run_id = run_id
        raise error from None
    except OrchestratorError as error:
        is_asking = isinstance(error, ApprovalRequiredError)
        state = RunState.WAITING if is_asking else RunState.INTERRUPTED
        pause_run(record, services, state, error.message)
        error.run_id = run_id
        raise


def _run_stages(record: RunRecord, request: RunRequest, services: "Services") -> FinishedRun:
    task, config = request.task.task, request.settings.config
    require_network_approval(record, task)
    require_granted_secrets(config.setup, record.standing)
    note_unmasked(record, services)
    facts = record.manifest.run
    finish = partial(finish_run, record, services, branch=request.branch(facts.id))
    if facts.tree:
        with services.rooms.workspace.open(facts.id, base_sha=facts.base_sha) as tree:
            tree.restore(facts.tree)
            return finish(tree)
    with ExitStack() as stack:
        cloud = sign_in(record, services, stack)
        work = stack.enter_context(
            open_tree(
                *(request, services, facts.id),
                base_sha=facts.base_sha,
                log_dir=record.folder / SETUP_LOGS,
            )
        )
        monotonic = services.ambient.monotonic
        spending = Spending(task.limits, before=record.manifest.usage, monotonic=monotonic)
        policy = run_policy(task, config, record.standing)
        if given := work.provided.facts.shown:
            services.terminal.progress(f"set-up  {given}")
        # What the base cannot do is said before a model is asked.
        base = BaseChecks(request, services, record, spending)
        base.take_first(work)
        with open_team(
            request,
            services,
            work,
            policy=policy,
            spending=spending,
            log_dir=record.folder / "tests",
            known_failures=base.known_failures(),
            on_event=record.events.send,
        ) as team:
            run = Run(request, services, record, work, team, policy, spending, base)
            try:
                with showing_change(work.tree):
                    plan = plan_work(run)
                    follow_plan(record, task, plan)
                    builder = make_builder(run, cloud or sign_in(record, services, stack))
                    _build_and_judge(run, builder, plan)
            except LimitReachedError as error:
                _end_by_limit(run, error)
            finally:
                run.save_usage()
        return finish(work.tree)


def _build_and_judge(run: Run, builder: Builder, plan: Plan) -> None:
    """Build, test, review, and repair while rounds are left and rounds change something."""
    if not builder.build(plan):
        # If the work cannot be recorded, the run ends here with that limit.
        run.tree.change()
        return
    rounds = restore_repairs(run)
    results = earlier_results(run)
    if results:
        # Grants of an earlier attempt may be void now.
        require_granted_change(run.tree, run.policy, workspace=run.services.rooms.workspace)
    if not (results and is_reviewed(run)):
        results = results or run_checks(run)
        review_change(run, plan, results)
    repair(run, builder, plan, results, done=rounds)


def _end_by_limit(run: Run, error: LimitReachedError) -> None:
    """Record what stopped the run, and leave in its work tree what can be recorded."""
    record = run.record
    run.services.terminal.progress(f"stopped: {error.message}")
    follow_up = [error.fix] if error.fix else []
    obstacle = _obstacle(run.tree)
    if obstacle:
        run.tree.restore(_last_state(record))
        if obstacle != error.message:
            follow_up.append(f"the work in flight was not kept: {obstacle}")
    # It may quote an answer of a model.
    reason = run.services.evidence.redactor.redact(error.message)
    record.guardrail(error.reason, "blocked", reason)
    for item in record.manifest.items:
        if item.state is ItemState.RUNNING:
            record.item(item.id, ItemState.FAILED)
    record.failed(reason, follow_up=tuple(follow_up))


def _obstacle(tree: "GitWorkTree") -> str:
    """Return why the work tree cannot be recorded as a patch, or ""."""
    try:
        tree.change()
    except LimitReachedError as error:
        return error.message
    return ""


def _last_state(record: RunRecord) -> str:
    """Return the last recorded snapshot of the work, or the base."""
    done = [item.tree for item in record.manifest.items if item.state is ItemState.DONE]
    return done[-1] if done else record.manifest.run.base_sha
