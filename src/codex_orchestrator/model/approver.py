"""Who may approve: what GitHub says of an account, and of who started a workflow."""

from typing import NamedTuple


class AccountPermission(NamedTuple):
    """What an account may do in a repository, as GitHub answers.

    `permission` is `admin`, `write`, `read` or `none`: GitHub reports the role maintain as write,
    triage as read, and a custom role as the role that it is based on.
    """

    login: str
    permission: str
    is_person: bool


class WorkflowStart(NamedTuple):
    """Who started a workflow: `actor` first, `triggering_actor` this time (it may be a re-run)."""

    actor: str
    triggering_actor: str
    event: str
    repository: str
