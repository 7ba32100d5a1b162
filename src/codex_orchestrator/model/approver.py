"""Who approves, as the platform says: an account and what it may do in a repository."""

from typing import NamedTuple


class AccountPermission(NamedTuple):
    """What an account may do in a repository, as GitHub answers.

    `permission` is `admin`, `write`, `read` or `none`: GitHub counts the role maintain as write,
    triage as read, and a custom role as the role that it builds on. `role` is the role's own name.
    """

    login: str
    permission: str
    role: str
    is_person: bool


class WorkflowStart(NamedTuple):
    """Who started a workflow: `actor` first, `triggering_actor` this time (it may be a re-run)."""

    actor: str
    triggering_actor: str
    event: str
    repository: str
