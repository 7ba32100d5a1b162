"""What a run is asked for, what it needs, and what comes of it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from codex_orchestrator.model.approval import Question
from codex_orchestrator.model.finding import Finding
from codex_orchestrator.model.manifest import Manifest
from codex_orchestrator.model.policy import Policy
from codex_orchestrator.model.task import Task

if TYPE_CHECKING:
    from codex_orchestrator.adapters.choose import LanguageAdapters
    from codex_orchestrator.agents.engine import SdkAgentEngine
    from codex_orchestrator.codex.cloud import RunCloud
    from codex_orchestrator.guard.task_specs import RepositorySpecGuard
    from codex_orchestrator.patterns.library import Library
    from codex_orchestrator.runs.audit import FileAuditLog
    from codex_orchestrator.runs.store import FileRunStore
    from codex_orchestrator.text.secrets import Redactor
    from codex_orchestrator.workspace.worktree import GitWorkspace


class RunRequest(NamedTuple):
    """What the user asked for.

    `approvals` are `KIND:VALUE`, granted by `approved_by`. `resume` is a run id or "";
    `manifest_sha256` is what its manifest must have, "" when the caller does not know.
    `is_from_artifact` says that its folder was written by others since it was here last;
    `is_task_stored` says that the task was read from the folder of that run.
    """

    task: Task
    task_text: bytes
    task_source: str
    mode: str = "auto"
    approvals: tuple[str, ...] = ()
    approved_by: str = ""
    resume: str = ""
    manifest_sha256: str = ""
    is_from_artifact: bool = False
    is_task_stored: bool = False
    rules_at: str = ""
    must_apply: bool = False


class RunRooms(NamedTuple):
    """The rooms a run works with, behind their ports.

    `open_cloud` signs in to Codex Cloud for a run id. `parallel` items may be at work at once.
    `lock` takes the task's lock; `progress` takes a line for people; `on_event` takes each event
    as a line of JSON; `on_stop` takes a run that stopped before its end; `review_text` renders
    the review of a manifest and its patch. `ask` puts a question to the person at the terminal
    and returns the answer; None where nobody is there.
    """

    guard: "RepositorySpecGuard"
    workspace: "GitWorkspace"
    library: "Library"
    adapters: "LanguageAdapters"
    engine: "SdkAgentEngine"
    open_cloud: "Callable[[str], AbstractContextManager[RunCloud]]"
    parallel: int
    store: "FileRunStore"
    audit: "FileAuditLog"
    redaction: "Redactor"
    lock: Callable[[str], AbstractContextManager[object]]
    clock: Callable[[], str]
    monotonic: Callable[[], float]
    new_run_id: Callable[[], str]
    host: str
    policy: Policy
    branch_prefix: str
    review_text: Callable[[Manifest, bytes], str]
    progress: Callable[[str], None]
    on_event: Callable[[str], None]
    on_stop: Callable[["StoppedRun"], None] = lambda _: None
    ask: Callable[[Question], bool] | None = None


class FinishedRun(NamedTuple):
    """A run with a verdict, where it stands, and the branch that holds its commit."""

    manifest: Manifest
    manifest_sha256: str
    folder: Path
    branch: str


class StoppedRun(NamedTuple):
    """A run that stopped before its end, as it stands in its folder now, and why it stopped."""

    manifest: Manifest
    manifest_sha256: str
    folder: Path
    reason: str


class RefusedTask(NamedTuple):
    """A task that no run was started for: what the spec guard found."""

    task: Task
    findings: tuple[Finding, ...]
