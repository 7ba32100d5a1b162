"""The runs of a task, as `out/<task>/state.json` and the listings know them."""

from typing import Literal

from pydantic import Field

from codex_orchestrator.model.document import Document
from codex_orchestrator.model.run import RunState
from codex_orchestrator.model.task import Identifier
from codex_orchestrator.model.verdict import Verdict


class RunSummary(Document):
    """One run in the state file of a task."""

    run_id: Identifier
    attempt: int
    started_at: str
    finished_at: str | None
    state: RunState
    verdict: Verdict | None
    manifest_sha256: str


class TaskState(Document):
    """`out/<task>/state.json`: a cache that can be rebuilt from the manifests."""

    schema_: Literal["task-state.v1"] = Field(alias="schema", default="task-state.v1")
    task_id: Identifier
    last_run_at: str
    runs: tuple[RunSummary, ...] = Field(default=())


class StoredRun(Document):
    """One run folder, also if it is damaged.

    `path` is the folder relative to the repository. `problem` says why the manifest cannot be
    read ("" when it can); then `summary` is None. `is_newer` says that a newer version of the
    toolkit wrote it, so that it is not damaged.
    """

    task_id: Identifier
    run_id: Identifier
    path: str
    summary: RunSummary | None = None
    problem: str = ""
    is_newer: bool = False
