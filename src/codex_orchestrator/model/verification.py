"""The report of `runs verify`: every hash computed again and compared with every record of it."""

from enum import StrEnum
from typing import Literal, NamedTuple

from pydantic import Field

from codex_orchestrator.model.document import Document
from codex_orchestrator.model.errors import ExitCode
from codex_orchestrator.model.finding import Finding
from codex_orchestrator.model.manifest import AuditAnchor, Manifest
from codex_orchestrator.model.review import ReviewFinding
from codex_orchestrator.model.run import RunState
from codex_orchestrator.model.task_state import StoredRun

NOT_A_FILE = "not-a-file"
"""The rule for links, pipes and devices in a run folder."""


class Outcome(StrEnum):
    """The outcome of a verification. What could not be checked has not passed."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_CHECKED = "not-checked"


class InspectedRun(NamedTuple):
    """A run folder compared with its manifest. `is_busy`: a process holds the task's lock."""

    stored: StoredRun
    manifest: Manifest | None
    findings: tuple[Finding, ...]
    is_busy: bool

    @property
    def special_files(self) -> tuple[str, ...]:
        """The links, pipes and devices in the folder."""
        return tuple(one.path for one in self.findings if one.rule == NOT_A_FILE)


class VerifiedRun(Document):
    """One run: whether its folder, its manifest, the task's state and the audit log agree.

    `note` says why a run was not checked, `is_newer` that a newer version of the toolkit wrote it
    or the state of its task.
    """

    task_id: str
    run_id: str
    path: str
    state: RunState | None
    outcome: Outcome
    manifest_sha256: str
    artifacts: int
    note: str = ""
    is_newer: bool = False
    findings: tuple[ReviewFinding, ...] = ()


class VerifiedLog(Document):
    """The audit log: the number of good records, the newest one, and what is wrong."""

    records: int
    head: AuditAnchor | None
    outcome: Outcome
    findings: tuple[ReviewFinding, ...] = ()


class VerifyReport(Document):
    """The result of a verification."""

    schema_: Literal["verify-report.v1"] = Field(alias="schema", default="verify-report.v1")
    outcome: Outcome
    runs: tuple[VerifiedRun, ...]
    audit: VerifiedLog

    @property
    def exit_code(self) -> ExitCode:
        """Return the exit code of the outcome."""
        return {
            Outcome.PASSED: ExitCode.OK,
            Outcome.FAILED: ExitCode.FINDINGS,
            Outcome.NOT_CHECKED: ExitCode.NOT_CHECKED,
        }[self.outcome]
