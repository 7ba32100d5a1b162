"""One pull request: its head, and its comments."""

from contextlib import AbstractContextManager
from functools import partial
from typing import Any, NamedTuple

from codex_orchestrator.github.client import DEFAULT_API_URL, Connection, Failure, RetryPolicy
from codex_orchestrator.model.credential import Secret
from codex_orchestrator.model.errors import NotCheckedError, ServiceError

_RETRY_FIX = "run `codex-orchestrator review publish` again; the run is kept"


class Comment(NamedTuple):
    """A comment as reported by GitHub."""

    id: int
    author: str
    body: str
    url: str


class UnclearWriteError(ServiceError):
    """A write failed, and it is not known whether it took effect."""


class RefusedWriteError(NotCheckedError):
    """GitHub refused a write: the token may only read, or the comment is not ours."""


class CommentGoneError(NotCheckedError):
    """The comment does not exist (any more)."""


class PullRequest(Connection):
    """One pull request. Use it as a context manager, because it holds connections.

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
        retry: RetryPolicy | None = None,
    ) -> None:
        super().__init__(repository, token=token, api_url=api_url, retry=retry)
        self._name = f"{repository}#{number}"
        self._number = number
        self._issue = self._repository.get_issue(number)
        self._creating_issue = self._creates.get_repo(repository).get_issue(number)

    def head_sha(self) -> str:
        """Return the current head commit of the pull request."""
        with self._trying("read the pull request"):
            return str(self._repository.get_pull(self._number).head.sha)

    def list(self) -> list[Comment]:
        """Return all comments, oldest first, from all pages."""
        with self._trying("list the comments"):
            return [_comment(found) for found in self._issue.get_comments()]

    def get(self, comment_id: int) -> Comment:
        """Return one comment."""
        with self._trying("read a comment"):
            return _comment(self._issue.get_comment(comment_id))

    def create(self, body: str) -> Comment:
        """Add a comment; never sent twice."""
        with self._trying("create a comment", is_create=True):
            return _comment(self._creating_issue.create_comment(body))

    def edit(self, comment_id: int, body: str) -> Comment:
        """Replace a comment's text."""
        with self._trying("edit a comment"):
            found = self._issue.get_comment(comment_id)
            found.edit(body)
            return _comment(found)

    def delete(self, comment_id: int) -> None:
        """Remove a comment."""
        with self._trying("delete a comment"):
            self._issue.get_comment(comment_id).delete()

    def _trying(self, doing: str, *, is_create: bool = False) -> AbstractContextManager[None]:
        return self._translated(
            f"GitHub, {self._name}: cannot {doing}", partial(_error_for, is_create=is_create)
        )


def _comment(found: Any) -> Comment:
    author = found.user.login if found.user else ""
    return Comment(int(found.id), str(author), str(found.body or ""), str(found.html_url))


def _error_for(failure: Failure, *, is_create: bool) -> Exception:
    status, message, is_rate_limit = failure
    if status == 401:
        return NotCheckedError(message, fix="the token is wrong or has expired: give a new one")
    if status == 403 and not is_rate_limit:
        return RefusedWriteError(
            message,
            fix="grant the job `permissions: pull-requests: write`; a fork's token can only read",
        )
    if status in (404, 410):
        return CommentGoneError(
            message, fix="check the number; a token without access sees nothing either"
        )
    is_unclear = is_create and (status == 0 or status >= 500)
    return (UnclearWriteError if is_unclear else ServiceError)(message, fix=_RETRY_FIX)
