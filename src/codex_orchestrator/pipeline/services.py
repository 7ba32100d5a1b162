"""What a run works with: rooms, evidence, the terminal, and clocks, ids and host."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from codex_orchestrator.adapters.choose import LanguageAdapters
    from codex_orchestrator.agents.engine import SdkAgentEngine
    from codex_orchestrator.codex.cloud import CodexCloud
    from codex_orchestrator.guard.task_specs import RepositorySpecGuard
    from codex_orchestrator.model.approval import Question
    from codex_orchestrator.patterns.library import Library
    from codex_orchestrator.pipeline.outcome import StoppedRun
    from codex_orchestrator.runs.audit import FileAuditLog
    from codex_orchestrator.runs.store import FileRunStore
    from codex_orchestrator.text.secret_values import Unmasked
    from codex_orchestrator.text.secrets import Redactor
    from codex_orchestrator.workspace.worktree import GitWorkspace


class Rooms(NamedTuple):
    """The rooms that do the work. `open_cloud` signs in to Codex Cloud for a run id."""

    guard: "RepositorySpecGuard"
    workspace: "GitWorkspace"
    library: "Library"
    adapters: "LanguageAdapters"
    engine: "SdkAgentEngine"
    open_cloud: "Callable[[str], AbstractContextManager[CodexCloud]]"


class Evidence(NamedTuple):
    """Where proof is kept. `lock` takes the lock of a task.

    `unmasked` are the variables that the redactor leaves although they are named like secrets.
    """

    store: "FileRunStore"
    audit: "FileAuditLog"
    redactor: "Redactor"
    lock: Callable[[str], AbstractContextManager[object]]
    unmasked: "tuple[Unmasked, ...]" = ()


class Terminal(NamedTuple):
    """Where messages, events and questions go.

    `progress` takes a line for people, `on_event` each event as a line of JSON, `on_stop` a run
    that stopped before its end. `ask` puts a question to the person at the terminal and returns
    the answer; None where nobody is there.
    """

    progress: Callable[[str], None]
    on_event: Callable[[str], None] = lambda _line: None
    on_stop: "Callable[[StoppedRun], None]" = lambda _run: None
    ask: "Callable[[Question], bool] | None" = None

    def note(self, text: str) -> None:
        """Tell people something about the run's surroundings, if there is anything to tell."""
        if text:
            self.progress(f"note: {text}")


class Ambient(NamedTuple):
    """What a run takes from its surroundings: two clocks, new ids, the name of this machine.

    `now` returns the present moment as RFC 3339 text in UTC with milliseconds. `warning` is what
    the reader of the verdict must know about how checks are contained here, or "".
    """

    now: Callable[[], str]
    monotonic: Callable[[], float]
    new_run_id: Callable[[], str]
    host: str
    warning: str = ""


class Services(NamedTuple):
    """Everything that a run works with."""

    rooms: Rooms
    evidence: Evidence
    terminal: Terminal
    ambient: Ambient
