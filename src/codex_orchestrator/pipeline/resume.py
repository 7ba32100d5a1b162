"""Go on with a run that stopped: decide how far its record is trusted, and restore its work.

A run folder may have come through an artifact that somebody without rights could write. What a
run says of itself is believed when it was at work in this repository before (a ref in the git
folder says so), or when the caller names the SHA-256 of its manifest. Otherwise its states are a
proposal: they are tested and reviewed again, and nothing that was granted or judged counts.
"""

from typing import TYPE_CHECKING

from codex_orchestrator.model.approval import void_approvals
from codex_orchestrator.model.canonical import sha256_hex
from codex_orchestrator.model.errors import InputError, NotCheckedError
from codex_orchestrator.model.finding import Severity
from codex_orchestrator.model.manifest import Manifest, TaskFacts
from codex_orchestrator.model.mode import ModeName
from codex_orchestrator.model.run import RunState
from codex_orchestrator.pipeline.record import RunRecord
from codex_orchestrator.pipeline.request import Asked, Resume, RunRequest
from codex_orchestrator.pipeline.work_pack import unpack_work
from codex_orchestrator.text.shown import one_line

if TYPE_CHECKING:
    from codex_orchestrator.pipeline.services import Services
    from codex_orchestrator.workspace.worktree import GitWorkspace


def resume_options(asked: Asked, manifest: Manifest, *, is_believed: bool) -> tuple[Asked, str]:
    """Return the options of a run to resume; what the command line leaves open is as it was.

    Whoever wrote the folder of a run from elsewhere does not choose who reviews it.

    Args:
        asked: what the command line says; the builder `auto` stands for the one of the run.
        manifest: the run's.
        is_believed: whether the run was at work here, or the caller vouches for its manifest.

    Returns:
        The options, and the commit that the run's rules were read from, "" for the checkout.
    """
    # A run keeps its mode; in another one its builder would not be opened.
    mode, before = manifest.mode.requested, manifest.engine
    asked = {**asked, "mode": mode if mode in set(ModeName) else "auto"}
    builder, rules_at = asked["builder"], ""
    if manifest.run.state is RunState.FINISHED:
        # Nothing is built any more, so nobody has to have what the builder needs.
        builder = "workspace"
    elif not is_believed:
        return asked, ""
    else:
        rules_at = manifest.run.rules_at
        if builder == "auto" and before.builder in ("codex", "workspace"):
            builder = before.builder
    if asked["model"] == "offline":
        builder = asked["builder"]
    return {**asked, "builder": builder, "model": asked["model"] or before.model}, rules_at


def ran_here(manifest: Manifest, resume: Resume, workspace: "GitWorkspace") -> bool:
    """Say whether a run was at work in this repository before."""
    # A kept clone may know a run whose folder came back from an artifact.
    return not resume.is_from_artifact and workspace.has_begun(manifest.run.id)


def resume_run(request: RunRequest, resume: Resume, services: "Services") -> RunRecord:
    """Return the record of the run to go on with, after its work was restored.

    Raises:
        InputError: the run belongs to another task text, a commit holds its folder, or a newer
            version wrote its manifest or the state of its task.
        NotCheckedError: the run came from elsewhere, and does not fit or is not known.
    """
    store, workspace = services.evidence.store, services.rooms.workspace
    folder = store.find(resume.run_id)
    place = f".runs/{folder.parent.name}/{folder.name}"
    if workspace.is_tracked(place, top=store.paths.repo):
        raise InputError(
            "the folder of the run is part of the checked-out commit, so a change may have brought "
            "it: nothing in it proves that a person granted anything",
            path=place,
            fix="git rm -r --cached it, put .runs/ into .gitignore, and start a new run",
        )
    manifest = store.load(folder.name)
    store.refuse_newer_state(folder.parent.name)
    file = request.task
    if (manifest.task.id, manifest.task.sha256) != (file.task.id, sha256_hex(file.data)):
        raise InputError(
            f"the task's text is not the one that run {manifest.run.id} was started with",
            path=file.source,
            fix="start a new run, or give the run folder's own task.md",
        )
    _require_stated_manifest(manifest, resume, services)
    head_sha = workspace.head_sha()
    is_finished, doubt = manifest.run.state is RunState.FINISHED, ""
    if is_finished:
        _require_believed_end(manifest, resume, services)
    else:
        manifest, doubt = _take_over(manifest, request, resume, services)
        if not manifest.run.tree:
            # Its work is not done yet, so neither is its branch.
            workspace.require_new_branch(request.branch(manifest.run.id))
    record = RunRecord(manifest, folder, services, head_sha=head_sha)
    if is_finished:
        return record
    record.resumed(services.rooms.engine.describe())
    record.audit("run-resumed", attempt=record.manifest.run.attempt)
    if doubt:
        record.guardrail("foreign-run", "noted", doubt)
        services.terminal.progress(doubt)
    # After the save: a run that is known here is believed, so first goes what is not.
    workspace.begin(manifest.run.id, base_sha=manifest.run.base_sha)
    record.granted(request.grants.wanted, by=request.grants.by, how="command line")
    _report_void(record, services)
    return record


