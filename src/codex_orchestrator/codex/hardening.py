"""Settings that keep Codex offline, bounded, and away from the repository's own configuration."""

import json
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from codex_orchestrator.model.errors import InputError
from codex_orchestrator.text.names import search_path

_NO_PHONE_HOME = (
    "analytics.enabled=false",
    "check_for_update_on_startup=false",
    "features.plugins=false",
    "features.apps=false",
    "features.remote_plugin=false",
)
_BOUNDED = (
    # Otherwise Codex waits for a missing model server without end.
    "features.unbounded_connection_retries=false",
    # Helpers of the model spend tokens that no turn of ours reports.
    "features.multi_agent=false",
    "features.goals=false",
)
_BLIND_TO_THE_REPOSITORY = (
    # AGENTS.md, skills and hooks of a checkout come from the author of the change: not trusted.
    "project_doc_max_bytes=0",
    "skills.include_instructions=false",
    "skills.bundled.enabled=false",
    "features.skill_search=false",
    "features.hooks=false",
)
_QUIET_COMMANDS = (
    'shell_environment_policy.inherit="core"',
    "allow_login_shell=false",
    # The model server would search the web on our behalf, past the sandbox.
    'web_search="disabled"',
)
_MEMORY_ONLY_KEY = ('cli_auth_credentials_store="ephemeral"', 'history.persistence="none"')

HARDENING = (
    *_NO_PHONE_HOME,
    *_BOUNDED,
    *_BLIND_TO_THE_REPOSITORY,
    *_QUIET_COMMANDS,
    *_MEMORY_ONLY_KEY,
)
"""Settings of every app-server, each as `key=TOML value`."""

CLOUD_HARDENING = (*_NO_PHONE_HOME, 'cli_auth_credentials_store="file"')
"""Settings of every `codex cloud` command; it reads its sign-in from a file and nowhere else."""

_ENVIRONMENT = frozenset(
    {
        *("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ"),
        *("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"),
        *("https_proxy", "http_proxy", "all_proxy", "no_proxy"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "CODEX_CA_CERTIFICATE"),
    }
)

PROVIDER = "orchestrator"


def provider_settings(base_url: str, *, has_key: bool) -> tuple[str, ...]:
    """Return the settings of the one model server that Codex may talk to.

    Raises:
        InputError: the URL is not http or https.
    """
    if not _is_web_address(base_url):
        raise InputError(
            "the address of the model server is not an http(s) URL, or holds a password",
            field="model.base_url",
            fix="give the address up to /v1, for example https://api.openai.com/v1",
        )
    server = f"model_providers.{PROVIDER}"
    return (
        f'model_provider="{PROVIDER}"',
        f'{server}.name="{PROVIDER}"',
        f"{server}.base_url={json.dumps(base_url)}",
        f'{server}.wire_api="responses"',
        # The key of the login call becomes the bearer token; no variable, no file.
        f"{server}.requires_openai_auth={'true' if has_key else 'false'}",
        f"{server}.supports_websockets=false",
        # Codex repeats a request without a notice, even when it waits for an hour; it announces the
        # repeats of a stream, so that they can be bounded.
        f"{server}.request_max_retries=0",
        f"{server}.stream_max_retries=3",
    )


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    is_plain = text.isascii() and text.isprintable() and parts.username is None
    return is_plain and parts.scheme in {"http", "https"} and bool(parts.hostname)


def as_flags(settings: Iterable[str]) -> list[str]:
    """Return settings as arguments of a command line."""
    return [part for setting in settings for part in ("-c", setting)]


def codex_environment(ambient: Mapping[str, str], *, home: str, **extra: str) -> dict[str, str]:
    """Return all that a Codex process inherits: names from a short list, and a HOME of its own."""
    kept = {name: value for name, value in ambient.items() if name in _ENVIRONMENT}
    return {**kept, "PATH": search_path(ambient), "HOME": home, "RUST_BACKTRACE": "0", **extra}


def turn_sandbox(sandbox: str) -> dict[str, object]:
    """Return the sandbox policy of a turn: `read-only` or `workspace-write`, network off.

    The system's temporary folder is not writable; a private one is, by TMPDIR.
    """
    if sandbox == "read-only":
        return {"type": "readOnly", "networkAccess": False}
    return {
        "type": "workspaceWrite",
        "writableRoots": [],
        "networkAccess": False,
        "excludeSlashTmp": True,
        "excludeTmpdirEnvVar": False,
    }
