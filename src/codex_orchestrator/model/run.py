"""A run of a task, as recorded in `out/<task>/state.json`."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from codex_orchestrator.model.document import Document
from codex_orchestrator.model.task import Identifier
from codex_orchestrator.model.verdict import Verdict


class RunState(StrEnum):
    """The state of a run."""

    RUNNING = "running"
    WAITING = "waiting"
    INTERRUPTED = "interrupted"
    FINISHED = "finished"


class ItemState(StrEnum):
    """The state of a plan item. A built item is done in its own work tree and not merged yet."""

    PLANNED = "planned"
    RUNNING = "running"
    BUILT = "built"
    DONE = "done"
    FAILED = "failed"


class Usage(Document):
    """What the models were asked for.

    `turns` counts the requests that the four agents made; `requests` also those that Codex made
    within its own turns, and the tokens are of all of them.
    """

    turns: int = 0
    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    def __add__(self, more: "Usage") -> "Usage":
        return Usage(**{name: count + getattr(more, name) for name, count in self})


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
    read ("" when it can); then `summary` is None.
    """

    task_id: Identifier
    run_id: Identifier
    path: str
    summary: RunSummary | None = None
    problem: str = ""
