"""GitHub through PyGithub: connections with bounded retries, and errors of ours.

Two clients. Reads and edits may be sent again after any failure. A create is sent again only when
GitHub said that it did not take it: a dropped connection or a 502 may have made the comment.
"""

import contextlib
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from codex_orchestrator.model.credential import Secret
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.system.installed import missing_extra
from codex_orchestrator.text.shown import folded, visible

DEFAULT_API_URL = "https://api.github.com"
_LOOPBACK = frozenset(["127.0.0.1", "localhost", "::1"])


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """How long to keep trying, in seconds; the numbers for production are the defaults.

    `rate_limit_wait_s` caps every wait that GitHub asks for.
    """

    attempts: int = 4
    timeout_s: int = 30
    backoff_s: float = 1.0
    secondary_wait_s: float = 30.0
    rate_limit_wait_s: int = 60
    between_writes_s: float = 1.0


class Failure(NamedTuple):
    """A call that GitHub refused, or that failed. `status` is 0 when there was no response."""

    status: int
    message: str
    is_rate_limit: bool = False


class Connection:
    """Two clients for one repository. Use it as a context: it holds connections.

    Args of the constructor: `repository` is `owner/name`; `api_url` is the base of the REST API,
    https unless it is on this machine.
    """

    def __init__(
        self,
        repository: str,
        *,
        token: Secret,
        api_url: str = DEFAULT_API_URL,
        retry: RetryPolicy | None = None,
    ) -> None:
        self._reads, self._creates = _open_clients(api_url, token, retry or RetryPolicy())
        self._token = token
        self._name = repository
        self._repository = self._reads.get_repo(repository)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._reads.close()
        self._creates.close()

    @contextlib.contextmanager
    def _translated(self, what: str, error_for: Callable[[Failure], Exception]) -> Iterator[None]:
        """Translate errors of PyGithub and its transport into ours.

        The message starts with `what`.
        """
        import github
        import requests

        try:
            yield
        except github.GithubException as error:
            message = f"{what}: {error.status} {self._reason(error)}".rstrip()
            is_rate_limit = isinstance(error, github.RateLimitExceededException)
            raise error_for(Failure(error.status, message, is_rate_limit)) from None
        except (requests.RequestException, RuntimeError) as error:
            # PyGithub raises RuntimeError for a redirect to another host.
            raise error_for(Failure(0, f"{what}: {self._reason(error)}")) from None

    def _reason(self, error: Any) -> str:
        """Return the one sentence of an error that people can use, without the token.

        The text is not trusted. The error itself may hold headers, so nothing is chained to it.
        """
        data = getattr(error, "data", None)
        text = data.get("message", "") if isinstance(data, dict) else ""
        if not text and not hasattr(error, "status"):
            text = f"{type(error).__name__}: {error}"
        return folded(visible(str(text)).replace(self._token.reveal(), "***"), 300)


def _check_api_url(url: str) -> None:
    """Check that a token may be sent to a URL.

    Raises:
        InputError: it is not https (http only on this machine), or holds a user name.
    """
    parts = urllib.parse.urlsplit(url)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if not is_safe or not parts.hostname or parts.username is not None:
        raise InputError(
            "must be an https address without a user name",
            field="GITHUB_API_URL",
            fix="set it to https://api.github.com, or to your server's https://HOST/api/v3",
        )


def _open_clients(api_url: str, token: Secret, policy: RetryPolicy) -> tuple[Any, Any]:
    """Return two PyGithub clients.

    One for requests that may be repeated, one for those that may not.

    Raises:
        InputError: a token may not be sent to the base URL.
        MissingExtraError: the package is not installed.
    """
    _check_api_url(api_url)
    try:
        import github
    except ImportError as error:
        raise missing_extra("github", needed_for="talking to GitHub") from error

    class CreateRetry(github.GithubRetry):
        """Repeats after `Retry-After` only for 429: a request with a 503 may have taken effect."""

        RETRY_AFTER_STATUS_CODES = frozenset({429})

    common: dict[str, Any] = {
        "secondary_rate_wait": policy.secondary_wait_s,
        "max_rate_limit_wait": policy.rate_limit_wait_s,
        "allowed_methods": None,
        "backoff_factor": policy.backoff_s,
        "retry_after_max": policy.rate_limit_wait_s,
        "total": policy.attempts,
    }

    def open_client(retry: Any) -> Any:
        return github.Github(
            auth=github.Auth.Token(token.reveal()),
            base_url=api_url.rstrip("/"),
            timeout=policy.timeout_s,
            per_page=100,
            retry=retry,
            seconds_between_requests=0,
            seconds_between_writes=policy.between_writes_s,
            user_agent="codex-orchestrator",
            lazy=True,
        )

    repeatable = github.GithubRetry(status_forcelist=[429, 500, 502, 503, 504], **common)
    once = CreateRetry(status_forcelist=[429], read=False, **common)
    return open_client(repeatable), open_client(once)