def _report_void(record: RunRecord, services: "Services") -> None:
    """Report, to people and in the audit log, which earlier grants are void now."""
    for one in void_approvals(record.manifest.approvals, record.binding):
        record.audit("approval-void", grant=str(one.grant), by=one.by, bound_to=one.bound_to)
        services.terminal.progress(
            f"void: {one_line(str(one.grant))}, granted by {one.by} at {one.at}: it was given for "
            "other commits than the run and the checkout stand on now; it is asked for again"
        )


def _take_over(
    manifest: Manifest, request: RunRequest, resume: Resume, services: "Services"
) -> tuple[Manifest, str]:
    """Restore the work of a run; return its manifest as far as it is trusted, and what is not.

    Nothing of the run is written before this returns.

    Raises:
        InputError: the base commit is not in this repository.
        NotCheckedError: the run is from another clone and not trusted, its folder has links, or its
            work is missing or damaged.
    """
    doubt = ""
    if not ran_here(manifest, resume, services.rooms.workspace):
        _require_files_of_its_own(manifest, services)
        if not resume.is_vouched:
            manifest, doubt = _untrusted(manifest, request, services)
    unpack_work(manifest, services)
    return manifest, doubt


def _require_stated_manifest(manifest: Manifest, resume: Resume, services: "Services") -> None:
    """Check that the manifest of a run to resume has the hash that the caller gave.

    Raises:
        NotCheckedError: it has another hash.
    """
    if not resume.is_vouched:
        return
    found = _digest(manifest, services)
    if found != resume.manifest_sha256:
        raise NotCheckedError(
            f"the manifest of run {manifest.run.id} has SHA-256 {found}, "
            f"and {resume.manifest_sha256} was expected",
            fix="use the folder and the hash of the same run, from its last stop",
        )


def _require_files_of_its_own(manifest: Manifest, services: "Services") -> None:
    """Check that nothing in the run folder is a link, because its files are written and removed."""
    inspected = services.evidence.store.inspect(manifest.task.id, manifest.run.id)
    for path in inspected.special_files[:1]:
        raise NotCheckedError(
            f"the folder of run {manifest.run.id} came from elsewhere, and {path} in it "
            "is a link, a pipe or a device",
            fix="copy the files of the run folder, and no links",
        )


def _require_believed_end(manifest: Manifest, resume: Resume, services: "Services") -> None:
    """Check that a finished run ended here as its manifest says, or that the caller trusts it.

    Raises:
        NotCheckedError: its folder is from another clone, or was changed since.
    """
    if resume.is_vouched or ran_here(manifest, resume, services.rooms.workspace):
        return
    run, digest = manifest.run, _digest(manifest, services)
    is_recorded = services.evidence.audit.holds(
        "run-finished", run_id=run.id, details={"manifest_sha256": digest}
    )
    if resume.is_from_artifact or not is_recorded:
        raise NotCheckedError(
            f"run {run.id} has finished, and nothing here says that it ended as its manifest "
            "says, so its verdict does not count",
            fix=f"codex-orchestrator runs verify {run.id}, or run the task again without --resume",
        )


def _digest(manifest: Manifest, services: "Services") -> str:
    """Hash the manifest as it is on disk, because an older version wrote fewer fields."""
    return sha256_hex(services.evidence.store.read(f"{manifest.task.id}/{manifest.run.id}")[0])


def _untrusted(
    manifest: Manifest, request: RunRequest, services: "Services"
) -> tuple[Manifest, str]:
    """Return what is kept of an untrusted manifest, and a message about what is not."""
    run, task = manifest.run, request.task.task
    guard = services.rooms.guard
    stated = "give --manifest-sha256 with the output of the job that stopped"
    if request.task.is_stored:
        raise NotCheckedError(
            f"run {run.id} was not at work in this repository, so its own task file is not taken",
            fix=f"name the task as well (run TASK --resume {run.id}), or {stated}",
        )
    if run.base_sha != services.rooms.workspace.head_sha():
        raise NotCheckedError(
            f"run {run.id} was not at work in this repository, and began from another commit "
            f"than the one that is checked out here: {run.base_sha}",
            fix=f"git checkout {run.base_sha}, or {stated}",
        )
    for one in guard.check_task(task, base_sha=run.base_sha, as_of=services.ambient.now()[:10]):
        if one.severity is Severity.ERROR:
            raise NotCheckedError(f"the spec guard refuses the task: {one.message}", fix=one.fix)
    steps = [item.step for item in manifest.plan.items if item.step] if manifest.plan else []
    is_planned = steps == list(task.steps)
    spec = guard.spec_facts(task, base_sha=run.base_sha)
    # Such a record must not choose the branch of a submission, or which task is read.
    items = tuple(item.without_submissions() for item in manifest.items)
    kept = Manifest(
        task=TaskFacts(id=task.id, title=task.title, sha256=manifest.task.sha256, spec=spec),
        run=run.replace(tested="", reviewed="", tree="", head_sha="", finished_at=None),
        mode=request.mode,
        engine=manifest.engine,
        plan=manifest.plan if is_planned else None,
        items=items if is_planned else (),
        patterns=manifest.patterns,
        artifacts=manifest.artifacts,
        usage=manifest.usage.without_debts,
        audit=manifest.audit,
    )
    doubt = (
        "the run was at work elsewhere and nobody named its manifest: "
        f"{len(manifest.approvals)} approvals are void, tests and review are done again"
    )
    sent = sum(len(item.submissions) for item in manifest.items)
    if sent:
        doubt += f"; {sent} submissions to Codex Cloud are not waited for, and may be sent again"
    return kept, doubt
