"""What an account may do in a repository: asked from GitHub at the moment when it matters."""

import urllib.parse
from types import TracebackType
from typing import Any, Self

from codex_orchestrator.github.client import (
    DEFAULT_API_URL,
    Patience,
    open_clients,
    reason_of,
)
from codex_orchestrator.model.approval import AccountPermission
from codex_orchestrator.model.credential import Secret
from codex_orchestrator.model.errors import NotCheckedError

_FIXES = {
    401: "the token is wrong or has expired: give a new one",
    403: "give the job's token `permissions: metadata: read`, which it has unless it was taken",
    404: "check the repository's and the account's name; a token without access sees nothing",
}


class Collaborators:
    """The accounts of one repository. Use it as a context: it holds connections.

    Args of the constructor: `repository` is `owner/name`; `api_url` is the base of the REST API,
    https unless it is on this machine.
    """

    def __init__(
        self,
        repository: str,
        *,
        token: Secret,
        api_url: str = DEFAULT_API_URL,
        patience: Patience | None = None,
    ) -> None:
        self._clients = open_clients(api_url, token, patience or Patience())
        self._token = token
        self._name = repository
        self._repository = self._clients[0].get_repo(repository)

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

    def permission_of(self, login: str) -> AccountPermission:
        """Ask what an account may do.

        Raises:
            NotCheckedError: GitHub refused the question, failed, or answered about another account.
        """
        import github
        import requests

        what = f"could not check who approves: GitHub, {self._name}, account {login}"
        place = f"{self._repository.url}/collaborators/{urllib.parse.quote(login, safe='')}"
        try:
            _, answer = self._repository.requester.requestJsonAndCheck("GET", f"{place}/permission")
        except github.GithubException as error:
            reason = reason_of(error, token=self._token)
            fix = _FIXES.get(error.status, "try again later")
            raise NotCheckedError(f"{what}: {error.status} {reason}".rstrip(), fix=fix) from None
        except (requests.RequestException, RuntimeError) as error:
            # RuntimeError is PyGithub's word for a redirect to another host.
            reason = reason_of(error, token=self._token)
            raise NotCheckedError(f"{what}: {reason}", fix="try again later") from None
        found = _read(answer)
        if found is None or found.login.casefold() != login.casefold():
            raise NotCheckedError(f"{what}: the answer is not about it", fix="try again later")
        return found


def _read(answer: Any) -> AccountPermission | None:
    user = answer.get("user") if isinstance(answer, dict) else None
    if not isinstance(user, dict):
        return None
    login, kind = user.get("login"), user.get("type")
    permission, role = answer.get("permission"), answer.get("role_name")
    if not (isinstance(login, str) and isinstance(permission, str) and isinstance(role, str)):
        return None
    return AccountPermission(login, permission, role, is_person=kind == "User")
