"""The work of an unfinished run: packed into its folder when it stops, unpacked elsewhere."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from codex_orchestrator.model.errors import NotCheckedError, OrchestratorError
from codex_orchestrator.model.manifest import Manifest
from codex_orchestrator.model.plan import ManifestItem
from codex_orchestrator.model.run import RunState
from codex_orchestrator.model.work_pack import (
    MAX_PACK_BYTES,
    WORK_KIND,
    WorkPack,
    is_work_pack_name,
    work_pack_name,
)
from codex_orchestrator.pipeline.record import RunRecord

if TYPE_CHECKING:
    from codex_orchestrator.pipeline.services import Services


def recorded_states(manifest: Manifest) -> tuple[str, ...]:
    """Return the git tree objects that a resumed run needs, without duplicates."""
    named = [tree for item in manifest.items for tree in _states_of(item)]
    return tuple(dict.fromkeys(tree for tree in (*named, manifest.run.tree) if tree))


def _states_of(item: ManifestItem) -> Iterator[str]:
    yield item.tree
    yield item.base
    for submission in item.submissions:
        yield submission.base
    for conflict in item.conflicts:
        yield conflict.base
        yield conflict.tree


def pause_run(record: RunRecord, services: "Services", state: RunState, reason: str) -> None:
    """Record that the run stopped before its end, and put its work into its folder."""
    try:
        _pack_work(record, services)
    finally:
        services.terminal.on_stop(record.paused(state, reason))


def _pack_work(record: RunRecord, services: "Services") -> None:
    """Put what the run has recorded into its folder, so that any clone can go on with it.

    What cannot be packed stays in this clone, and manifest and progress say so. The old pack
    goes when the manifest names the new one: a kill in between leaves both.
    """
    trees = recorded_states(record.manifest)
    if not trees or services.rooms.workspace.missing_states(trees):
        return
    pack = _packed(record, services, trees)
    name = work_pack_name(pack.data) if pack.data else ""
    if name and all(old.path != name for old in record.manifest.artifacts):
        record.write(name, pack.data, kind=WORK_KIND)
    record.kept_only((name,), kind=WORK_KIND)
    if pack.problem:
        reason = f"the work is not in the run folder, so only this clone can go on: {pack.problem}"
        services.terminal.progress(reason)
        record.guardrail("portable-work", "blocked", reason)


def _packed(record: RunRecord, services: "Services", trees: tuple[str, ...]) -> WorkPack:
    try:
        base_sha = record.manifest.run.base_sha
        pack = services.rooms.workspace.pack_states(trees, base_sha=base_sha)
    except OrchestratorError as error:
        # The error that stopped the run is the one to raise; this one is reported beside it.
        return WorkPack(problem=error.message)
    if services.evidence.redactor.redact_bytes(pack.data) != pack.data:
        return WorkPack(problem="it holds a secret")
    return pack


def unpack_work(manifest: Manifest, services: "Services") -> None:
    """Make sure that this repository has the states of a run; take them from its folder if not.

    Raises:
        InputError: the base commit is not in this repository, or a newer version packed the work.
        NotCheckedError: the work is missing, damaged, or not what the manifest says.
    """
    run = manifest.run
    trees = recorded_states(manifest)
    workspace = services.rooms.workspace
    missing = workspace.missing_states(trees)
    if not missing:
        return
    from codex_orchestrator.model.versions import Schema, refuse_newer

    for one in manifest.artifacts:
        refuse_newer(one.kind, Schema("work-pack", 1), path=one.path)
    packs = [one for one in manifest.artifacts if one.kind == WORK_KIND]
    if len(packs) != 1 or not is_work_pack_name(packs[0].path):
        raise NotCheckedError(
            f"this repository does not have the work of run {run.id} ({missing[0]}), "
            "and the run folder does not hold it",
            fix="resume it where it ran, or run the task again without --resume",
        )
    data = services.evidence.store.read_artifact(manifest, packs[0], max_bytes=MAX_PACK_BYTES)
    workspace.unpack_states(data, run_id=run.id, trees=trees, base_sha=run.base_sha)
    services.terminal.progress(f"took the work of run {run.id} out of {packs[0].path}")


def remove_work(record: RunRecord) -> None:
    """Remove the pack of a run that ends: its patch and branch hold the work."""
    record.kept_only((), kind=WORK_KIND)
    # A killed process may have left one that no manifest names.
    for path in record.folder.glob("work-*.pack"):
        if is_work_pack_name(path.name):
            path.unlink(missing_ok=True)
