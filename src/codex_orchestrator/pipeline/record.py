"""The run in progress: one manifest, saved durably after every change of it."""

import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from codex_orchestrator.model.manifest import (
    Artifact,
    CloudSubmissionFacts,
    Guardrail,
    Manifest,
    ManifestItem,
    MergeConflict,
)
from codex_orchestrator.model.run import ItemState, RunState
from codex_orchestrator.pipeline.close_run import close_run
from codex_orchestrator.pipeline.events import EventStream
from codex_orchestrator.pipeline.run_rooms import StoppedRun
from codex_orchestrator.system.files import read_file

if TYPE_CHECKING:
    from codex_orchestrator.runs.audit import FileAuditLog
    from codex_orchestrator.runs.store import FileRunStore
    from codex_orchestrator.text.secrets import Redactor

MAX_MASKED_BYTES = 128 * 1024 * 1024


class RunRecord:
    """Holds the manifest of a run and writes each change of it before anything else happens.

    `binding` is what grants are bound to now; see `grants.py`.
    """

    def __init__(
        self,
        manifest: Manifest,
        folder: Path,
        *,
        store: "FileRunStore",
        audit: "FileAuditLog",
        clock: Callable[[], str],
        redaction: "Redactor",
        on_event: Callable[[str], None],
        binding: str = "",
    ) -> None:
        self.manifest = manifest
        self.resumed_from: RunState | None = None
        self.binding = binding
        self.folder = folder
        self.events = EventStream(
            folder / "events.jsonl", clock=clock, redaction=redaction, also=on_event
        )
        self._store = store
        self._audit = audit
        self._clock = clock
        self._redaction = redaction
        self._waits = False

    def save(self, **changes: Any) -> str:
        """Change fields of the manifest, write it, and return its hash ("" within `one_save`)."""
        self.manifest = self.manifest.model_copy(update=changes)
        return "" if self._waits else self._store.save(self.manifest)

    @contextmanager
    def one_save(self) -> Iterator[None]:
        """Make one save of all changes within; they are durable when the block has ended."""
        self._waits = True
        try:
            yield
        finally:
            self._waits = False
        self.save()

    def save_run(self, **changes: Any) -> str:
        """Change fields of the manifest's `run` part and write the manifest."""
        return self.save(run=self.manifest.run.model_copy(update=changes))

    def note(self, **changes: Any) -> None:
        """Change fields of the manifest's notes without writing yet."""
        notes = self.manifest.notes.model_copy(update=changes)
        self.manifest = self.manifest.model_copy(update={"notes": notes})

    def guardrail(
        self, name: str, outcome: Literal["passed", "blocked", "noted"], detail: str
    ) -> None:
        """Record what a guardrail said, in the manifest and in the audit log."""
        said = Guardrail(name=name, outcome=outcome, detail=self._redaction.redact(detail))
        self.save(guardrails=(*self.manifest.guardrails, said))
        self.audit(f"guardrail-{outcome}", guardrail=name, detail=said.detail)

    def audit(self, event: str, **details: str | int | bool | None) -> None:
        """Append a record about this run to the audit log; the next manifest anchors the log."""
        facts = self.manifest
        record = self._audit.append(
            event, task_id=facts.task.id, run_id=facts.run.id, details=details
        )
        self.manifest = facts.model_copy(update={"audit": record.anchor})

    def item(self, item_id: str, state: ItemState, *, tree: str = "") -> None:
        """Record where a plan item stands."""
        known = {item.id: item for item in self.manifest.items}
        # Items stand in the order in which they changed: the last one that is done has all work.
        before = known.pop(item_id, None) or ManifestItem(id=item_id, state=state, attempt=0)
        attempt = before.attempt + (state is ItemState.RUNNING)
        changes = {"state": state, "attempt": max(attempt, 1), "tree": tree or before.tree}
        known[item_id] = before.model_copy(update=changes)
        self.save(items=tuple(known.values()))

    def begin_together(self, item_ids: Sequence[str], *, base: str) -> None:
        """Record, all at once, that items will be built beside each other from one state."""
        known = {item.id: item for item in self.manifest.items}
        for item_id in item_ids:
            before = known.pop(item_id, None)
            known[item_id] = ManifestItem(
                id=item_id,
                state=ItemState.PLANNED,
                attempt=before.attempt if before else 1,
                base=base,
            )
        self.save(items=tuple(known.values()))

    def conflicts(self, item_id: str) -> tuple[MergeConflict, ...]:
        """Return the changes of an item that did not fit, in order."""
        return next((one.conflicts for one in self.manifest.items if one.id == item_id), ())

    def conflict(
        self, item_id: str, conflict: MergeConflict, *, submission: CloudSubmissionFacts | None
    ) -> None:
        """Record that an item's change did not fit, so that the item is to be made again."""
        self._change_item(
            item_id,
            lambda item: {
                "state": ItemState.PLANNED,
                "tree": "",
                "base": "",
                "conflicts": (*item.conflicts, conflict),
                "submissions": _with_submission(item.submissions, submission),
            },
        )

    def submissions(self, item_id: str) -> tuple[CloudSubmissionFacts, ...]:
        """Return what was submitted for an item, in order."""
        return next((one.submissions for one in self.manifest.items if one.id == item_id), ())

    def submission(self, item_id: str, facts: CloudSubmissionFacts) -> None:
        """Record a submission of an item that is at work; one of the same number is replaced."""
        self._change_item(
            item_id, lambda item: {"submissions": _with_submission(item.submissions, facts)}
        )

    def withdraw(self, item_id: str, number: int) -> None:
        """Take back the record of a submission that is known not to have been sent."""
        others = tuple(one for one in self.submissions(item_id) if one.number != number)
        self._change_item(item_id, lambda _item: {"submissions": others})

    def _change_item(
        self, item_id: str, changes_of: Callable[[ManifestItem], Mapping[str, Any]]
    ) -> None:
        self.save(
            items=tuple(
                item.model_copy(update=changes_of(item)) if item.id == item_id else item
                for item in self.manifest.items
            )
        )

    def write(self, name: str, data: bytes, *, kind: str) -> None:
        """Write one artifact of the run, secrets masked, and list it in the manifest."""
        clean = self._redaction.redact_bytes(data)
        self._list(self._store.artifact(self.manifest, name, clean, kind=kind))

    def register(self, name: str, *, kind: str) -> None:
        """List a file that stands in the run folder already."""
        self._list(self._store.register(self.manifest, Path(name), kind=kind))

    def keep_only(self, names: Sequence[str], *, kind: str) -> None:
        """Take the other files of a kind out of the manifest, then out of the run folder."""
        kept = tuple(
            old for old in self.manifest.artifacts if old.kind != kind or old.path in names
        )
        if kept == self.manifest.artifacts:
            return
        gone = [old.path for old in self.manifest.artifacts if old not in kept]
        self.save(artifacts=kept)
        for name in gone:
            (self.folder / name).unlink(missing_ok=True)

    def register_folder(self, name: str, *, kind: str) -> None:
        """List every file below a folder of the run, secrets masked.

        What tools wrote there themselves, such as test reports, was masked by nobody before.
        """
        for path in sorted((self.folder / name).rglob("*")):
            facts = path.lstat()
            if not stat.S_ISREG(facts.st_mode):
                continue
            place = path.relative_to(self.folder).as_posix()
            if facts.st_size > MAX_MASKED_BYTES:
                said = (
                    f"left out: more than {MAX_MASKED_BYTES} bytes are not searched for secrets\n"
                )
                self.write(place, said.encode(), kind=kind)
                continue
            data = read_file(path, max_bytes=MAX_MASKED_BYTES)
            if self._redaction.redact_bytes(data) == data:
                self.register(place, kind=kind)
            else:
                self.write(place, data, kind=kind)

    def finish(self) -> str:
        """Close the run: last manifest, audit record, state. Safe to repeat; return the hash."""
        run = self.manifest.run.model_copy(update={"state": RunState.FINISHED})
        self.manifest = self.manifest.model_copy(update={"run": run})
        return close_run(self.manifest, store=self._store, audit=self._audit)

    def pause(self, state: RunState, reason: str) -> StoppedRun:
        """Write that the run stopped before its end and why; it can be resumed."""
        said = self._redaction.redact(reason)
        if not self.manifest.run.tree:
            # A run that is judged keeps what was said of it; what hindered the rest passes.
            self.note(summary=said)
        digest = self.save_run(state=state)
        self._store.summarize(self.manifest, digest)
        stopped = StoppedRun(self.manifest, digest, self.folder, said)
        self.audit(f"run-{state}", reason=said)
        return stopped

    def _list(self, artifact: Artifact) -> None:
        others = tuple(old for old in self.manifest.artifacts if old.path != artifact.path)
        self.save(artifacts=(*others, artifact))


def _with_submission(
    before: Sequence[CloudSubmissionFacts], facts: CloudSubmissionFacts | None
) -> tuple[CloudSubmissionFacts, ...]:
    if facts is None:
        return tuple(before)
    return (*(one for one in before if one.number != facts.number), facts)
