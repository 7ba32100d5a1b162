"""The manifest: the record of a run. No floats, no absolute paths, no secret."""

from collections.abc import Callable, Sequence
from typing import Literal, TypedDict, Unpack

from pydantic import Field

from codex_orchestrator.model.approval import Approval
from codex_orchestrator.model.audit import AuditAnchor
from codex_orchestrator.model.document import Document
from codex_orchestrator.model.mode import Mode
from codex_orchestrator.model.pattern import PatternUse, Sha256
from codex_orchestrator.model.plan import Plan
from codex_orchestrator.model.review import Review
from codex_orchestrator.model.run import ItemState, RunState, Usage
from codex_orchestrator.model.task import Identifier, InsidePath
from codex_orchestrator.model.verdict import ValidationStatus, Verdict


class SpecFacts(Document):
    """The spec that allowed the run, as of the base commit."""

    path: str
    blob: str
    last_review: str


class TaskFacts(Document):
    """The task of a run. `sha256` is the hash of the task file's bytes."""

    id: Identifier
    title: str
    sha256: Sha256
    spec: SpecFacts


class RunChanges(TypedDict, total=False):
    """What of a run's facts changes while it goes on; see `RunFacts`."""

    attempt: int
    finished_at: str | None
    state: RunState
    head_sha: str
    tested: str
    reviewed: str
    tree: str


class RunFacts(Document):
    """Which run this is. Times are RFC 3339 in UTC; commits are full object names.

    `rules_at` is the commit that configuration and patterns were read from, "" for the checkout.

    Git tree objects say how far it came: the checks ran on `tested`, the review is of `reviewed`,
    and the stages ended with `tree`; a run that has one of these needs only to be written up.
    """

    id: Identifier
    attempt: int = Field(ge=1)
    started_at: str
    finished_at: str | None = None
    state: RunState
    base_sha: str
    rules_at: str = ""
    head_sha: str = ""
    tested: str = ""
    reviewed: str = ""
    tree: str = ""
    host: str

    def replace(self, **changes: Unpack[RunChanges]) -> "RunFacts":
        """Return the facts with some of them replaced."""
        return self.model_copy(update=changes)


class Engine(Document):
    """The tools and models that did the work, with versions."""

    toolkit: str
    agents_sdk: str = ""
    model: str = ""
    builder: str = ""
    codex: str = ""

    def in_cloud(self, codex: str) -> "Engine":
        """Return the engine with Codex Cloud as builder, by this version of Codex."""
        return self.model_copy(update={"builder": "codex-cloud", "codex": codex})


class Guardrail(Document):
    """One guardrail and its result."""

    name: str
    outcome: Literal["passed", "blocked", "noted"]
    detail: str = ""


class CloudSubmissionFacts(Document):
    """One submission to Codex Cloud. Written before it is sent, and again with its task.

    `task_id` is "" while nobody knows whether the service has it. `branch` is what the service
    started from, `base` the git tree object that the change was asked for, `attempts` how many
    solutions. `problem` says why nothing came of it, or that its change did not fit.
    """

    number: int = Field(ge=1)
    task_id: str = ""
    attempts: int = Field(default=1, ge=1, le=4)
    branch: str
    base: str
    problem: str = ""

    def with_task(self, task_id: str) -> "CloudSubmissionFacts":
        """Return the submission with the task that the service made of it."""
        return self.model_copy(update={"task_id": task_id})

    def with_problem(self, problem: str) -> "CloudSubmissionFacts":
        """Return the submission with why its change is not used."""
        return self.model_copy(update={"problem": problem})


class MergeConflict(Document):
    """A change that did not fit the work it was to be merged with, and why.

    The change is the difference between two git tree objects, from `base` to `tree`; `tree` is ""
    for a change that came from elsewhere.
    """

    problem: str
    base: str
    tree: str = ""


