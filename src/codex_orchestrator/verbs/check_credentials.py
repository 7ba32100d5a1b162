"""Report which scopes have a secret and where it comes from, without its value."""

from collections.abc import Mapping
from typing import NamedTuple

from codex_orchestrator.credentials.environment import SCOPE_VARIABLES, EnvironmentCredentialBroker
from codex_orchestrator.model.config import Config
from codex_orchestrator.model.errors import NotCheckedError


class ScopeReport(NamedTuple):
    """One scope: whether it has a secret, its variable, and how long it is valid."""

    scope: str
    is_present: bool
    source: str
    lifetime: str


def require_environment_source(config: Config) -> None:
    """Check that the configured source of secrets is supported.

    Raises:
        NotCheckedError: another source is configured; it is never replaced silently.
    """
    if config.credentials.source != "environment":
        raise NotCheckedError(
            f"credentials.source is {config.credentials.source}, and this version reads secrets "
            "from the environment only",
            fix='set credentials.source = "environment"',
        )


def check_credentials(
    broker: EnvironmentCredentialBroker, environ: Mapping[str, str]
) -> tuple[ScopeReport, ...]:
    """Request every scope from the broker, then revoke everything."""
    rows = []
    for scope, names in SCOPE_VARIABLES.items():
        secret = broker.get(scope)
        source = next((name for name in names if environ.get(name)), names[0])
        lifetime = "no expiry known" if secret else ""
        rows.append(ScopeReport(str(scope), secret is not None, source, lifetime))
    broker.revoke_all()
    return tuple(rows)
