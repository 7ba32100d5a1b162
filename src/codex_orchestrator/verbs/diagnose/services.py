"""Look at the services: model, GitHub, vault, catalog. What they answer is shown, no secret is."""

from pathlib import Path
from urllib.parse import urlsplit

from codex_orchestrator.credentials.environment import EnvironmentCredentialBroker
from codex_orchestrator.model.config import Config
from codex_orchestrator.model.credential import Scope
from codex_orchestrator.model.engine import OFFLINE, ModelEndpoint
from codex_orchestrator.model.errors import OrchestratorError
from codex_orchestrator.model.probe import Probe
from codex_orchestrator.system.installed import missing_extra
from codex_orchestrator.text.near import did_you_mean


def probe_model(config: Config, broker: EnvironmentCredentialBroker, *, seconds: float) -> Probe:
    """Ask the server of the configured model whether it has the model."""
    name, base_url = config.model.name, config.model.base_url
    if name in ("", OFFLINE):
        return Probe("model", "works", "offline: tasks with steps; no key, no network")
    place = f"{name} at {urlsplit(base_url).hostname or base_url}"
    endpoint = ModelEndpoint(name, base_url, broker.get(Scope.MODEL))
    redact = broker.redactor.redact
    try:
        models = _ask(endpoint, seconds)
    except OrchestratorError as error:
        return Probe("model", "missing", redact(f"{place}: {error.message}"), error.fix)
    if not models:
        detail = f"{place}: the server answers; it does not list its models"
        return Probe("model", "works", detail)
    if name not in models:
        detail = f"{place}: is none of the {len(models)} models there{did_you_mean(name, models)}"
        return Probe("model", "wrong", redact(detail), "set model.name to one that is there")
    return Probe("model", "works", f"{place}: the server has it, and {len(models) - 1} others")


def _ask(endpoint: ModelEndpoint, seconds: float) -> tuple[str, ...]:
    try:
        from codex_orchestrator.agents.models import require_server
    except ImportError as error:
        raise missing_extra("agents", needed_for="models") from error
    from codex_orchestrator.agents.served_models import served_models

    require_server(endpoint)
    return served_models(endpoint, seconds=seconds)


def probe_github(broker: EnvironmentCredentialBroker) -> Probe:
    """Say whether there is a token."""
    if broker.get(Scope.GITHUB) is not None:
        return Probe("github", "not tried", "a token is set")
    detail = "no token: reviews go to the job summary only"
    return Probe("github", "not configured", detail, "set GITHUB_TOKEN")


def probe_vault(config: Config) -> Probe:
    """Say that secrets come from the environment."""
    detail = "not available yet: secrets come from the environment"
    if config.credentials.source == "vault":
        return Probe("vault", "missing", detail, 'set credentials.source = "environment"')
    return Probe("vault", "not configured", detail)


def probe_catalog(home: Path, config: Config) -> Probe:
    """Look whether a catalog in a folder is one. `home` is where the records of runs are."""
    url = config.catalog.url
    if not url.startswith("file://"):
        return Probe("catalog", "not tried", f"{urlsplit(url).scheme} store")
    place = home / url.removeprefix("file://")
    if place.exists() and not place.is_dir():
        return Probe("catalog", "missing", f"{url} is not a folder", "set catalog.url")
    return Probe("catalog", "works", url)
