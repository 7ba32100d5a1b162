"""GitHub through PyGithub: one pull request's comments and head, with patience that has an end.

Two clients. Reads and edits may be sent again after any failure. A create is sent again only when
GitHub said that it did not take it: a dropped connection or a 502 may have made the comment.
"""

import contextlib
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from codex_orchestrator.github.comment import (
    Comment,
    CommentGoneError,
    RefusedWriteError,
    UnclearWriteError,
)
from codex_orchestrator.model.credential import Secret
from codex_orchestrator.model.errors import (
    InputError,
    MissingExtraError,
    NotCheckedError,
    ServiceError,
)
from codex_orchestrator.text.shown import folded, visible

DEFAULT_API_URL = "https://api.github.com"
_LOOPBACK = frozenset(["127.0.0.1", "localhost", "::1"])


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long to keep trying, in seconds; the numbers for production are the defaults.

    `rate_limit_wait_s` caps every wait that GitHub asks for.
    """

    attempts: int = 4
    timeout_s: int = 30
    backoff_s: float = 1.0
    secondary_wait_s: float = 30.0
    rate_limit_wait_s: int = 60
    between_writes_s: float = 1.0


class PullRequest:
    """One pull request. Use it as a context: it holds connections.

    Args of the constructor: `repository` is `owner/name`; `api_url` is the base of the REST API,
    https unless it is on this machine.
    """

    def __init__(
        self,
        repository: str,
        number: int,
        *,
        token: Secret,
        api_url: str = DEFAULT_API_URL,
        patience: Patience | None = None,
    ) -> None:
        reads, creates = open_clients(api_url, token, patience or Patience())
        self._clients = (reads, creates)
        self._name = f"{repository}#{number}"
        self._token = token
        self._number = number
        self._repository = reads.get_repo(repository)
        self._issue = self._repository.get_issue(number)
        self._creating_issue = creates.get_repo(repository).get_issue(number)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for client in self._clients:
            client.close()

    def head_sha(self) -> str:
        """Return the commit that the pull request's head is at now."""
        with self._told("read the pull request"):
            return str(self._repository.get_pull(self._number).head.sha)

    def list(self) -> list[Comment]:
        """Return all comments, oldest first, from all pages."""
        with self._told("list the comments"):
            return [_comment(found) for found in self._issue.get_comments()]

    def get(self, comment_id: int) -> Comment:
        """Return one comment."""
        with self._told("read a comment"):
            return _comment(self._issue.get_comment(comment_id))

    def create(self, body: str) -> Comment:
        """Add a comment; never sent twice."""
        with self._told("create a comment", is_create=True):
            return _comment(self._creating_issue.create_comment(body))

    def edit(self, comment_id: int, body: str) -> Comment:
        """Replace a comment's text."""
        with self._told("edit a comment"):
            found = self._issue.get_comment(comment_id)
            found.edit(body)
            return _comment(found)

    def delete(self, comment_id: int) -> None:
        """Remove a comment."""
        with self._told("delete a comment"):
            self._issue.get_comment(comment_id).delete()

    @contextlib.contextmanager
    def _told(self, doing: str, *, is_create: bool = False) -> Iterator[None]:
        """Turn what PyGithub and its transport raise into our errors."""
        import github
        import requests

        what = f"GitHub, {self._name}: cannot {doing}"
        try:
            yield
        except github.GithubException as error:
            raise _translated(
                error, what, reason_of(error, token=self._token), is_create=is_create
            ) from None
        except (requests.RequestException, RuntimeError) as error:
            # RuntimeError is PyGithub's word for a redirect to another host.
            failure = UnclearWriteError if is_create else ServiceError
            raise failure(
                f"{what}: {reason_of(error, token=self._token)}", fix=_RETRY_FIX
            ) from None


def reason_of(error: Any, *, token: Secret) -> str:
    """Return the one sentence of an error that people can use, without the token.

    It is text of a stranger. The error itself may hold headers, so nothing is chained to it.
    """
    data = getattr(error, "data", None)
    text = data.get("message", "") if isinstance(data, dict) else ""
    if not text and not hasattr(error, "status"):
        text = f"{type(error).__name__}: {error}"
    return folded(visible(str(text)).replace(token.reveal(), "***"), 300)


_RETRY_FIX = "run `codex-orchestrator review publish` again; the run is kept"


def check_api_url(url: str) -> None:
    """Check that a token may be sent to a base URL.

    Raises:
        InputError: it is not https (http only on this machine), or holds a user name.
    """
    place = urllib.parse.urlsplit(url)
    is_safe = place.scheme == "https" or (place.scheme == "http" and place.hostname in _LOOPBACK)
    if not is_safe or not place.hostname or place.username is not None:
        raise InputError(
            "must be an https address without a user name",
            field="GITHUB_API_URL",
            fix="set it to https://api.github.com, or to your server's https://HOST/api/v3",
        )


def open_clients(api_url: str, token: Secret, patience: Patience) -> tuple[Any, Any]:
    """Return two PyGithub clients: for what may be sent again, and for what may not.

    Raises:
        InputError: the base URL is not one that a token may be sent to.
        MissingExtraError: the package is not installed.
    """
    check_api_url(api_url)
    try:
        import github
    except ImportError as error:
        raise MissingExtraError("github", needed_for="talking to GitHub") from error

    class CreateRetry(github.GithubRetry):
        """Takes `Retry-After` as leave to repeat on 429 only: a 503 may have taken effect."""

        RETRY_AFTER_STATUS_CODES = frozenset({429})

    common: dict[str, Any] = {
        "secondary_rate_wait": patience.secondary_wait_s,
        "max_rate_limit_wait": patience.rate_limit_wait_s,
        "allowed_methods": None,
        "backoff_factor": patience.backoff_s,
        "retry_after_max": patience.rate_limit_wait_s,
        "total": patience.attempts,
    }
    retries = (
        github.GithubRetry(status_forcelist=[429, 500, 502, 503, 504], **common),
        CreateRetry(status_forcelist=[429], read=False, **common),
    )
    reads, creates = (
        github.Github(
            auth=github.Auth.Token(token.reveal()),
            base_url=api_url.rstrip("/"),
            timeout=patience.timeout_s,
            per_page=100,
            retry=retry,
            seconds_between_requests=0,
            seconds_between_writes=patience.between_writes_s,
            user_agent="codex-orchestrator",
            lazy=True,
        )
        for retry in retries
    )
    return reads, creates


def _comment(found: Any) -> Comment:
    author = found.user.login if found.user else ""
    return Comment(int(found.id), str(author), str(found.body or ""), str(found.html_url))


def _translated(error: Any, what: str, reason: str, *, is_create: bool) -> Exception:
    message = f"{what}: {error.status} {reason}".rstrip()
    if error.status == 401:
        return NotCheckedError(message, fix="the token is wrong or has expired: give a new one")
    if error.status == 403 and not _is_rate_limit(error):
        return RefusedWriteError(
            message,
            fix="grant the job `permissions: pull-requests: write`; a fork's token can only read",
        )
    if error.status in (404, 410):
        return CommentGoneError(
            message, fix="check the number; a token without access sees nothing either"
        )
    if is_create and error.status >= 500:
        return UnclearWriteError(message, fix=_RETRY_FIX)
    return ServiceError(message, fix=_RETRY_FIX)


def _is_rate_limit(error: Any) -> bool:
    import github

    return isinstance(error, github.RateLimitExceededException)
