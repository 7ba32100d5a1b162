"""The manifest: the record of a run. No floats, no absolute paths, no secret."""

from typing import Literal

from pydantic import Field

from codex_orchestrator.model.approval import Approval
from codex_orchestrator.model.document import Document
from codex_orchestrator.model.mode import Mode
from codex_orchestrator.model.pattern import PatternUse, Sha256
from codex_orchestrator.model.plan import Plan
from codex_orchestrator.model.receipt import AuditAnchor
from codex_orchestrator.model.review import Review
from codex_orchestrator.model.run import ItemState, RunState, Usage
from codex_orchestrator.model.task import Identifier, InsidePath
from codex_orchestrator.model.verdict import ValidationStatus, Verdict


class SpecFacts(Document):
    """The spec that allowed the run, as it stood at the base commit."""

    path: str
    blob: str
    last_review: str


class TaskFacts(Document):
    """Which task this is a run of. `sha256` is of the task file's bytes."""

    id: Identifier
    title: str
    sha256: Sha256
    spec: SpecFacts


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


class Engine(Document):
    """What did the work, with versions."""

    toolkit: str
    agents_sdk: str = ""
    model: str = ""
    builder: str = ""
    codex: str = ""


class Guardrail(Document):
    """One guardrail and what it said."""

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


class Validation(Document):
    """One check. `duration_ms` is in milliseconds; `log_path` is "" when it could not start."""

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
    """What a reader should know."""

    summary: str = ""
    risks: tuple[str, ...] = ()
    follow_up: tuple[str, ...] = ()


class Manifest(Document):
    """The record of one run; written after every stage, complete when the run has finished.

    `audit` is where the audit log stood when the run began: `runs verify` compares.
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
