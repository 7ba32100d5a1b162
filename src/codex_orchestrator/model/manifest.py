"""The manifest: the record of a run. No floats, no absolute paths, no secret."""

from collections.abc import Callable, Sequence
from typing import Literal, TypedDict, Unpack

from pydantic import Field

from codex_orchestrator.model.approval import Approval
from codex_orchestrator.model.document import Document
from codex_orchestrator.model.mode import Mode
from codex_orchestrator.model.pattern import PatternUse, Sha256
from codex_orchestrator.model.plan import ManifestItem, Plan
from codex_orchestrator.model.review import Review
from codex_orchestrator.model.run import ItemState, RunState, Usage
from codex_orchestrator.model.task import Identifier, InsidePath
from codex_orchestrator.model.validation import Baseline, PromisedTest, Setup, Validation
from codex_orchestrator.model.verdict import Verdict


class SpecFacts(Document):
    """The spec that allowed the run, as of the base commit."""

    path: str
    blob: str
    last_review: str


class TaskFacts(Document):
    """The task of a run. `sha256` is the hash of the task file's bytes.

    `spec` is None for a judgement of a change that no task asked for.
    """

    id: Identifier
    title: str
    sha256: Sha256
    spec: SpecFacts | None


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


UNCOMMITTED = "uncommitted-changes"
"""The name of the guardrail that says which changes of the checkout a run does not see."""


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

    def replace(
        self,
        *,
        summary: str | None = None,
        risks: tuple[str, ...] | None = None,
        follow_up: tuple[str, ...] | None = None,
    ) -> "Notes":
        """Return the notes with those of its parts replaced that are not None."""
        changes = {"summary": summary, "risks": risks, "follow_up": follow_up}
        return self.model_copy(update={k: v for k, v in changes.items() if v is not None})


class Lease(Document):
    """A credential that the run had for a while; never its value. Times are RFC 3339 in UTC.

    `expires_at` is None for one that does not expire by itself, `revoked_at` for one that was not
    revoked.
    """

    id: str
    scope: str
    source: str
    issued_at: str
    expires_at: str | None = None
    revoked_at: str | None = None


class CloudTaskFacts(Document):
    """A task of Codex Cloud that worked for the run. `url` is "" where the service told none."""

    item: Identifier
    number: int = Field(ge=1)
    task_id: str
    url: str = ""


class DeliveryFacts(Document):
    """A place that the result is delivered to. What comes of one that is `asked` is in the log."""

    target: str
    outcome: Literal["asked", "posted", "degraded", "failed"]
    url: str = ""
    detail: str = ""


class AuditAnchor(Document):
    """Where the audit log stood: the newest record's number and hash.

    A log that was cut short or written anew no longer has this hash at this number.
    """

    seq: int = Field(ge=0)
    hash: Sha256


class ManifestChanges(TypedDict, total=False):
    """What of a manifest changes while its run goes on; see `Manifest`."""

    run: RunFacts
    mode: Mode
    engine: Engine
    guardrails: tuple[Guardrail, ...]
    approvals: tuple[Approval, ...]
    plan: Plan | None
    items: tuple[ManifestItem, ...]
    cloud: tuple[CloudTaskFacts, ...]
    setup: Setup
    baseline: Baseline | None
    validations: tuple[Validation, ...]
    untouched: tuple[str, ...]
    promises: tuple[PromisedTest, ...]
    patterns: tuple[PatternUse, ...]
    review: Review | None
    verdict: Verdict | None
    artifacts: tuple[Artifact, ...]
    usage: Usage
    notes: Notes
    audit: AuditAnchor | None


class Manifest(Document):
    """The record of one run; written after every stage, complete when the run has finished.

    A judgement is the record of a change that somebody else made. What is None is not known, or
    did not take place (yet); what is empty is known to be none. `previous` is the hash of the
    manifest that a judgement is compared with. `untouched` are checks that did not run, as the
    change touches nothing in their folders. `audit` is the newest record of the audit log when the
    run started; `runs verify` compares it.
    """

    schema_: Literal["run-manifest.v2"] = Field(alias="schema", default="run-manifest.v2")
    kind: Literal["run", "judgement"] = "run"
    task: TaskFacts
    run: RunFacts
    mode: Mode
    engine: Engine
    guardrails: tuple[Guardrail, ...] = ()
    approvals: tuple[Approval, ...] = ()
    leases: tuple[Lease, ...] = ()
    setup: Setup | None = None
    baseline: Baseline | None = None
    plan: Plan | None = None
    items: tuple[ManifestItem, ...] = ()
    cloud: tuple[CloudTaskFacts, ...] = ()
    validations: tuple[Validation, ...] = ()
    untouched: tuple[str, ...] = ()
    promises: tuple[PromisedTest, ...] = ()
    patterns: tuple[PatternUse, ...] = ()
    review: Review | None = None
    verdict: Verdict | None = None
    previous: Sha256 | None = None
    artifacts: tuple[Artifact, ...] = ()
    delivery: tuple[DeliveryFacts, ...] = ()
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
        """Return the manifest with one of its items changed, where it stands.

        Tasks of Codex Cloud that are new with it are noted, also for when it forgets them.
        """
        items = tuple(change(one) if one.id == item_id else one for one in self.items)
        tasks = (
            CloudTaskFacts(item=item.id, number=sent.number, task_id=sent.task_id)
            for item in items
            for sent in item.submissions
            if sent.task_id
        )
        return self.replace(items=items, cloud=tuple(dict.fromkeys((*self.cloud, *tasks))))

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
