"""Report what works on this machine, and how to fix what does not."""

import importlib.util
import os
import platform
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from codex_orchestrator.credentials.environment import EnvironmentCredentialBroker
from codex_orchestrator.model.config import Config, PolicyConfig
from codex_orchestrator.model.confinement import Sandbox
from codex_orchestrator.model.credential import Scope
from codex_orchestrator.model.errors import NotCheckedError
from codex_orchestrator.model.probe import Probe
from codex_orchestrator.system.git import Git, git_environment
from codex_orchestrator.system.installed import install_command
from codex_orchestrator.system.sandbox.probe import probe_layers
from codex_orchestrator.verbs.check_containment import missing_containment

_SANDBOX_FIX = (
    "allow unprivileged user namespaces (on Ubuntu 24.04 by an AppArmor profile with `userns,`), "
    "or install bubblewrap"
)

# extra → modules that it installs
EXTRAS = {
    "agents": ("agents", "mcp"),
    "codex": ("openai_codex",),
    "patterns": ("ast_grep_py", "jinja2"),
    "github": ("github",),
    "catalog": ("obstore", "stamina"),
    "report": ("jinja2",),
}


def diagnose_setup(
    repo: Path,
    config: Config,
    environ: Mapping[str, str],
    *,
    broker: EnvironmentCredentialBroker,
) -> tuple[Probe, ...]:
    """Probe git, Python, the extras, the model, Codex, credentials, the catalog; change nothing.

    Codex is probed without a model and without network.
    """
    from codex_orchestrator.codex.probe import probe_codex

    probes: list[Callable[[], Probe]] = [
        lambda: _git(repo, environ),
        lambda: Probe("python", "works", f"{platform.python_version()} at {sys.executable}"),
        *(lambda name=name: _extra(name) for name in EXTRAS),
        lambda: _sandbox(config.policy, environ),
        lambda: _model(config, broker),
        lambda: _github(broker),
        lambda: _vault(config),
        lambda: _catalog(repo, config),
    ]
    codex = probe_codex(codex_path=config.codex.path, auth=broker.get(Scope.CLOUD))
    return (*(probe() for probe in probes), *codex)


def _git(repo: Path, environ: Mapping[str, str]) -> Probe:
    git = Git(str(repo), git_environment(environ, is_hook_repository=False))
    try:
        version = git.answer("version") or ""
        commit = git.answer("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    except NotCheckedError as error:
        return Probe("git", "missing", error.message, error.fix, is_required=True)
    if commit is None:
        return Probe(
            "git",
            "missing",
            "the repository has no commits",
            "make a first commit",
            is_required=True,
        )
    return Probe("git", "works", version, is_required=True)


def _extra(name: str) -> Probe:
    missing = [module for module in EXTRAS[name] if importlib.util.find_spec(module) is None]
    if missing:
        detail = f"no {', '.join(missing)}"
        return Probe(f"extra [{name}]", "missing", detail, install_command(name))
    return Probe(f"extra [{name}]", "works", "installed")


def _sandbox(policy: PolicyConfig, environ: Mapping[str, str]) -> Probe:
    wanted = policy.network
    if policy.sandbox is Sandbox.OFF:
        detail = 'policy.sandbox is "off": checks are not contained'
        return Probe("sandbox", "not configured", detail, 'set policy.sandbox = "auto"')
    layers = probe_layers(path=environ.get("PATH", os.defpath))
    others = [f"{layer} does not work: {why}" for layer, why in sorted(layers.refused.items())]
    network = f"the network of checks is {layers.network(wanted).value}"
    detail = "; ".join([", ".join(sorted(layers.works)) or "no layer works", network, *others])
    if missing_containment(layers, wanted):
        is_required = policy.sandbox is Sandbox.REQUIRE
        return Probe("sandbox", "missing", detail, _SANDBOX_FIX, is_required=is_required)
    return Probe("sandbox", "works", detail)


def _model(config: Config, broker: EnvironmentCredentialBroker) -> Probe:
    name = config.model.name
    if name in ("", "offline"):
        return Probe("model", "works", "offline: tasks with steps; no key, no network")
    host = urlsplit(config.model.base_url).hostname or ""
    if broker.get(Scope.MODEL) is None and host == "api.openai.com":
        return Probe("model", "missing", f"{name}: no key", "set OPENAI_API_KEY")
    return Probe("model", "not tried", f"{name} at {host}")


def _github(broker: EnvironmentCredentialBroker) -> Probe:
    if broker.get(Scope.GITHUB) is not None:
        return Probe("github", "not tried", "a token is set")
    return Probe(
        "github",
        "not configured",
        "no token: reviews go to the job summary only",
        "set GITHUB_TOKEN",
    )


def _vault(config: Config) -> Probe:
    detail = "not available yet: secrets come from the environment"
    if config.credentials.source == "vault":
        return Probe("vault", "missing", detail, 'set credentials.source = "environment"')
    return Probe("vault", "not configured", detail)


def _catalog(repo: Path, config: Config) -> Probe:
    url = config.catalog.url
    if not url.startswith("file://"):
        return Probe("catalog", "not tried", f"{urlsplit(url).scheme} store")
    place = repo / url.removeprefix("file://")
    if place.exists() and not place.is_dir():
        return Probe("catalog", "missing", f"{url} is not a folder", "set catalog.url")
    return Probe("catalog", "works", url)
