"""Makes what `doctor` looks at from the configuration in force, as a run would be made."""

import os
from collections.abc import Mapping

from codex_orchestrator.compose.archive import open_archive, open_work_trees
from codex_orchestrator.compose.run import open_adapters, open_broker
from codex_orchestrator.model.config import Settings
from codex_orchestrator.model.confinement import Sandbox
from codex_orchestrator.system.sandbox.probe import Probe, probe_layers
from codex_orchestrator.verbs.diagnose.everything import Subject


def open_subject(settings: Settings, environ: Mapping[str, str]) -> Subject:
    """Return what there is to look at.

    Raises:
        InputError: the payload of the workflow's event is missing or not valid.
        NotCheckedError: git cannot read the repository.
    """
    config, repo = settings.config, settings.repo
    is_off = config.policy.sandbox is Sandbox.OFF
    layers = Probe() if is_off else probe_layers(path=environ.get("PATH", os.defpath))
    return Subject(
        settings=settings,
        adapters=open_adapters(settings, lambda: layers, environ),
        layers=layers,
        broker=open_broker(environ, settings),
        records=open_archive(repo, operation="doctor"),
        trees=open_work_trees(repo),
        environ=environ,
    )
