"""Look at everything that a run needs here, and try what can be tried."""

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from codex_orchestrator.credentials.environment import EnvironmentCredentialBroker
from codex_orchestrator.model.config import Settings
from codex_orchestrator.model.credential import Scope
from codex_orchestrator.model.errors import InputError, OrchestratorError
from codex_orchestrator.model.probe import Probe
from codex_orchestrator.system.git import Git, git_environment
from codex_orchestrator.system.sandbox.probe import Probe as Layers
from codex_orchestrator.verbs.diagnose import guarded, machine, services
from codex_orchestrator.verbs.diagnose.hook import probe_hook
from codex_orchestrator.verbs.diagnose.leftovers import probe_leftovers
from codex_orchestrator.verbs.diagnose.project import Trial, probe_project
from codex_orchestrator.verbs.diagnose.set_up import probe_set_up
from codex_orchestrator.verbs.records import Records

if TYPE_CHECKING:
    from codex_orchestrator.adapters.choose import LanguageAdapters
    from codex_orchestrator.workspace.worktree import GitWorkspace

_SERVER_S = 5.0
_USUAL_S = 30.0
# In a very large repository, what is tried must not keep a person waiting for the rest.
_SHORT_S = 2.0
_MANY = 20_000


class Subject(NamedTuple):
    """What is looked at: the settings, and what a run would be made of."""

    settings: Settings
    adapters: "LanguageAdapters"
    layers: Layers
    broker: EnvironmentCredentialBroker
    records: Records
    trees: "GitWorkspace"
    environ: Mapping[str, str]


def diagnose_setup(
    subject: Subject, *, now: str, now_s: float, seconds: float | None
) -> Iterator[Probe]:
    """Look at the machine, the project, the guard, the hook, leftovers and the services.

    Nothing is changed. Codex is asked without a model and without network.

    Args:
        subject: what is looked at.
        now: the present moment, RFC 3339.
        now_s: the same in seconds, as files have it.
        seconds: how long listing the tests, or a server, may take; None for a usual time.
    """
    settings, environ = subject.settings, subject.environ
    repo, config = settings.repo, settings.config
    git = machine.probe_git(repo, environ)
    yield git
    yield machine.probe_python()
    yield from map(machine.probe_extra, machine.EXTRAS)
    yield machine.probe_sandbox(config.policy, subject.layers)
    if git.works:
        paths = _tracked(repo, environ)
        usual = _USUAL_S if len(paths) <= _MANY else _SHORT_S
        source = settings.table.source if settings.table.text else ""
        within_s = usual if seconds is None else seconds
        trial = Trial(repo, source, subject.layers, environ, within_s)
        has_set_up = bool(config.setup.run)
        yield from _safely(
            "adapter", lambda: probe_project(subject.adapters, trial, paths, has_set_up=has_set_up)
        )
        yield from _safely("set-up", lambda: (probe_set_up(repo, config.setup, environ, paths),))
        yield from _safely("guard", lambda: _guard(settings, environ, paths, now[:10]))
        yield from probe_hook(repo, environ)
        yield from probe_leftovers(
            subject.records,
            subject.trees,
            now=now,
            now_s=now_s,
            temporary=Path(tempfile.gettempdir()),
        )
    yield services.probe_model(config, subject.broker, seconds=seconds or _SERVER_S)
    yield services.probe_github(subject.broker)
    yield services.probe_vault(config)
    yield services.probe_catalog(subject.records.store.paths.repo, config)
    from codex_orchestrator.codex.probe import probe_codex

    yield from probe_codex(codex_path=config.codex.path, auth=subject.broker.get(Scope.CLOUD))


def _guard(
    settings: Settings, environ: Mapping[str, str], paths: list[str], today: str
) -> tuple[Probe, ...]:
    from codex_orchestrator.guard.config import GuardConfig
    from codex_orchestrator.guard.config_table import guard_config

    try:
        config = guard_config(settings.table) or GuardConfig()
    except InputError:
        # Whoever shows the settings in force says what is wrong with them.
        return ()
    head = guarded.probe_head(settings.repo, environ, today=today)
    return (*guarded.probe_globs(config, paths), head)


def _safely(name: str, look: Callable[[], tuple[Probe, ...]]) -> tuple[Probe, ...]:
    """Return what a look finds; an error of it is what was found."""
    try:
        return look()
    except OrchestratorError as error:
        return (Probe(name, "wrong", error.message, error.fix, is_required=True),)


def _tracked(repo: Path, environ: Mapping[str, str]) -> list[str]:
    git = Git(str(repo), git_environment(environ, is_hook_repository=False))
    return [os.fsdecode(name) for name in git.run("ls-files", "-z").split(b"\0") if name]
