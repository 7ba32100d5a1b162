"""Makes the services of a run from its request."""

import os
import platform
import secrets as randomness
import sys
import time
from collections.abc import Mapping
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

from codex_orchestrator.compose.containment import containment_warning, find_layers
from codex_orchestrator.compose.extras import extra
from codex_orchestrator.compose.trusted_base import trusted_commit
from codex_orchestrator.model.config import Settings
from codex_orchestrator.model.credential import Scope
from codex_orchestrator.model.engine import OFFLINE, ModelEndpoint, choose_model_name, wants_codex
from codex_orchestrator.model.errors import MissingExtraError
from codex_orchestrator.model.mode import ModeName
from codex_orchestrator.pipeline.request import RunRequest
from codex_orchestrator.pipeline.services import Ambient, Evidence, Rooms, Services, Terminal
from codex_orchestrator.system.clock import utc_now
from codex_orchestrator.system.own_process import import_first
from codex_orchestrator.verbs.check_credentials import require_environment_source

if TYPE_CHECKING:
    from codex_orchestrator.adapters.choose import LanguageAdapters
    from codex_orchestrator.agents.engine import Codex, SdkAgentEngine
    from codex_orchestrator.credentials.environment import EnvironmentCredentialBroker
    from codex_orchestrator.system.sandbox.probe import Layers

# What a run may still need when the first check has run. The last ones are loaded by others.
_NEEDED = (
    *("text", "model", "runs", "workspace", "adapters", "agents", "patterns", "report"),
    *("codex.cloud", "codex.launch", "compose.codex", "pipeline"),
)
_NEEDED_BY_OTHERS = (
    *("ast", "concurrent.futures.thread", "difflib", "unicodedata"),
    *("ast_grep_py", "jinja2.sandbox", "jsonschema"),
)


def compose_run(
    request: RunRequest, terminal: Terminal, *, environ: Mapping[str, str] = os.environ
) -> Services:
    """Return what a run works with.

    Args:
        request: what was asked.
        terminal: where messages, events and questions go.
        environ: our environment; what is started gets an allow-list of it.

    Raises:
        InputError: the task has no steps and no model is configured.
        MissingExtraError: a package that runs need is not installed.
        NotCheckedError: the configuration requires containment that does not work here.
    """
    from codex_orchestrator.compose.archive import open_archive
    from codex_orchestrator.compose.codex import open_cloud_builder
    from codex_orchestrator.guard.task_specs import RepositorySpecGuard
    from codex_orchestrator.patterns.library import Library
    from codex_orchestrator.runs.store import new_run_id
    from codex_orchestrator.workspace.worktree import GitWorkspace

    repo, config, _, rules_at, _ = request.settings
    model = choose_model_name(request.task.task, config)
    if model != OFFLINE:
        require_environment_source(config)
    broker = open_broker(environ, request.settings)
    endpoint = ModelEndpoint(model, config.model.base_url, broker.get(Scope.MODEL))
    run_id = new_run_id(utc_now, randomness.token_hex(3))
    policy = config.policy
    layers = find_layers(policy.sandbox, policy.network, environ)
    archive = open_archive(repo, operation="run", holder=run_id)
    terminal.note(archive.note)

    rooms = Rooms(
        guard=RepositorySpecGuard(repo, rules_at=rules_at),
        workspace=GitWorkspace(
            repo,
            clock=utc_now,
            environ=environ,
            author=config.author,
            redact=broker.redactor.redact_bytes,
            layers=lambda: layers,
            network=policy.network,
        ),
        library=Library.open(request.library or repo),
        adapters=open_adapters(request.settings, lambda: layers, environ),
        engine=_engine(request, endpoint, environ),
        open_cloud=partial(
            open_cloud_builder, config=config.codex, broker=broker, hide=broker.redactor.add
        ),
    )
    evidence = Evidence(
        archive.store, archive.audit, broker.redactor, archive.lock, broker.found.unmasked
    )
    import_first(*(f"codex_orchestrator.{name}" for name in _NEEDED), *_NEEDED_BY_OTHERS)
    warning = containment_warning(layers, policy.sandbox, policy.network, environ)
    known = (utc_now, time.monotonic, lambda: run_id, platform.node() or "unknown", warning)
    return Services(rooms, evidence, terminal, Ambient(*known))


