"""What the catalog and the audit log answer: receipts and audit records."""

from typing import Literal, NamedTuple

from pydantic import Field

from codex_orchestrator.model.document import Document
from codex_orchestrator.model.errors import ExitCode
from codex_orchestrator.model.finding import Finding, has_errors
from codex_orchestrator.model.pattern import Sha256
from codex_orchestrator.model.task import Identifier


class AuditAnchor(Document):
    """Where the audit log stood: the newest record's number and hash.

    A log that was cut short or written anew no longer has this hash at this number.
    """

    seq: int = Field(ge=0)
    hash: Sha256


class RecordedArtifact(Document):
    """Where CI keeps the run folder: id, digest and address of the uploaded artifact."""

    schema_: Literal["recorded-artifact.v1"] = Field(alias="schema", default="recorded-artifact.v1")
    task_id: Identifier
    run_id: Identifier
    id: str = Field(pattern=r"^[A-Za-z0-9._-]{1,100}$")
    digest: Sha256
    url: str = Field(pattern=r"^https?://[^\s\x00-\x1f\x7f]{1,2000}$")
    recorded_at: str


class Receipt(Document):
    """The catalog's proof of acceptance of one manifest.

    `key` names the object in the catalog; `created` says whether this put made it (`False`: the
    very same bytes stood there before).
    """

    schema_: Literal["receipt.v1"] = Field(alias="schema", default="receipt.v1")
    task_id: Identifier
    run_id: Identifier
    manifest_sha256: Sha256
    catalog: str
    key: str
    created: bool
    stored_at: str


class AuditRecord(Document):
    """One line of `out/audit.log`. `hash` covers the canonical bytes of all other fields."""

    seq: int = Field(ge=0)
    timestamp: str
    task_id: str
    run_id: str
    level: Literal["info", "error"]
    event: str
    details: dict[str, str | int | bool | None] = Field(default_factory=dict)
    prev: Sha256
    hash: Sha256

    @property
    def anchor(self) -> AuditAnchor:
        """Return what a manifest keeps of this record."""
        return AuditAnchor(seq=self.seq, hash=self.hash)


class AuditCheck(NamedTuple):
    """What a walk along the audit log found: how many good records, the newest, and findings."""

    records: int
    head: AuditAnchor | None
    findings: tuple[Finding, ...]

    @property
    def has_errors(self) -> bool:
        """Say whether the log is damaged; a repair that was recorded is a warning only."""
        return has_errors(self.findings)

    @property
    def exit_code(self) -> ExitCode:
        """Return how a verification ends: a log without records was not checked."""
        if self.has_errors:
            return ExitCode.FINDINGS
        return ExitCode.OK if self.records else ExitCode.NOT_CHECKED
