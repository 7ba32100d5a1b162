"""Secrets: which variables hold one, and that no common form of one gets through."""

import base64
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_orchestrator.text.secret_values import is_word
from codex_orchestrator.text.secrets import MASK, Redactor, is_secret_name, secrets_in

CANARY = "sk-canary-7f3a/+b2c9=d1e5"


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


def found(environment: dict[str, str]) -> set[str]:
    """Return the secrets in an environment of a machine on which only /run/key exists."""
    return set(secrets_in(environment, is_path=lambda path: path == "/run/key"))


SECRET_NAMES = """
OPENAI_API_KEY OPENAI_KEY GITHUB_TOKEN GH_PAT MY_PAT SSH_PRIVATE_KEY SIGNING_KEY DEPLOY_KEY
GPG_PASSPHRASE AWS_SECRET_ACCESS_KEY AWS_ACCESS_KEY_ID SECRET_KEY_BASE VAULT_SECRET_ID PGPASSWORD
DB_PASSWORD_PROD MYSQL_PWD npm_config__authToken CODEX_ORCHESTRATOR_CLOUD_AUTH TOKEN KEY TOKEN_2
AZURE_STORAGE_CONNECTION_STRING GOOGLE_APPLICATION_CREDENTIALS API_KEYS GITHUB_TOKEN_PROD
SMTP_PASS clientSecret API_KEY_ACME SECRET_KEY_B64 SESSION_COOKIE
"""
OTHER_NAMES = """
MAX_OUTPUT_TOKENS TOKENIZERS_PARALLELISM TOKEN_LIMIT PATH PWD OLDPWD PYTHONPATH SSH_PUBLIC_KEY
CACHE_KEY STRIPE_PUBLISHABLE_KEY KEYBOARD MONKEY HOTKEY KEY_NAME AUTHOR SSH_AUTH_SOCK HOME LC_ALL
ACTIONS_ID_TOKEN_REQUEST_URL PASSWORD_FILE PASSWORD_MIN_LENGTH SECRET_NAME GPG_KEY_ID COMPASS
"""


def test_a_name_says_whether_it_is_one_of_a_secret() -> None:
    assert [name for name in SECRET_NAMES.split() if not is_secret_name(name)] == []
    assert [name for name in OTHER_NAMES.split() if is_secret_name(name)] == []


@pytest.mark.parametrize(
    ("name", "value", "secrets"),
    [
        ("DATABASE_URL", "postgres://app:hunter%402@db:5432/app", {"hunter%402", "hunter@2"}),
        (
            "CELERY_BROKER_URL",
            "amqp://a:first-one@h1,amqp://a:next@one@h2",
            {"first-one", "next@one"},
        ),
        ("JDBC_URL", "jdbc:postgresql://db/app?user=app&password=hunter2", {"hunter2"}),
        ("HTTPS_PROXY", "http://me:hunter2@proxy:8080", {"hunter2"}),
        ("SENTRY_DSN", "https://public@sentry.example/1", set()),
        ("PROXY_URL", "http://me@proxy:8080", set()),
        ("GIT_URL", "https://a1B2c3D4e5F6@git.example/x", {"a1B2c3D4e5F6"}),
        ("GIT_URL", "https://a1B2c3D4e5:x-oauth-basic@git.example/x", {"a1B2c3D4e5"}),
        ("GIT_URL", "https://x-access-token:a1B2c3D4e5@git.example", {"a1B2c3D4e5"}),
        ("SIGNED_URL", "https://s.example/x?sig=a1B2c3D4e5&page=20", {"a1B2c3D4e5"}),
        ("SLACK_WEBHOOK_URL", "https://hooks.example/T0/a1B2c3D4e5F6g7H8", {"a1B2c3D4e5F6g7H8"}),
        ("SECRET_WEBHOOK_URL", "https://hooks.example/T0/a1B2c3D4e5F6g7H8", {"a1B2c3D4e5F6g7H8"}),
        ("DOCS_URL", "https://docs.example/a1B2c3D4e5F6g7H8", set()),
        ("API_URL", "https://api.example/v1", set()),
        ("SECRETS_MANAGER_URL", "https://secrets.example", set()),
        ("SLACK_WEBHOOK_SECRET", "https://hooks.example/T/B/x", {"https://hooks.example/T/B/x"}),
        ("COMMIT_MESSAGE", "see http://a:approved@host", set()),
    ],
)
def test_of_a_url_only_the_password_is_a_secret(name: str, value: str, secrets: set[str]) -> None:
    assert found({name: value}) == secrets


