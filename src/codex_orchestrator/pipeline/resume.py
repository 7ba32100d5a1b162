"""Decide what a stopped run is worth here, and bring its work.

A run folder may have come through an artifact that somebody without rights could write. What a
run says of itself is believed when it was at work in this repository before (a ref in the git
folder says so), or when the caller names the SHA-256 of its manifest. Otherwise its states are a
proposal: they are tested and reviewed again, and nothing that was granted or judged counts.
"""

from typing import NamedTuple

from codex_orchestrator.model.canonical import sha256_hex
from codex_orchestrator.model.errors import NotCheckedError
from codex_orchestrator.model.finding import Severity
from codex_orchestrator.model.manifest import Manifest, ManifestItem, Notes
from codex_orchestrator.model.mode import choose_mode
from codex_orchestrator.model.run import Usage
from codex_orchestrator.model.verification import NOT_A_FILE
from codex_orchestrator.pipeline.run_rooms import RunRequest, RunRooms
from codex_orchestrator.pipeline.work_pack import bring_work

_JUDGED = ("tested", "reviewed", "tree", "head_sha")


class TakenRun(NamedTuple):
    """The manifest to go on with. `doubt` says what of it does not count here, "" for nothing."""

    manifest: Manifest
    doubt: str = ""


def take_over(manifest: Manifest, request: RunRequest, rooms: RunRooms) -> TakenRun:
    """Return the manifest of a run to go on with, as far as it is believed, its work at hand.

    Nothing of the run is written before this returns.

    Raises:
        InputError: the base commit is not in this repository.
        NotCheckedError: the run came from elsewhere and too little is known of it, its folder holds
            links, or its work is missing or damaged.
    """
    is_vouched = bool(request.manifest_sha256)
    taken = TakenRun(manifest)
    is_ours = _is_ours(manifest, request, rooms)
    if not is_ours:
        _require_files_of_its_own(manifest, rooms)
    if not (is_vouched or is_ours):
        taken = _doubted(manifest, request, rooms)
    bring_work(taken.manifest, rooms)
    return taken


def require_stated_manifest(manifest: Manifest, request: RunRequest, rooms: RunRooms) -> None:
    """Check that a run to resume is the one whose manifest hash the caller has named.

    Raises:
        NotCheckedError: it has another hash.
    """
    if not request.manifest_sha256:
        return
    found = _digest(manifest, rooms)
    if found != request.manifest_sha256:
        raise NotCheckedError(
            f"the manifest of run {manifest.run.id} has SHA-256 {found}, "
            f"and {request.manifest_sha256} was expected",
            fix="take the folder and the hash from the same run, as it stopped last",
        )


def _require_files_of_its_own(manifest: Manifest, rooms: RunRooms) -> None:
    """Check that nothing in the run folder leads out of it: its files are written and removed."""
    for one in rooms.store.inspect(manifest.task.id, manifest.run.id).findings:
        if one.rule == NOT_A_FILE:
            raise NotCheckedError(
                f"the folder of run {manifest.run.id} came from elsewhere, and {one.path} in it "
                "is a link, a pipe or a device",
                fix="copy the files of the run folder, and no links",
            )


def require_believed_end(manifest: Manifest, request: RunRequest, rooms: RunRooms) -> None:
    """Check that a finished run ended here as its manifest says, or that the caller vouches for it.

    Raises:
        NotCheckedError: its folder came from elsewhere, or was changed since.
    """
    run, digest = manifest.run, _digest(manifest, rooms)
    if request.manifest_sha256 or _is_ours(manifest, request, rooms):
        return
    is_recorded = rooms.audit.holds(
        "run-finished", run_id=run.id, details={"manifest_sha256": digest}
    )
    if request.is_from_artifact or not is_recorded:
        raise NotCheckedError(
            f"run {run.id} has finished, and nothing here says that it ended as its manifest "
            "says, so its verdict does not count",
            fix=f"codex-orchestrator runs verify {run.id}, or run the task again without --resume",
        )


def _is_ours(manifest: Manifest, request: RunRequest, rooms: RunRooms) -> bool:
    # A machine that keeps its clone may remember a run whose folder came back through an artifact.
    return not request.is_from_artifact and rooms.workspace.has_begun(manifest.run.id)


def _digest(manifest: Manifest, rooms: RunRooms) -> str:
    """Hash the manifest as it stands: an older version wrote fewer fields than we would."""
    return sha256_hex(rooms.store.read(f"{manifest.task.id}/{manifest.run.id}")[0])


def _doubted(manifest: Manifest, request: RunRequest, rooms: RunRooms) -> TakenRun:
    run, task = manifest.run, request.task
    stated = "say with --manifest-sha256 what the job that stopped put out"
    if request.is_task_stored:
        raise NotCheckedError(
            f"run {run.id} was not at work in this repository, so its own task file is not taken",
            fix=f"name the task as well (run TASK --resume {run.id}), or {stated}",
        )
    if run.base_sha != rooms.workspace.head_sha():
        raise NotCheckedError(
            f"run {run.id} was not at work in this repository, and began from another commit "
            f"than the one that is checked out here: {run.base_sha}",
            fix=f"git checkout {run.base_sha}, or {stated}",
        )
    for one in rooms.guard.check_task(task, base_sha=run.base_sha, as_of=rooms.clock()[:10]):
        if one.severity is Severity.ERROR:
            raise NotCheckedError(f"the spec guard refuses the task: {one.message}", fix=one.fix)
    requested = manifest.mode.requested
    steps = [item.step for item in manifest.plan.items if item.step] if manifest.plan else []
    is_planned = steps == list(task.steps)
    spec = rooms.guard.spec_facts(task, base_sha=run.base_sha)
    believed = manifest.model_copy(
        update={
            "task": manifest.task.model_copy(update={"title": task.title, "spec": spec}),
            "run": run.model_copy(update=dict.fromkeys(_JUDGED, "") | {"finished_at": None}),
            "mode": choose_mode(
                task, requested=requested if requested in ("mcp", "cloud") else "auto"
            ),
            "guardrails": (),
            "approvals": (),
            "plan": manifest.plan if is_planned else None,
            "items": _proposed(manifest.items) if is_planned else (),
            "validations": (),
            "review": None,
            "verdict": None,
            # What was spent counts on; less than nothing would lift the limits.
            "usage": Usage(**{name: max(0, n) for name, n in manifest.usage.model_dump().items()}),
            "notes": Notes(),
        }
    )
    doubt = (
        "the run was at work elsewhere and nobody named its manifest: "
        f"{len(manifest.approvals)} approvals are void, tests and review are done again"
    )
    sent = sum(len(item.submissions) for item in manifest.items)
    if sent:
        doubt += f"; {sent} submissions to Codex Cloud are not waited for, and may be sent again"
    return TakenRun(believed, doubt)


def _proposed(items: tuple[ManifestItem, ...]) -> tuple[ManifestItem, ...]:
    """Return items without what would choose the branch of a submission or which task is read."""
    return tuple(item.model_copy(update={"submissions": ()}) for item in items)
