"""Grants: who approved what, for which task text and which commits, and which of them still hold.

A grant is bound to the task's text, the commit that the run works on, and the commit that the
checkout stood on when it was given. When one of them is another, the grant is void.
"""

from collections.abc import Iterable

from codex_orchestrator.model.approval import Approval, parse_escalation
from codex_orchestrator.model.canonical import sha256_hex
from codex_orchestrator.model.manifest import Manifest
from codex_orchestrator.pipeline.record import RunRecord
from codex_orchestrator.pipeline.run_rooms import RunRooms
from codex_orchestrator.text.shown import one_line


def binding(*, task_sha256: str, base_sha: str, head_sha: str) -> str:
    """Return what a grant is bound to, as one hash.

    Args:
        task_sha256: of the task file's bytes.
        base_sha: the commit that the run works on.
        head_sha: the commit that the checkout stands on.
    """
    commits = base_sha if head_sha == base_sha else f"{base_sha} {head_sha}"
    return sha256_hex(f"{task_sha256} {commits}".encode())


def standing_approvals(record: RunRecord) -> tuple[str, ...]:
    """Return what holds now, `KIND:VALUE` each, granted now or to an earlier attempt."""
    return tuple(_text(one) for one in record.manifest.approvals if one.bound_to == record.binding)


def record_grants(
    record: RunRecord, rooms: RunRooms, granted: Iterable[str], *, by: str, how: str
) -> None:
    """Write down what a person grants, in the manifest and in the audit log.

    Args:
        record: the run that it is granted to.
        rooms: for the clock.
        granted: `KIND:VALUE` each.
        by: the person.
        how: `command line`, or `terminal` for an answer to a question.

    Raises:
        InputError: an entry cannot be read.
    """
    known = set(standing_approvals(record))
    added = []
    for text in dict.fromkeys(granted):
        if text in known:
            continue
        kind, value = parse_escalation(text)
        at = rooms.clock()
        added.append(Approval(kind=kind, value=value, by=by, at=at, bound_to=record.binding))
    if not added:
        return
    record.save(approvals=(*record.manifest.approvals, *added))
    for one in added:
        record.audit(
            "approval-granted", grant=_text(one), by=one.by, how=how, bound_to=one.bound_to
        )


def tell_void(record: RunRecord, rooms: RunRooms) -> None:
    """Say, to people and in the audit log, which earlier grants do not hold any more."""
    standing = set(standing_approvals(record))
    for one in _void(record.manifest, record.binding):
        if _text(one) in standing:
            continue
        record.audit("approval-void", grant=_text(one), by=one.by, bound_to=one.bound_to)
        rooms.progress(
            f"void: {one_line(_text(one))}, granted by {one.by} at {one.at}: it was given for "
            "other commits than the run and the checkout stand on now; it is asked for again"
        )


def _void(manifest: Manifest, now: str) -> list[Approval]:
    return [one for one in manifest.approvals if one.bound_to != now]


def _text(approval: Approval) -> str:
    return f"{approval.kind}:{approval.value}"
