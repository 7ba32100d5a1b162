"""The record of a run in progress: one manifest, written durably after every change of it."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Literal, Unpack

from codex_orchestrator.model.approval import Approval, Grant, binding_of, standing_grants
from codex_orchestrator.model.manifest import (
    Artifact,
    Engine,
    Guardrail,
    Manifest,
    ManifestChanges,
    Notes,
    RunChanges,
)
from codex_orchestrator.model.mode import Mode
from codex_orchestrator.model.pattern import PatternUse
from codex_orchestrator.model.plan import CloudSubmissionFacts, ManifestItem, MergeConflict, Plan
from codex_orchestrator.model.review import Review
from codex_orchestrator.model.run import ItemState, RunState, Usage
from codex_orchestrator.model.validation import Baseline, PromisedTest, Setup, Validation
from codex_orchestrator.model.verdict import Verdict
from codex_orchestrator.pipeline.events import EventStream
from codex_orchestrator.pipeline.guardrails import masked
from codex_orchestrator.pipeline.outcome import StoppedRun

if TYPE_CHECKING:
    from codex_orchestrator.pipeline.services import Services


class RunRecord:
    """Holds the manifest of a run and writes each change of it before anything else happens.

    `binding` is what grants are bound to now. `head_sha` is the commit that the checkout stands
    on, "" for the one that the run works on.
    """

    def __init__(
        self, manifest: Manifest, folder: Path, services: "Services", *, head_sha: str = ""
    ) -> None:
        self.manifest = manifest
        self.folder = folder
        self.binding = binding_of(
            task_sha256=manifest.task.sha256,
            base_sha=manifest.run.base_sha,
            head_sha=head_sha or manifest.run.base_sha,
        )
        self.resumed_from: RunState | None = None
        evidence = services.evidence
        self._store, self._audit, self._redactor = evidence.store, evidence.audit, evidence.redactor
        self._clock = services.ambient.now
        self.events = EventStream(
            folder / "events.jsonl",
            clock=self._clock,
            redactor=self._redactor,
            also=services.terminal.on_event,
        )
        self._changing, self._writing = Lock(), Lock()
        self._changes, self._written, self._digest = 0, 0, ""

    def begun(self) -> None:
        """Write the manifest of a new run for the first time."""
        self._change(lambda manifest: manifest)

    def resumed(self, engine: Engine) -> None:
        """Record that another attempt goes on: whoever does may name another model."""
        self.resumed_from = self.manifest.run.state
        run = self.manifest.run
        run = run.replace(state=RunState.RUNNING, attempt=run.attempt + 1)
        self._replace(engine=engine, run=run)

    def in_state(self, state: RunState) -> None:
        """Record where the run stands."""
        self._replace_run(state=state)

    def changed_mode(self, mode: Mode) -> None:
        """Record that the plan changed the mode."""
        self._replace(mode=mode)

    def signed_in(self, codex: str) -> None:
        """Record that Codex Cloud builds, by this version of Codex."""
        self._replace(engine=self.manifest.engine.in_cloud(codex))

    def planned(self, plan: Plan) -> None:
        """Record the plan."""
        plan = masked(plan, self._redactor)
        self.write("plan.json", plan.file_bytes("plan.v2"), kind="plan")
        self._replace(plan=plan)

    def based(self, baseline: Baseline | None, setup: Setup) -> None:
        """Record what was made in the work tree, and what the checks said of the base."""
        self._replace(baseline=baseline, setup=setup)

    def tested(
        self,
        validations: tuple[Validation, ...],
        promises: tuple[PromisedTest, ...],
        untouched: tuple[str, ...],
    ) -> None:
        """Record the results of checks, of promised tests, and which checks were not needed."""
        self._replace(validations=validations, promises=promises, untouched=untouched)

    def reviewed(self, review: Review, verdict: Verdict) -> None:
        """Record the review and the verdict."""
        self._replace(review=review, verdict=verdict)

    def failed(
        self,
        summary: str = "",
        *,
        follow_up: tuple[str, ...] | None = None,
        review: Review | None = None,
    ) -> None:
        """Record that the run has failed, and why, where that is not recorded yet."""
        if summary:
            self._note(self.manifest.notes.replace(summary=summary, follow_up=follow_up))
        self._replace(review=review or self.manifest.review, verdict=Verdict.FAILED)

    def guardrail(
        self, name: str, outcome: Literal["passed", "blocked", "noted"], detail: str
    ) -> None:
        """Record the result of a guardrail, in the manifest and in the audit log."""
        result = Guardrail(name=name, outcome=outcome, detail=self._redactor.redact(detail))
        self._replace(guardrails=(*self.manifest.guardrails, result))
        self.audit(f"guardrail-{outcome}", guardrail=name, detail=result.detail)

    def audit(self, event: str, **details: str | int | bool | None) -> None:
        """Append a record about this run to the audit log; the next manifest anchors the log."""
        of = self.manifest
        hidden = {
            name: self._redactor.redact(value) if isinstance(value, str) else value
            for name, value in details.items()
        }
        new = self._audit.append(event, task_id=of.task.id, run_id=of.run.id, details=hidden)
        with self._changing:
            self.manifest = self.manifest.replace(audit=new.anchor)

    def item(self, item_id: str, state: ItemState, *, tree: str = "") -> None:
        """Record the state of a plan item."""
        self._change(lambda manifest: manifest.with_item_in(item_id, state, tree=tree))

    def begin_together(self, item_ids: Sequence[str], *, base: str) -> None:
        """Record in one save that items will be built in parallel from the same snapshot."""
        self._change(lambda manifest: manifest.with_items_begun(item_ids, base=base))

    def conflict(
        self,
        item_id: str,
        conflict: MergeConflict,
        *,
        submission: CloudSubmissionFacts | None = None,
    ) -> None:
        """Record that an item's change did not apply, so that the item is built again."""
        self._change_item(item_id, lambda item: item.with_conflict(conflict, submission))

    def sending(self, item_id: str, facts: CloudSubmissionFacts) -> None:
        """Record that an item is about to be submitted; safe for several threads."""

        def begin(manifest: Manifest) -> Manifest:
            manifest = manifest.with_item_in(item_id, ItemState.RUNNING)
            return manifest.with_changed_item(item_id, lambda item: item.with_submission(facts))

        self._change(begin)

    def submitted(self, item_id: str, facts: CloudSubmissionFacts) -> None:
        """Record what is known of a submission now; safe for several threads."""
        self._change_item(item_id, lambda item: item.with_submission(facts))

    def withdrawn(self, item_id: str, number: int) -> None:
        """Remove a submission that was certainly not sent."""
        self._change_item(item_id, lambda item: item.without_submission(number))

    def spent(
        self,
        usage: Usage,
        patterns: tuple[PatternUse, ...],
        *,
        tested: str = "",
        reviewed: str = "",
    ) -> None:
        """Record what models and patterns did, and how far the run came.

        Args:
            usage: what the models were asked for.
            patterns: what patterns changed.
            tested: the state that the checks ran on; "" leaves it as it is.
            reviewed: the state that the review is of; "" leaves it as it is.
        """
        run = self.manifest.run
        run = run.replace(tested=tested or run.tested, reviewed=reviewed or run.reviewed)
        self._replace(run=run, usage=usage, patterns=patterns)

    @property
    def standing(self) -> tuple[Grant, ...]:
        """What is granted now, in this attempt or an earlier one."""
        return standing_grants(self.manifest.approvals, self.binding)

    def granted(self, grants: Iterable[Grant], *, by: str, how: str) -> None:
        """Record what a person grants, in the manifest and in the audit log.

        Args:
            grants: what is granted; what stands already is not recorded again.
            by: the person.
            how: `command line`, or `terminal` for an answer to a question.
        """
        known = set(self.standing)
        added = tuple(
            Approval(kind=kind, value=value, by=by, at=self._clock(), bound_to=self.binding)
            for kind, value in dict.fromkeys(grants)
            if (kind, value) not in known
        )
        if added:
            self._replace(approvals=(*self.manifest.approvals, *added))
        for one in added:
            self.audit(
                "approval-granted", grant=str(one.grant), by=by, how=how, bound_to=one.bound_to
            )

    def ended(self, tree: str) -> None:
        """Record the state that the stages ended with: nothing is judged again from here on."""
        self._replace_run(tree=tree, finished_at=self._clock())

    def committed(self, head_sha: str) -> None:
        """Record the commit that holds the run's work."""
        self._replace_run(head_sha=head_sha)

    def explained(self, summary: str) -> None:
        """Record a summary of the run; it is written with the next change."""
        self._note(self.manifest.notes.replace(summary=summary))

    def warned(self, risks: tuple[str, ...]) -> None:
        """Record what is risky about the change; it is written with the next change."""
        self._note(self.manifest.notes.replace(risks=risks))

    def write(self, name: str, data: bytes, *, kind: str) -> None:
        """Write one artifact of the run, secrets masked, and list it in the manifest."""
        clean = self._redactor.redact_bytes(data)
        self._list(self._store.artifact(self.manifest, name, clean, kind=kind))

    def register(self, name: str, *, kind: str) -> None:
        """List a file that is already in the run folder."""
        self._list(self._store.register(self.manifest, Path(name), kind=kind))

    def kept_only(self, names: Sequence[str], *, kind: str) -> None:
        """Remove the other files of a kind from the manifest, then from the run folder."""
        artifacts = self.manifest.artifacts
        kept = tuple(old for old in artifacts if old.kind != kind or old.path in names)
        if kept != artifacts:
            self._replace(artifacts=kept)
        for old in artifacts:
            if old not in kept:
                (self.folder / old.path).unlink(missing_ok=True)

    def paused(self, state: RunState, reason: str) -> StoppedRun:
        """Record that the run stopped before its end, and why; it can be resumed."""
        reason = self._redactor.redact(reason)
        if not self.manifest.run.tree:
            # A run that has been reviewed keeps its summary; what stops it now is temporary.
            self.explained(reason)
        digest = self._replace_run(state=state)
        self._store.summarize(self.manifest, digest)
        stopped = StoppedRun(self.manifest, digest, self.folder, reason)
        self.audit(f"run-{state}", reason=reason)
        return stopped

    def _list(self, artifact: Artifact) -> None:
        others = tuple(old for old in self.manifest.artifacts if old.path != artifact.path)
        self._replace(artifacts=(*others, artifact))

    def _note(self, notes: Notes) -> None:
        self.manifest = self.manifest.replace(notes=notes)

    def _replace_run(self, **changes: Unpack[RunChanges]) -> str:
        return self._replace(run=self.manifest.run.replace(**changes))

    def _replace(self, **changes: Unpack[ManifestChanges]) -> str:
        return self._change(lambda manifest: manifest.replace(**changes))

    def _change_item(self, item_id: str, change: Callable[[ManifestItem], ManifestItem]) -> None:
        self._change(lambda manifest: manifest.with_changed_item(item_id, change))

    def _change(self, change: Callable[[Manifest], Manifest]) -> str:
        """Change the manifest and write it; return its hash.

        What several threads change while the disk is busy is one write.
        """
        with self._changing:
            self.manifest = masked(change(self.manifest), self._redactor)
            self._changes += 1
            mine = self._changes
        with self._writing:
            if self._written < mine:
                with self._changing:
                    manifest, newest = self.manifest, self._changes
                self._digest = self._store.save(manifest)
                self._written = newest
            return self._digest
