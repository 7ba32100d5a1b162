"""What was asked of a run: one frozen value from the command line to the last stage."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from codex_orchestrator.model.approval import Grant
from codex_orchestrator.model.mode import Mode
from codex_orchestrator.model.task import Task

if TYPE_CHECKING:
    from codex_orchestrator.model.config import Settings


class Asked(TypedDict):
    """What the command line says of a run, in its own words; see `run --help`."""

    tasks: tuple[str, ...]
    prompt_file: str | None
    spec: str | None
    mode: str
    model: str | None
    builder: str
    approve: tuple[str, ...]
    resume: str | None
    manifest_sha256: str | None
    from_artifact: bool
    must_apply: bool
    dry_run: bool


class TaskFile(NamedTuple):
    """A task, the bytes that it was parsed from, and what to call them.

    `is_stored` says that it is the task of a run, as the run's folder has it.
    """

    task: Task
    data: bytes
    source: str
    is_stored: bool = False


class Grants(NamedTuple):
    """What is granted from the start, and who grants it."""

    wanted: tuple[Grant, ...] = ()
    by: str = ""


class Resume(NamedTuple):
    """A run to go on with, by its id or a unique beginning of it.

    `manifest_sha256` is what its manifest must have, "" when the caller does not know.
    `is_from_artifact` says that its folder was written by others since it was here last.
    """

    run_id: str
    manifest_sha256: str = ""
    is_from_artifact: bool = False

    @property
    def is_vouched(self) -> bool:
        """Say whether the caller vouches for the manifest, by its hash."""
        return bool(self.manifest_sha256)


class RunRequest(NamedTuple):
    """What was asked of a run.

    `mode` is chosen before there is a plan. `builder` is `auto`, `codex` or `workspace`. `library`
    is the folder whose `patterns/` hold, None for the repository.
    """

    task: TaskFile
    settings: "Settings"
    mode: Mode
    builder: str = "auto"
    grants: Grants = Grants()
    resume: Resume | None = None
    library: Path | None = None
    must_apply: bool = False

    def branch(self, run_id: str) -> str:
        """Return the name of the branch that holds a run's commit."""
        return f"{self.settings.config.branch_prefix}{self.task.task.id}/{run_id}"
