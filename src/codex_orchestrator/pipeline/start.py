"""Start a run, or find the run to resume."""

from typing import TYPE_CHECKING

from codex_orchestrator.model.canonical import sha256_hex
from codex_orchestrator.model.finding import has_errors
from codex_orchestrator.model.manifest import UNCOMMITTED, Manifest, RunFacts, TaskFacts
from codex_orchestrator.model.policy import run_policy
from codex_orchestrator.model.run import RunState
from codex_orchestrator.pipeline.outcome import RefusedTask
from codex_orchestrator.pipeline.record import RunRecord
from codex_orchestrator.pipeline.request import RunRequest
from codex_orchestrator.text.shown import one_line

if TYPE_CHECKING:
    from codex_orchestrator.pipeline.services import Services


def start_run(request: RunRequest, services: "Services") -> RunRecord | RefusedTask:
    """Check the spec, then create the run's folder and first manifest; or resume an earlier run.

    Raises:
        InputError: an approval is not valid, the run to resume has another task text, the run's
            branch cannot be made, or the audit log is damaged or of a newer version.
        NotCheckedError: an approval cannot have an effect, or the run to resume is from another
            clone and not trusted.
    """
    task = request.task.task
    # Before anything is written: a grant without effect must not be recorded, because every later
    # attempt would fail on it again.
    run_policy(task, request.settings.config, request.grants.wanted)
    services.evidence.audit.require_sound_end()
    if request.resume:
        from codex_orchestrator.pipeline.resume import resume_run

        return resume_run(request, request.resume, services)
    base_sha = services.rooms.workspace.head_sha()
    today = services.ambient.now()[:10]
    findings = services.rooms.guard.check_task(task, base_sha=base_sha, as_of=today)
    if has_errors(findings):
        services.evidence.audit.append(
            "run-refused",
            task_id=task.id,
            run_id="",
            level="error",
            details={"guardrail": "spec-guard", "findings": len(findings)},
        )
        return RefusedTask(task, findings)
    return _new_run(request, services, base_sha=base_sha)


def _new_run(request: RunRequest, services: "Services", *, base_sha: str) -> RunRecord:
    task, workspace = request.task.task, services.rooms.workspace
    run_id = services.ambient.new_run_id()
    workspace.require_new_branch(request.branch(run_id))
    folder = services.evidence.store.create(task.id, run_id)
    spec = services.rooms.guard.spec_facts(task, base_sha=base_sha)
    data, mode = request.task.data, request.mode
    manifest = Manifest(
        task=TaskFacts(id=task.id, title=task.title, sha256=sha256_hex(data), spec=spec),
        run=RunFacts(
            id=run_id,
            attempt=1,
            started_at=services.ambient.now(),
            state=RunState.RUNNING,
            base_sha=base_sha,
            rules_at=request.settings.rules_at,
            host=services.ambient.host,
        ),
        mode=mode,
        engine=services.rooms.engine.describe(),
    )
    record = RunRecord(manifest, folder, services, head_sha=workspace.head_sha())
    record.begun()
    workspace.begin(run_id, base_sha=base_sha)
    record.audit("run-started", base_sha=base_sha, attempt=1)
    record.granted(request.grants.wanted, by=request.grants.by, how="command line")
    record.write("task.md", data, kind="task")
    record.guardrail("spec-guard", "passed", f"{spec.path} reviewed on {spec.last_review}")
    record.guardrail("mode-policy", "noted", f"{mode.selected}: {mode.reason}")
    unseen = _uncommitted(services)
    if unseen:
        record.guardrail(UNCOMMITTED, "noted", unseen)
        services.terminal.progress(unseen)
    return record


def _uncommitted(services: "Services") -> str:
    """Say which changes of the checkout the run does not see; "" for none."""
    changed, new = services.rooms.workspace.uncommitted()
    parts = [
        f"{len(names)} {kind} ({', '.join(one_line(name, limit=80) for name in names[:3])}"
        f"{', …' if len(names) > 3 else ''})"
        for names, kind in ((changed, "changed"), (new, "not tracked"))
        if names
    ]
    what = "uncommitted in the checkout, so this run does not see it"
    return f"{what}: {', '.join(parts)}" if parts else ""