def open_adapters(
    settings: Settings, layers: "Layers", environ: Mapping[str, str]
) -> "LanguageAdapters":
    """Return the adapters as the configuration of a repository sets them up.

    Args:
        settings: the repository and its configuration.
        layers: tells how a program that is started to look for tools is contained.
        environ: our environment, which may name an interpreter.
    """
    from codex_orchestrator.adapters.choose import LanguageAdapters

    entries, table = settings.config.adapter, settings.table
    return LanguageAdapters(
        entries, repo=settings.repo, layers=layers, environ=environ, table=table
    )


def _engine(
    request: RunRequest, endpoint: ModelEndpoint, environ: Mapping[str, str]
) -> "SdkAgentEngine":
    with extra("agents", needed_for="running a task"):
        # It reads what a change does to tests, when models were paid already.
        import_module("ast_grep_py")
        from codex_orchestrator.agents.engine import SdkAgentEngine
    from codex_orchestrator.system.environment import child_environment

    return SdkAgentEngine(
        endpoint,
        # -P: a module in the work tree must never be imported in place of ours.
        server=(sys.executable, "-P", "-m", "codex_orchestrator", "mcp", "workspace"),
        environment=dict(child_environment(environ)),
        library=request.library or request.settings.repo,
        codex=_codex(request, endpoint),
    )


def _codex(request: RunRequest, endpoint: ModelEndpoint) -> "Codex | None":
    """Return Codex as builder when it was asked for, or by itself where it is and a model too.

    In cloud mode nobody builds here, so no bridge to the local Codex is opened.
    """
    is_cloud = request.mode.selected is ModeName.CLOUD
    if is_cloud or not wants_codex(request.builder, model=endpoint.model):
        return None
    from codex_orchestrator.agents.engine import Codex
    from codex_orchestrator.codex.binary import find_codex, require_tested
    from codex_orchestrator.codex.launch import bridge_launch

    codex_path = request.settings.config.codex.path
    try:
        binary = require_tested(find_codex(codex_path))
    except MissingExtraError:
        if request.builder == "auto":
            return None
        raise
    return Codex(binary.version, partial(bridge_launch, endpoint=endpoint, codex_path=codex_path))


def open_broker(environ: Mapping[str, str], settings: Settings) -> "EnvironmentCredentialBroker":
    """Return the broker of the secrets in an environment.

    What stands in the repository anyway is not masked, except keys and tokens that we use
    ourselves: in the commit whose rules hold, else in the one that is checked out.

    Args:
        environ: the environment.
        settings: the repository, and which variables hold no secret although they are named like
            it.

    Raises:
        InputError: the payload of the workflow's event is missing or not valid.
    """
    from codex_orchestrator.credentials.environment import (
        SCOPE_VARIABLES,
        EnvironmentCredentialBroker,
    )
    from codex_orchestrator.system.git_objects import texts_at
    from codex_orchestrator.workspace.repository import find_repository

    broker = EnvironmentCredentialBroker(environ, settings.config.credentials.not_secret)
    for name in settings.config.setup.secrets:
        broker.redactor.add(environ.get(name, ""), name=name)
    ours = {name for names in SCOPE_VARIABLES.values() for name in names}
    values = [secret.value for secret in broker.found.secrets if secret.name not in ours]
    if values:
        # Not in HEAD, where that is a change: its author could write down what is to be shown.
        commit = settings.rules_at or trusted_commit(environ) or "HEAD"
        repository = find_repository(settings.repo, environ=environ)
        broker.leave(texts_at(repository.git, commit, values))
    return broker
