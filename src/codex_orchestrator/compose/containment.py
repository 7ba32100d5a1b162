"""Which layers contain what we start: found out once a machine, judged by the configuration."""

import os
from collections.abc import Mapping
from pathlib import Path

from codex_orchestrator.model.confinement import Network, Sandbox
from codex_orchestrator.model.errors import InputError, NotCheckedError, ServiceError
from codex_orchestrator.system.environment import is_ci
from codex_orchestrator.system.folders import make_folder, make_folders
from codex_orchestrator.system.sandbox.probe import Probe, probe_layers
from codex_orchestrator.verbs.check_containment import missing_containment


def find_layers(sandbox: Sandbox, network: Network, environ: Mapping[str, str]) -> Probe:
    """Return the layers to contain children with.

    Args:
        sandbox: `policy.sandbox`; `off` uses no layer, whatever there is.
        network: what children are to reach.
        environ: our environment: where the answer is kept, and where bubblewrap is looked for.

    Raises:
        NotCheckedError: `require`, and a layer that it needs does not work here.
    """
    if sandbox is Sandbox.OFF:
        return Probe()
    found = probe_layers(_cache(environ), path=environ.get("PATH", os.defpath))
    missing = missing_containment(found, network)
    if missing and sandbox is Sandbox.REQUIRE:
        raise NotCheckedError(
            f'policy.sandbox is "require", and {missing}',
            fix="run on a system that has it, or set policy.sandbox or policy.network otherwise",
        )
    return found


def containment_warning(
    layers: Probe, sandbox: Sandbox, network: Network, environ: Mapping[str, str]
) -> str:
    """Return what the reader of a verdict from CI must know about containment; "" for nothing.

    Args:
        layers: what children are contained with.
        sandbox: `policy.sandbox`.
        network: `policy.network`.
        environ: our environment, which tells whether this is CI.
    """
    if not is_ci(environ):
        return ""
    if sandbox is Sandbox.OFF:
        return 'Checks were not contained: policy.sandbox is "off".'
    missing = missing_containment(layers, network)
    return f"Checks were not fully contained: {missing}." if missing else ""


def _cache(environ: Mapping[str, str]) -> Path | None:
    """Return a private folder for the answer, in the user's cache; None where there is none."""
    home = environ.get("HOME", "")
    cache = environ.get("XDG_CACHE_HOME") or (os.path.join(home, ".cache") if home else "")
    if not os.path.isabs(cache):
        return None
    folder = Path(cache, "codex-orchestrator")
    try:
        make_folders(folder.parent)
        make_folder(folder)
    except (OSError, InputError, ServiceError):
        return None
    return folder
