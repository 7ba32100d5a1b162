"""The composition root: the only place where a port of a run meets its room."""

import os
import platform
import secrets as randomness
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from codex_orchestrator.compose.extras import extra
from codex_orchestrator.model.config import Config
from codex_orchestrator.model.credential import Scope
from codex_orchestrator.model.engine import OFFLINE, ModelEndpoint, choose_model_name, wants_codex
from codex_orchestrator.model.errors import MissingExtraError
from codex_orchestrator.model.mode import Mode, ModeName, choose_mode
from codex_orchestrator.model.policy import policy_of
from codex_orchestrator.model.task import Task
from codex_orchestrator.pipeline.run_rooms import RunRooms
from codex_orchestrator.system.clock import utc_now
from codex_orchestrator.verbs.check_credentials import require_environment_source

if TYPE_CHECKING:
    from codex_orchestrator.agents.engine import Codex, SdkAgentEngine
    from codex_orchestrator.credentials.environment import EnvironmentCredentialBroker
    from codex_orchestrator.runs.store import FileRunStore


class Surroundings(NamedTuple):
    """What the surface knows: the repository, its configuration, the environment, where to talk.

    `builder` and `mode` are what was asked for. `rules_at` is the commit whose guard rules hold, ""
    for the run's own; `library` the folder whose `patterns/` hold, None for the repository.
    """

    repo: Path
    config: Config
    environ: Mapping[str, str]
    progress: Callable[[str], None]
    on_event: Callable[[str], None]
    builder: str = "auto"
    mode: str = "auto"
    rules_at: str = ""
    library: Path | None = None


def compose_run(task: Task, around: Surroundings) -> RunRooms:
    """Give a run its rooms.

    Raises:
        InputError: the task has no steps and no model is configured.
        MissingExtraError: a package that runs need is not installed.
    """
    from codex_orchestrator.adapters.choose import LanguageAdapters
    from codex_orchestrator.compose.codex import open_cloud_builder
    from codex_orchestrator.credentials.environment import EnvironmentCredentialBroker
    from codex_orchestrator.guard.task_specs import RepositorySpecGuard
    from codex_orchestrator.patterns.library import Library
    from codex_orchestrator.report.review_text import review_text
    from codex_orchestrator.runs.audit import FileAuditLog
    from codex_orchestrator.runs.lock import TaskLock
    from codex_orchestrator.runs.store import FileRunStore, new_run_id
    from codex_orchestrator.workspace.worktree import GitWorkspace

    repo, config = around.repo, around.config
    model = choose_model_name(task, config)
    if model != OFFLINE:
        require_environment_source(config)
    broker = EnvironmentCredentialBroker(around.environ)
    library = Library.open(around.library or repo)
    run_id = new_run_id(utc_now, randomness.token_hex(3))

    def lock(task_id: str) -> AbstractContextManager[object]:
        return TaskLock(repo, task_id, holder=run_id, operation="run", clock=utc_now, waiting=None)

    return RunRooms(
        guard=RepositorySpecGuard(repo, rules_at=around.rules_at),
        workspace=GitWorkspace(
            repo,
            clock=utc_now,
            environ=around.environ,
            author=config.author,
            redact=broker.redactor.redact_bytes,
        ),
        library=library,
        adapters=LanguageAdapters(config.adapter, repo=repo),
        engine=_engine(model, broker, around, mode=choose_mode(task, requested=around.mode)),
        open_cloud=partial(
            open_cloud_builder, config=config.codex, broker=broker, hide=broker.redactor.add
        ),
        parallel=config.codex.parallel,
        store=FileRunStore(repo),
        audit=FileAuditLog(repo, clock=utc_now),
        redaction=broker.redactor,
        lock=lock,
        clock=utc_now,
        monotonic=time.monotonic,
        new_run_id=lambda: run_id,
        host=platform.node() or "unknown",
        policy=policy_of(config),
        branch_prefix=config.branch_prefix,
        review_text=lambda manifest, patch: review_text(manifest, patch=patch),
        progress=around.progress,
        on_event=around.on_event,
    )


def _engine(
    model: str, broker: "EnvironmentCredentialBroker", around: Surroundings, *, mode: Mode
) -> "SdkAgentEngine":
    with extra("agents", needed_for="running a task"):
        from codex_orchestrator.agents.engine import EngineSettings, SdkAgentEngine
    from codex_orchestrator.system.environment import child_environment

    endpoint = ModelEndpoint(model, around.config.model.base_url, broker.get(Scope.MODEL))
    return SdkAgentEngine(
        EngineSettings(
            endpoint=endpoint,
            # -P: a module in the work tree must never be imported in place of ours.
            server=(sys.executable, "-P", "-m", "codex_orchestrator", "mcp", "workspace"),
            environment=dict(child_environment(around.environ)),
            library=around.library or around.repo,
            # In cloud mode nobody builds here, so no bridge to the local Codex is opened.
            codex=None if mode.selected is ModeName.CLOUD else _codex(endpoint, around),
        )
    )


def _codex(endpoint: ModelEndpoint, around: Surroundings) -> "Codex | None":
    """Return Codex as builder when it was asked for, or by itself where it is and a model too."""
    if not wants_codex(around.builder, model=endpoint.model):
        return None
    from codex_orchestrator.agents.engine import Codex
    from codex_orchestrator.codex.binary import find_codex, require_tested
    from codex_orchestrator.codex.launch import bridge_launch

    try:
        binary = require_tested(find_codex(around.config.codex.path))
    except MissingExtraError:
        if around.builder == "auto":
            return None
        raise

    codex_path = around.config.codex.path
    return Codex(binary.version, partial(bridge_launch, endpoint=endpoint, codex_path=codex_path))


def open_store(repo: Path) -> "FileRunStore":
    """Return the run store of a repository."""
    from codex_orchestrator.runs.store import FileRunStore

    return FileRunStore(repo)


def open_broker(environ: Mapping[str, str]) -> "EnvironmentCredentialBroker":
    """Return the credential broker of the configured source."""
    from codex_orchestrator.credentials.environment import EnvironmentCredentialBroker

    return EnvironmentCredentialBroker(environ)


def has_begun_here(repo: Path, run_id: str) -> bool:
    """Say whether an unfinished run was at work in this repository before."""
    from codex_orchestrator.workspace.worktree import GitWorkspace

    return GitWorkspace(repo, clock=utc_now, environ=os.environ).has_begun(run_id)
