"""The environment as a source of secrets: read once; child processes do not inherit them."""

import os
from collections.abc import Mapping

from codex_orchestrator.model.credential import Scope, Secret
from codex_orchestrator.text.secrets import Redactor, secrets_in

SCOPE_VARIABLES: dict[Scope, tuple[str, ...]] = {
    Scope.MODEL: ("CODEX_ORCHESTRATOR_MODEL_KEY", "OPENAI_API_KEY"),
    Scope.GITHUB: ("GITHUB_TOKEN", "GH_TOKEN"),
    Scope.CATALOG: ("CODEX_ORCHESTRATOR_CATALOG_TOKEN",),
    Scope.CLOUD: ("CODEX_ORCHESTRATOR_CLOUD_AUTH",),
}


class EnvironmentCredentialBroker:
    """Secrets from environment variables. Nothing is leased, so nothing has to be revoked."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._secrets: dict[Scope, Secret] = {}
        self.redactor = Redactor(secrets_in(environment, is_path=os.path.exists))
        for scope, names in SCOPE_VARIABLES.items():
            value = next((environment[name] for name in names if environment.get(name)), "")
            if value:
                self._secrets[scope] = Secret(value, scope=scope)
                self.redactor.add(value)

    def get(self, scope: Scope) -> Secret | None:
        """Return the secret of a scope; None when no variable of it is set."""
        return self._secrets.get(scope)

    def revoke_all(self) -> None:
        """Forget every value; an environment variable cannot be revoked."""
        self._secrets.clear()
