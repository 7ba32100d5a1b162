"""The permission of an account in a repository, requested from GitHub when it is needed."""

import urllib.parse

from codex_orchestrator.github.client import Connection, Failure
from codex_orchestrator.model.approver import AccountPermission
from codex_orchestrator.model.errors import NotCheckedError

_LATER = "try again later"
_FIXES = {
    401: "the token is wrong or has expired: give a new one",
    403: "give the job's token `permissions: metadata: read`, which it has by default",
    404: "check the repository's and the account's name; a token without access sees nothing",
}


class Collaborators(Connection):
    """The accounts of one repository. Use it as a context manager, because it holds connections."""

    def permission_of(self, login: str) -> AccountPermission:
        """Return the permission of an account.

        Raises:
            NotCheckedError: GitHub refused or failed, or answered for another account.
        """
        what = f"could not check who approves: GitHub, {self._name}, account {login}"
        account = f"{self._repository.url}/collaborators/{urllib.parse.quote(login, safe='')}"
        with self._translated(what, _error_for):
            _, answer = self._repository.requester.requestJsonAndCheck(
                "GET", f"{account}/permission"
            )
        found = _read(answer)
        if found is None or found.login.casefold() != login.casefold():
            raise NotCheckedError(f"{what}: GitHub answered for another account", fix=_LATER)
        return found


def _error_for(failure: Failure) -> Exception:
    return NotCheckedError(failure.message, fix=_FIXES.get(failure.status, _LATER))


def _read(answer: object) -> AccountPermission | None:
    match answer:
        case {"user": {"login": str(login), **user}, "permission": str(permission)}:
            return AccountPermission(login, permission, is_person=user.get("type") == "User")
    return None
