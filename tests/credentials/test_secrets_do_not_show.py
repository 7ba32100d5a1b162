"""Secrets: where they come from, and that none shows itself."""

import pickle
from pathlib import Path

import pytest

from codex_orchestrator.credentials.environment import EnvironmentCredentialBroker
from codex_orchestrator.model.credential import Scope, Secret
from codex_orchestrator.text.secrets import MASK

CANARY = "sk-canary-7f3a/+b2c9=d1e5"


def test_a_secret_shows_its_scope_and_never_its_value() -> None:
    secret = Secret(CANARY, scope=Scope.MODEL)
    assert CANARY not in f"{secret} {secret!r} {[secret]}"
    assert secret.reveal() == CANARY
    with pytest.raises(TypeError):
        pickle.dumps(secret)


def test_the_environment_broker_gives_by_scope_and_knows_all_that_look_secret() -> None:
    broker = EnvironmentCredentialBroker(
        {"OPENAI_API_KEY": CANARY, "MY_PASSWORD": "hunter2hunter2", "HOME": "/root"}
    )
    secret = broker.get(Scope.MODEL)
    assert secret is not None
    assert secret.reveal() == CANARY
    assert broker.get(Scope.GITHUB) is None
    assert broker.redactor.redact("hunter2hunter2 /root") == f"{MASK} /root"
    broker.revoke_all()
    broker.revoke_all()
    assert broker.get(Scope.MODEL) is None


def test_the_path_of_a_key_file_is_no_secret_and_the_password_of_a_proxy_is_one(
    tmp_path: Path,
) -> None:
    key = tmp_path / "key.pem"
    key.write_text("x")
    redactor = EnvironmentCredentialBroker(
        {"DEPLOY_KEY": str(key), "HTTPS_PROXY": "http://me:hunter2@proxy:8080"}
    ).redactor
    assert (
        redactor.redact(f"{key} by http://me:hunter2@proxy") == f"{key} by http://me:{MASK}@proxy"
    )
