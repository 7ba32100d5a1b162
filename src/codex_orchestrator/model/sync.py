"""The report of `sync`: which runs the catalog has now, which were not sent, and why."""

from typing import Literal

from pydantic import Field

from codex_orchestrator.model.document import Document
from codex_orchestrator.model.errors import ExitCode
from codex_orchestrator.model.pattern import PatternKind, SemanticVersion, Sha256
from codex_orchestrator.model.receipt import Receipt
from codex_orchestrator.model.review import ReviewFinding
from codex_orchestrator.model.task import Identifier

FailureKind = Literal["verify", "conflict", "schema", "artifact", "permission", "service"]

_CODES: dict[FailureKind, ExitCode] = {
    "verify": ExitCode.FINDINGS,
    "conflict": ExitCode.FINDINGS,
    "schema": ExitCode.NOT_CHECKED,
    "artifact": ExitCode.NOT_CHECKED,
    "permission": ExitCode.NOT_CHECKED,
    "service": ExitCode.SERVICE,
}
# A failed service comes first, because repeating the command may help.
_FIRST = (ExitCode.SERVICE, ExitCode.FINDINGS, ExitCode.NOT_CHECKED)


class SkippedRun(Document):
    """A run that did not have to be sent, and why."""

    task_id: str
    run_id: str
    reason: str


class FailedSync(Document):
    """A run that could not be sent."""

    task_id: str
    run_id: str
    kind: FailureKind
    reason: str
    fix: str = ""
    findings: tuple[ReviewFinding, ...] = ()


class SyncReport(Document):
    """The result of a sync. In a dry run `to_do` names what would be sent, and nothing is."""

    schema_: Literal["sync-report.v1"] = Field(alias="schema", default="sync-report.v1")
    catalog: str
    dry_run: bool = False
    to_do: tuple[str, ...] = ()
    synced: tuple[Receipt, ...] = ()
    already_synced: int = 0
    skipped: tuple[SkippedRun, ...] = ()
    failed: tuple[FailedSync, ...] = ()

    @property
    def exit_code(self) -> ExitCode:
        """Return the exit code of the worst failure."""
        codes = {_CODES[failure.kind] for failure in self.failed}
        return next((code for code in _FIRST if code in codes), ExitCode.OK)


class LearningAsset(Document):
    """The catalog's record of one version of a pattern."""

    schema_: Literal["learning-asset.v1"] = Field(alias="schema", default="learning-asset.v1")
    id: Identifier
    kind: PatternKind
    version: SemanticVersion
    sha256: Sha256


class RunPointer(Document):
    """The catalog's record of a run: which manifest belongs to it."""

    schema_: Literal["run-pointer.v1"] = Field(alias="schema", default="run-pointer.v1")
    task_id: Identifier
    run_id: Identifier
    attempt: int
    manifest_sha256: Sha256
    key: str
