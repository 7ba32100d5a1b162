"""Codex Cloud: a submission, the task that the service made of it, and the change of an attempt."""

from typing import Literal, NamedTuple

CloudState = Literal["pending", "ready", "failed"]


class CloudSubmission(NamedTuple):
    """One submission as the caller keeps it. `task_id` is "" while it is being sent.

    The number is the caller's own; a submission is recorded before it is sent and again with
    its task, so a crash in between is visible as a submission without a task.
    """

    number: int
    task_id: str = ""


class CloudTask(NamedTuple):
    """A task as reported by the service."""

    id: str
    state: CloudState
    title: str


class CloudDiff(NamedTuple):
    """The change of one attempt: its number from 1, and the unified diff of the service."""

    attempt: int
    data: bytes


class FittedPatch(NamedTuple):
    """What a patch makes of a tree: the new tree and the changed paths, or why it does not fit.

    A renamed file counts with both its paths.
    """

    tree: str = ""
    paths: tuple[str, ...] = ()
    problem: str = ""