class ManifestItem(Document):
    """One plan item and where it stands.

    `tree` is the git tree object that held the work when the item was done; of an item in state
    built it holds that item's work alone. `base` is the one that an item started from that was
    built beside others; "" for one built on the work so far.
    """

    id: Identifier
    state: ItemState
    attempt: int
    tree: str = ""
    base: str = ""
    conflicts: tuple[MergeConflict, ...] = ()
    artifacts: tuple[InsidePath, ...] = ()
    submissions: tuple[CloudSubmissionFacts, ...] = ()

    def in_state(self, state: ItemState, *, tree: str = "") -> "ManifestItem":
        """Return the item in another state; one that is begun counts one attempt more."""
        attempt = max(self.attempt + (state is ItemState.RUNNING), 1)
        changes = {"state": state, "attempt": attempt, "tree": tree or self.tree}
        return self.model_copy(update=changes)

    def with_submission(self, facts: CloudSubmissionFacts) -> "ManifestItem":
        """Return the item with a submission; one of the same number is replaced."""
        kept = self.without_submission(facts.number).submissions
        return self.model_copy(update={"submissions": (*kept, facts)})

    def without_submission(self, number: int) -> "ManifestItem":
        """Return the item without the submission of a number."""
        kept = tuple(one for one in self.submissions if one.number != number)
        return self.model_copy(update={"submissions": kept})

    def without_submissions(self) -> "ManifestItem":
        """Return the item as if nothing had been submitted for it."""
        return self.model_copy(update={"submissions": ()})

    def with_conflict(
        self, conflict: MergeConflict, submission: CloudSubmissionFacts | None = None
    ) -> "ManifestItem":
        """Return the item as one that is to be made again, because its change did not fit.

        `submission` is the one that the change came from, None for none.
        """
        item = self if submission is None else self.with_submission(submission)
        changes = {
            "state": ItemState.PLANNED,
            "tree": "",
            "base": "",
            "conflicts": (*self.conflicts, conflict),
        }
        return item.model_copy(update=changes)


class Validation(Document):
    """The result of a check.

    `duration_ms` is in milliseconds; `log_path` is "" when it could not start.
    """

    command: tuple[str, ...]
    exit_code: int | None
    status: ValidationStatus
    duration_ms: int
    log_path: InsidePath | Literal[""]
    failures: tuple[str, ...] = ()
    detail: str = ""


class Artifact(Document):
    """A file of the run folder. `path` is relative to it."""

    path: InsidePath
    kind: str
    sha256: Sha256
    bytes: int


class Notes(Document):
    """Notes for the reader of a manifest."""

    summary: str = ""
    risks: tuple[str, ...] = ()
    follow_up: tuple[str, ...] = ()


class ManifestChanges(TypedDict, total=False):
    """What of a manifest changes while its run goes on; see `Manifest`."""

    run: RunFacts
    mode: Mode
    engine: Engine
    guardrails: tuple[Guardrail, ...]
    approvals: tuple[Approval, ...]
    plan: Plan | None
    items: tuple[ManifestItem, ...]
    validations: tuple[Validation, ...]
    patterns: tuple[PatternUse, ...]
    review: Review | None
    verdict: Verdict | None
    artifacts: tuple[Artifact, ...]
    usage: Usage
    notes: Notes
    audit: AuditAnchor | None


class Manifest(Document):
    """The record of one run; written after every stage, complete when the run has finished.

    `audit` is the newest record of the audit log when the run started; `runs verify` compares it.
    """

    schema_: Literal["run-manifest.v1"] = Field(alias="schema", default="run-manifest.v1")
    task: TaskFacts
    run: RunFacts
    mode: Mode
    engine: Engine
    guardrails: tuple[Guardrail, ...] = ()
    approvals: tuple[Approval, ...] = ()
    plan: Plan | None = None
    items: tuple[ManifestItem, ...] = ()
    validations: tuple[Validation, ...] = ()
    patterns: tuple[PatternUse, ...] = ()
    review: Review | None = None
    verdict: Verdict | None = None
    artifacts: tuple[Artifact, ...] = ()
    usage: Usage = Usage()
    notes: Notes = Notes()
    audit: AuditAnchor | None = None

    def replace(self, **changes: Unpack[ManifestChanges]) -> "Manifest":
        """Return the manifest with some of its parts replaced."""
        return self.model_copy(update=changes)

    def find_item(self, item_id: str) -> ManifestItem | None:
        """Return where a plan item stands; None when it was never begun."""
        return next((one for one in self.items if one.id == item_id), None)

    def with_changed_item(
        self, item_id: str, change: Callable[[ManifestItem], ManifestItem]
    ) -> "Manifest":
        """Return the manifest with one of its items changed, where it stands."""
        items = tuple(change(one) if one.id == item_id else one for one in self.items)
        return self.replace(items=items)

    def with_item_in(self, item_id: str, state: ItemState, *, tree: str = "") -> "Manifest":
        """Return the manifest with an item in another state; it then stands last.

        So the last item that is done is the one whose tree has all the work.
        """
        before = self.find_item(item_id) or ManifestItem(id=item_id, state=state, attempt=0)
        others = tuple(one for one in self.items if one.id != item_id)
        return self.replace(items=(*others, before.in_state(state, tree=tree)))

    def with_items_begun(self, item_ids: Sequence[str], *, base: str) -> "Manifest":
        """Return the manifest with items, last, that will be built beside each other."""
        known = {one.id: one.attempt for one in self.items}
        begun = tuple(
            ManifestItem(id=name, state=ItemState.PLANNED, attempt=known.get(name, 1), base=base)
            for name in item_ids
        )
        others = tuple(one for one in self.items if one.id not in item_ids)
        return self.replace(items=(*others, *begun))
