"""Builders of manifests and finished runs, with good defaults."""

from contextlib import nullcontext
from pathlib import Path

from codex_orchestrator.model.manifest import Engine, Manifest, RunFacts, SpecFacts, TaskFacts
from codex_orchestrator.model.mode import Mode, ModeName
from codex_orchestrator.model.pattern import PatternKind, PatternUse
from codex_orchestrator.model.run import RunState
from codex_orchestrator.model.verdict import Verdict
from codex_orchestrator.pipeline.finish import close_run
from codex_orchestrator.runs.audit import FileAuditLog
from codex_orchestrator.runs.outbox import Outbox
from codex_orchestrator.runs.store import FileRunStore
from codex_orchestrator.verbs.records import Records

RUN = "20261122t191500z-4f3a"


class Ticking:
    """A clock that moves one second a call."""

    def __init__(self) -> None:
        self.ticks = 0

    def __call__(self) -> str:
        self.ticks += 1
        minutes, seconds = divmod(self.ticks, 60)
        hours, minutes = divmod(minutes, 60)
        return f"2026-11-22T{hours % 24:02}:{minutes:02}:{seconds:02}.000Z"


def make_manifest(
    run_id: str = RUN,
    *,
    task_id: str = "0007-logging",
    state: RunState = RunState.RUNNING,
    attempt: int = 1,
    started_at: str = "2026-11-22T19:15:00.000Z",
    **more: object,
) -> Manifest:
    """Return a manifest; a finished one has a verdict."""
    is_finished = state is RunState.FINISHED
    facts = {
        "task": TaskFacts(
            id=task_id,
            title="Replace print with logging",
            sha256="a" * 64,
            spec=SpecFacts(path="tasks/specs/a.md", blob="b" * 40, last_review="2026-11-20"),
        ),
        "run": RunFacts(
            id=run_id,
            attempt=attempt,
            started_at=started_at,
            finished_at="2026-11-22T19:16:00.000Z" if is_finished else None,
            state=state,
            base_sha="c" * 40,
            host="runner",
        ),
        "mode": Mode(selected=ModeName.MCP, reason="default", requested="auto"),
        "engine": Engine(toolkit="0.1.0", model="offline", builder="workspace"),
        "verdict": Verdict.APPROVED if is_finished else None,
        **more,
    }
    return Manifest(**facts)  # type: ignore[arg-type]


def pattern_use(pattern_id: str = "py-print-to-logging", version: str = "1.0.0") -> PatternUse:
    """Return what applying a codemod did."""
    return PatternUse(
        id=pattern_id,
        kind=PatternKind.CODEMOD,
        version=version,
        sha256="d" * 64,
        hits=2,
        changes=3,
        paths=("src/a.py",),
    )


def finish_run(
    repo: Path,
    run_id: str = RUN,
    *,
    task_id: str = "0007-logging",
    store: FileRunStore | None = None,
    audit: FileAuditLog | None = None,
    **more: object,
) -> str:
    """Carry a run through all its writes, with three artifacts, and return the manifest's hash."""
    store = store or FileRunStore(repo)
    audit = audit or FileAuditLog(repo, clock=Ticking())
    folder = store.create(task_id, run_id)
    started = audit.append("run-started", task_id=task_id, run_id=run_id)
    manifest = make_manifest(run_id, task_id=task_id, audit=started.anchor, **more)
    store.save(manifest)
    plan = store.artifact(manifest, "plan.json", b'{"items":[]}', kind="plan")
    diff = store.artifact(manifest, "diff.patch", b"--- a\n+++ b\n" * 20, kind="diff")
    (folder / "tests").mkdir(mode=0o700)
    (folder / "tests" / "pytest.log").write_bytes(b"3 passed\n")
    log = store.register(manifest, Path("tests/pytest.log"), kind="log")
    finished = make_manifest(
        run_id,
        task_id=task_id,
        state=RunState.FINISHED,
        artifacts=(plan, diff, log),
        audit=started.anchor,
        **more,
    )
    return close_run(finished, store=store, audit=audit)


def records_of(
    repo: Path,
    *,
    store: FileRunStore | None = None,
    audit: FileAuditLog | None = None,
    outbox: Outbox | None = None,
) -> Records:
    """Return the records of a repository's runs, with a lock that always is free."""
    audit = audit or FileAuditLog(repo, clock=Ticking())
    store, outbox = store or FileRunStore(repo), outbox or Outbox(repo)
    return Records(store, audit, outbox, lambda _task_id: nullcontext())
