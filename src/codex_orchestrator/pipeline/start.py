"""Start a run, or find the one to go on with."""

from pathlib import Path

from codex_orchestrator.model.canonical import sha256_hex
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.finding import has_errors
from codex_orchestrator.model.manifest import Manifest, RunFacts, TaskFacts
from codex_orchestrator.model.mode import choose_mode
from codex_orchestrator.model.policy import run_policy
from codex_orchestrator.model.run import RunState
from codex_orchestrator.pipeline.grants import binding, record_grants, tell_void
from codex_orchestrator.pipeline.record import RunRecord
from codex_orchestrator.pipeline.resume import (
    require_believed_end,
    require_stated_manifest,
    take_over,
)
from codex_orchestrator.pipeline.run_rooms import RefusedTask, RunRequest, RunRooms


def start_run(request: RunRequest, rooms: RunRooms) -> RunRecord | RefusedTask:
    """Check the spec, then make the run's folder and first manifest, or resume an earlier run.

    Raises:
        InputError: an approval cannot be read, or the run to resume belongs to another task text.
        NotCheckedError: an approval is one that nothing here can use, or the run to resume came
            from elsewhere, and does not fit or is not known.
    """
    # Before anything is written: what cannot be granted must not stand in the run's record, where
    # every later attempt would meet it again.
    run_policy(request.task, request.approvals, rooms.policy)
    if request.resume:
        return _resume(request, rooms)
    task = request.task
    base_sha = rooms.workspace.head_sha()
    findings = rooms.guard.check_task(task, base_sha=base_sha, as_of=rooms.clock()[:10])
    if has_errors(findings):
        rooms.audit.append(
            "run-refused",
            task_id=task.id,
            run_id="",
            level="error",
            details={"guardrail": "spec-guard", "findings": len(findings)},
        )
        return RefusedTask(task, findings)
    run_id = rooms.new_run_id()
    folder = rooms.store.create(task.id, run_id)
    spec = rooms.guard.spec_facts(task, base_sha=base_sha)
    manifest = Manifest(
        task=TaskFacts(
            id=task.id, title=task.title, sha256=sha256_hex(request.task_text), spec=spec
        ),
        run=RunFacts(
            id=run_id,
            attempt=1,
            started_at=rooms.clock(),
            state=RunState.RUNNING,
            base_sha=base_sha,
            rules_at=request.rules_at,
            host=rooms.host,
        ),
        mode=choose_mode(task, requested=request.mode),
        engine=rooms.engine.describe(),
    )
    record = _record(manifest, rooms, folder)
    record.save()
    rooms.workspace.begin(run_id, base_sha=base_sha)
    record.audit("run-started", base_sha=base_sha, attempt=1)
    _grant(record, request, rooms)
    record.write("task.md", request.task_text, kind="task")
    record.guardrail("spec-guard", "passed", f"{spec.path} reviewed on {spec.last_review}")
    mode = manifest.mode
    record.guardrail("mode-policy", "noted", f"{mode.selected}: {mode.reason}")
    return record


def _resume(request: RunRequest, rooms: RunRooms) -> RunRecord:
    folder = rooms.store.find(request.resume)
    place = f".runs/{folder.parent.name}/{folder.name}"
    if rooms.workspace.is_tracked(place):
        raise InputError(
            "the folder of the run is part of the checked-out commit, so a change may have brought "
            "it: nothing in it proves that a person granted anything",
            path=place,
            fix="git rm -r --cached it, put .runs/ into .gitignore, and start a new run",
        )
    manifest = rooms.store.load(folder.name)
    known = (manifest.task.id, manifest.task.sha256)
    if known != (request.task.id, sha256_hex(request.task_text)):
        raise InputError(
            f"the task's text is not the one that run {manifest.run.id} was started with",
            path=request.task_source,
            fix="start a new run, or give the run folder's own task.md",
        )
    require_stated_manifest(manifest, request, rooms)
    if manifest.run.state is RunState.FINISHED:
        require_believed_end(manifest, request, rooms)
        return _record(manifest, rooms, folder)
    manifest, doubt = take_over(manifest, request, rooms)
    record = _record(manifest, rooms, folder)
    record.resumed_from = manifest.run.state
    # Whoever goes on may name another model: the record says who did the rest.
    record.save(engine=rooms.engine.describe())
    record.save_run(state=RunState.RUNNING, attempt=manifest.run.attempt + 1)
    record.audit("run-resumed", attempt=record.manifest.run.attempt)
    if doubt:
        record.guardrail("foreign-run", "noted", doubt)
        rooms.progress(doubt)
    # After the save: a run that is known here is believed, so first goes what is not.
    rooms.workspace.begin(manifest.run.id, base_sha=manifest.run.base_sha)
    _grant(record, request, rooms)
    tell_void(record, rooms)
    return record


def _grant(record: RunRecord, request: RunRequest, rooms: RunRooms) -> None:
    record_grants(record, rooms, request.approvals, by=request.approved_by, how="command line")


def _record(manifest: Manifest, rooms: RunRooms, folder: Path) -> RunRecord:
    bound_to = binding(
        task_sha256=manifest.task.sha256,
        base_sha=manifest.run.base_sha,
        head_sha=rooms.workspace.head_sha(),
    )
    return RunRecord(
        manifest,
        folder,
        store=rooms.store,
        audit=rooms.audit,
        clock=rooms.clock,
        redaction=rooms.redaction,
        on_event=rooms.on_event,
        binding=bound_to,
    )
