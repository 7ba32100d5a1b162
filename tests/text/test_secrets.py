"""Secrets: where they come from, and that no common form of one gets through."""

import base64
import pickle
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_orchestrator.credentials.environment import EnvironmentCredentialBroker
from codex_orchestrator.model.credential import Scope, Secret
from codex_orchestrator.text.secrets import MASK, Redactor, redactor_for_environment

CANARY = "sk-canary-7f3a/+b2c9=d1e5"


def test_a_secret_shows_its_scope_and_never_its_value() -> None:
    secret = Secret(CANARY, scope=Scope.MODEL)
    assert CANARY not in f"{secret} {secret!r} {[secret]}"
    assert secret.reveal() == CANARY
    with pytest.raises(TypeError):
        pickle.dumps(secret)


@pytest.mark.parametrize(
    "form",
    [
        CANARY,
        CANARY[::-1],
        CANARY.encode().hex(),
        CANARY.encode().hex().upper(),
        urllib.parse.quote(CANARY, safe=""),
        base64.b64encode(CANARY.encode()).decode(),
        base64.urlsafe_b64encode(CANARY.encode()).decode(),
        base64.b64encode(b"user:" + CANARY.encode()).decode(),
        base64.b64encode(b"u:" + CANARY.encode() + b"\n").decode(),
    ],
)
def test_every_common_form_is_masked(form: str) -> None:
    redactor = Redactor([CANARY])
    text = redactor.redact(f"before {form} after")
    assert form not in text
    assert MASK in text
    assert redactor.finds_secret(form)
    assert form.encode() not in redactor.redact_bytes(b"\xff" + form.encode())


@given(st.binary(max_size=200))
def test_bytes_without_a_secret_stay_as_they_are(data: bytes) -> None:
    assert Redactor([CANARY]).redact_bytes(data) == data


@given(st.text(min_size=6, max_size=40, alphabet=st.characters(exclude_categories=["Cs"])))
def test_a_known_secret_is_found_wherever_it_stands(secret: str) -> None:
    assert Redactor([secret]).finds_secret(f"a{secret}b")


def test_each_line_of_a_long_secret_is_masked() -> None:
    redactor = Redactor(["-----BEGIN-----\nline-number-one\nline-number-two"])
    assert redactor.redact("saw line-number-two") == f"saw {MASK}"


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


def test_short_values_are_left_because_they_would_mask_plain_words() -> None:
    assert redactor_for_environment({"X_TOKEN": "on"}).redact("on and on") == "on and on"
