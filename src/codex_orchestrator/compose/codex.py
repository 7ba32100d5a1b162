"""Builds the client of Codex Cloud for a run."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from codex_orchestrator.codex.binary import find_codex, require_tested
from codex_orchestrator.codex.cloud import CodexCloud
from codex_orchestrator.codex.cloud_cli import check_sign_in, open_cloud_cli
from codex_orchestrator.credentials.environment import EnvironmentCredentialBroker
from codex_orchestrator.model.config import CodexConfig
from codex_orchestrator.model.credential import Scope
from codex_orchestrator.model.errors import NotCheckedError


@contextmanager
def open_cloud_builder(
    run_id: str,
    *,
    config: CodexConfig,
    broker: EnvironmentCredentialBroker,
    hide: Callable[[str], None],
) -> Iterator[CodexCloud]:
    """Sign in to Codex Cloud for a run; the sign-in is removed at the end of the context.

    Args:
        run_id: names the run in the prompts, so that a lost submission can be found.
        config: the Codex binary and the environment of its tasks.
        broker: provides the text of an `auth.json` for the cloud.
        hide: gets each token, so that it is masked in all output.

    Raises:
        NotCheckedError: environment, sign-in or Codex is missing; with a fix.
    """
    if not config.environment:
        raise NotCheckedError(
            "cloud mode needs a Codex Cloud environment, and none is configured",
            fix="set codex.environment to an id or label that `codex cloud` lists, "
            "or run with --mode mcp",
        )
    auth = broker.get(Scope.CLOUD)
    if auth is None:
        raise NotCheckedError(
            "cloud mode needs a ChatGPT sign-in, and there is none",
            fix="run `codex login` and set CODEX_ORCHESTRATOR_CLOUD_AUTH to the text of "
            "$CODEX_HOME/auth.json, or run with --mode mcp",
        )
    tokens = json.loads(check_sign_in(auth))["tokens"]
    for name in ("id_token", "access_token", "refresh_token"):
        if tokens.get(name):
            hide(str(tokens[name]))
    binary = require_tested(find_codex(config.path))
    with open_cloud_cli(binary, auth=auth) as cli:
        yield CodexCloud(cli, environment=config.environment, label=run_id)
