"""The environment as a source of secrets: read once; child processes do not inherit them."""

import os
from collections.abc import Collection, Mapping

from codex_orchestrator.model.credential import Scope, Secret
from codex_orchestrator.text.secret_values import find_secrets
from codex_orchestrator.text.secrets import redactor_of

SCOPE_VARIABLES: dict[Scope, tuple[str, ...]] = {
    Scope.MODEL: ("CODEX_ORCHESTRATOR_MODEL_KEY", "OPENAI_API_KEY"),
    Scope.GITHUB: ("GITHUB_TOKEN", "GH_TOKEN"),
    Scope.CATALOG: ("CODEX_ORCHESTRATOR_CATALOG_TOKEN",),
    Scope.CLOUD: ("CODEX_ORCHESTRATOR_CLOUD_AUTH",),
}


class EnvironmentCredentialBroker:
    """Secrets from environment variables. Nothing is leased, so nothing has to be revoked.

    `found` tells which variables hold one, and which have only the name of one; the redactor
    knows the former. `not_secret` names variables of neither kind.
    """

    def __init__(self, environment: Mapping[str, str], not_secret: Collection[str] = ()) -> None:
        self._secrets: dict[Scope, Secret] = {}
        self.found = find_secrets(environment, is_path=_is_path, not_secret=not_secret)
        self.redactor = redactor_of(self.found)
        for scope, names in SCOPE_VARIABLES.items():
            value = next((environment[name] for name in names if environment.get(name)), "")
            if value:
                self._secrets[scope] = Secret(value, scope=scope)

    def leave(self, values: Collection[str]) -> None:
        """Do not mask these values: they stand in the repository, where everybody reads them."""
        self.found = self.found.without(values, "it stands in the repository")
        self.redactor.leave(values)

    def get(self, scope: Scope) -> Secret | None:
        """Return the secret of a scope; None when no variable of it is set."""
        return self._secrets.get(scope)

    def revoke_all(self) -> None:
        """Forget every value; an environment variable cannot be revoked."""
        self._secrets.clear()


def _is_path(value: str) -> bool:
    return len(value) < 4096 and os.path.exists(os.path.expanduser(value))
