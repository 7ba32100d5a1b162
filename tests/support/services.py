"""What a run is done with, for tests: real rooms of a repository, and what a test puts in place."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from types import MappingProxyType
from typing import Any

from codex_orchestrator.adapters.choose import LanguageAdapters
from codex_orchestrator.guard.task_specs import RepositorySpecGuard
from codex_orchestrator.model.config import AdapterConfig, Config, Settings
from codex_orchestrator.model.mode import choose_mode
from codex_orchestrator.model.task import Task
from codex_orchestrator.patterns.library import Library
from codex_orchestrator.pipeline.request import RunRequest, TaskFile
from codex_orchestrator.pipeline.services import Ambient, Evidence, Rooms, Services, Terminal
from codex_orchestrator.runs.audit import FileAuditLog
from codex_orchestrator.runs.store import FileRunStore
from codex_orchestrator.text.secrets import Redactor
from codex_orchestrator.workspace.worktree import GitWorkspace
from support.workspace import clock, git_environ

# Every project has one check, which passes.
CONFIG = Config(adapter=(AdapterConfig(commands={"test": ("true",)}),))


class IdleTeam:
    """A team that nobody asks."""

    patterns_used = ()


class IdleEngine:
    """An engine whose teams nobody asks."""

    @contextmanager
    def open(self, **_: Any) -> Iterator[IdleTeam]:
        yield IdleTeam()


def no_cloud(_run_id: str) -> AbstractContextManager[Any]:
    raise AssertionError("nobody signs in here")


def make_services(
    repo: Path,
    *,
    engine: Any = None,
    store: Any = None,
    progress: Callable[[str], None] = lambda _line: None,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> Services:
    """Make the services of a run in a repository, beside which there is room for our own files."""
    aside = repo.parent
    workspace = GitWorkspace(
        repo,
        clock=clock,
        environ={**git_environ(aside / "home"), **variables},
        scratch=aside / "scratch",
    )
    rooms = Rooms(
        guard=RepositorySpecGuard(repo),
        workspace=workspace,
        library=Library.open(repo),
        adapters=LanguageAdapters(CONFIG.adapter, repo=repo),
        engine=engine or IdleEngine(),
        open_cloud=no_cloud,
    )
    evidence = Evidence(
        store or FileRunStore(repo),
        FileAuditLog(repo, clock=clock),
        Redactor(()),
        lambda _task_id: nullcontext(),
    )
    return Services(rooms, evidence, Terminal(progress), Ambient(clock, lambda: 0.0, str, "ci"))


def make_request(task: Task, repo: Path) -> RunRequest:
    """Make the request to run a task as it stands."""
    settings = Settings(repo, CONFIG, {})
    return RunRequest(TaskFile(task, b"", "t.md"), settings, choose_mode(task))
