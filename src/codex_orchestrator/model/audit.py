"""The audit log: its records, where it stood, and what checking it finds."""

from typing import Literal, NamedTuple

from pydantic import Field

from codex_orchestrator.model.document import Document
from codex_orchestrator.model.errors import ExitCode
from codex_orchestrator.model.finding import Finding, has_errors
from codex_orchestrator.model.manifest import AuditAnchor
from codex_orchestrator.model.pattern import Sha256


class AuditRecord(Document):
    """One line of `out/audit.log`. `hash` covers the canonical bytes of all other fields."""

    schema_: Literal["audit-record.v2"] = Field(alias="schema", default="audit-record.v2")
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
