"""Where a resumed run goes on: what an earlier attempt built, tested and reviewed still holds."""

import os

from codex_orchestrator.model.check import CheckResult
from codex_orchestrator.model.run import ItemState, RunState
from codex_orchestrator.pipeline.run import Work
from codex_orchestrator.system.files import opened
from codex_orchestrator.text.shown import visible

REPAIR = "repair-"
_TAIL_BYTES = 4000


def restore_base(work: Work) -> None:
    """Take back what a killed builder left in the tree: its item is begun anew.

    A run that waited for a person keeps it, because that builder goes on.
    """
    if work.record.resumed_from in (RunState.RUNNING, RunState.INTERRUPTED):
        work.tree.restore(work.record.manifest.run.base_sha)


def restore_repairs(work: Work) -> int:
    """Bring back the work of finished repair rounds; return how many there were."""
    rounds = [
        item
        for item in work.record.manifest.items
        if item.state is ItemState.DONE and item.id.startswith(REPAIR)
    ]
    if rounds:
        work.tree.restore(rounds[-1].tree)
        work.say("repair", f"{rounds[-1].id}: done before")
    return len(rounds)


def earlier_results(work: Work) -> tuple[CheckResult, ...]:
    """Return what checks said of the work as it is now; none when they are still to be run."""
    facts = work.record.manifest
    if not facts.run.tested or facts.run.tested != work.tree.snapshot():
        return ()
    if len(facts.validations) != len(work.checks):
        return ()
    work.round = _round_of(facts.validations[-1].log_path) if facts.validations else 0
    work.say("test", "done before")
    return tuple(
        CheckResult(
            name=check.name,
            argv=known.command,
            status=known.status,
            exit_code=known.exit_code,
            duration_ms=known.duration_ms,
            log_path=known.log_path,
            output_tail=_tail(work, known.log_path),
            failures=known.failures,
            detail=known.detail,
        )
        for check, known in zip(work.checks, facts.validations, strict=True)
    )


def is_reviewed(work: Work) -> bool:
    """Say whether the verdict is about the work as it was tested last."""
    run = work.record.manifest.run
    return bool(run.reviewed) and run.reviewed == run.tested


def _round_of(log_path: str) -> int:
    folder = log_path.split("/")[1] if log_path.count("/") > 1 else ""
    number = folder.removeprefix("round-")
    return int(number) if number.isdecimal() else 1


def _tail(work: Work, log_path: str) -> str:
    if not log_path:
        return ""
    try:
        with opened(work.record.folder / log_path) as descriptor:
            start = max(0, os.fstat(descriptor).st_size - _TAIL_BYTES)
            data = os.pread(descriptor, _TAIL_BYTES, start)
    except FileNotFoundError:
        return ""
    return visible(data.decode("utf-8", "replace").removeprefix("\ufffd"))