def test_numbers_and_paths_at_which_something_stands_are_no_secrets() -> None:
    numbers = {"PASSWORD_MIN_LENGTH": "1000000", "X_TOKEN": "1,000,000", "Y_KEY": "-1.5"}
    paths = {"GOOGLE_APPLICATION_CREDENTIALS": "/run/key", "SSH_KEY": "/run/key"}
    assert found(numbers | paths) == set()
    assert found({"SSH_KEY": "/run/other", "A_TOKEN": "12ab34"}) == {"/run/other", "12ab34"}


def test_the_first_line_of_a_key_may_stand_in_a_text() -> None:
    first = "-----BEGIN OPENSSH PRIVATE KEY-----"
    redactor = Redactor([f"{first}\nb3BlbnNzaC1rZXkt\n-----END OPENSSH PRIVATE KEY-----\n"])
    assert redactor.redact(f"{first}\nb3BlbnNzaC1rZXkt") == f"{first}\n{MASK}"


def test_short_values_are_left_because_they_would_mask_plain_words() -> None:
    assert Redactor(found({"X_TOKEN": "on"})).redact("on and on") == "on and on"


WORDS = "postgres changeme development Example ADMIN rabbitmq password123 p@ssw0rd minioadmin"
OTHERS = "xK9mQ2pz zqxjkvbw hunter2 tr0ub4do Pa5sword correcthorsebatterystaple aB-cD-eF qwRtZpSd"


def test_words_are_told_from_passwords() -> None:
    assert [word for word in WORDS.split() if not is_word(word)] == []
    assert [word for word in OTHERS.split() if is_word(word)] == []


def test_the_lines_of_a_key_and_the_fields_of_a_key_file_are_secrets() -> None:
    document = '{"type": "service_account", "private_key": "a1B2c3D4\\ne5F6g7H8"}'
    redactor = Redactor(found({"GOOGLE_CREDENTIALS": document}))
    assert redactor.redact("saw e5F6g7H8 of the service_account") == (
        f"saw {MASK} of the service_account"
    )


def test_a_json_value_is_masked_before_it_is_written() -> None:
    redactor = Redactor(['quo"te\\d-5ecret'])
    masked = redactor.redact_json({"a": ['x quo"te\\d-5ecret y', 1, None, True]})
    assert masked == {"a": [f"x {MASK} y", 1, None, True]}


@pytest.mark.parametrize(
    "lines", ["\nVersion: ", "\nProc-Type: 4 ", "\\nDEK-Info: x", " Comment: \n", "\n \n"]
)
@pytest.mark.timeout(30)
def test_the_begin_of_a_key_with_many_headers_is_read_in_linear_time(lines: str) -> None:
    text = f"-----BEGIN PRIVATE KEY-----{lines * 2000}"
    assert Redactor(["q7Xw9-Kz4_Lm2Np8"]).redact(text) == text


@pytest.mark.parametrize("name", ["SIGNING_KEY_B64", "MY_TOKEN_B64", "SIGNING_KEY_BASE64"])
def test_a_secret_in_base64_is_one_by_its_name_without_that(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "begin",
    ["-", "+", "- ", "> -", "// ", "//", "; ", "% ", "# ", "│ ", "  12: ", "7\t", " * ", '"'],
)
def test_a_private_key_is_masked_whatever_stands_before_its_lines(begin: str) -> None:
    body = [
        "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC",
        "BKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj",
        "MzEfYyjiWA4R4=",
    ]
    lines = ["-----BEGIN PRIVATE KEY-----", *body, "-----END PRIVATE KEY-----"]
    text = "@@ -1,5 +0,0 @@\n" + "".join(f"{begin}{line}\n" for line in lines)
    masked = Redactor().redact(text)
    assert MASK in masked
    assert not any(line in masked for line in body)
    assert "END PRIVATE KEY" in masked
