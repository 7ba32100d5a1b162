"""Approvals: what a person is asked to grant, the answer, and who may answer."""

import shlex
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

from pydantic import Field

from codex_orchestrator.model.canonical import sha256_hex
from codex_orchestrator.model.document import Document
from codex_orchestrator.model.errors import (
    ApprovalRequiredError,
    InputError,
    LimitReachedError,
    OrchestratorError,
)
from codex_orchestrator.text.globs import glob_of
from codex_orchestrator.text.names import is_utf8
from codex_orchestrator.text.shown import one_line, shows

MAX_VALUE = 3900
"""Longest value of a grant, in characters: the audit log stores this much without a cut."""


class ApprovalKind(StrEnum):
    """What an escalation asks for."""

    EDIT = "edit"
    RUN = "run"
    NETWORK = "network"
    TESTS = "tests"
    SECRET = "secret"  # noqa: S105 - the word for it


class Grant(NamedTuple):
    """What is asked for, or granted. As text it is `KIND:VALUE`."""

    kind: ApprovalKind
    value: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"


class Approval(Document):
    """A person's answer to an escalation, bound to one task text and one base commit."""

    kind: ApprovalKind
    value: str = Field(min_length=1, max_length=MAX_VALUE)
    by: str
    at: str
    bound_to: str

    @property
    def grant(self) -> Grant:
        """What the person granted."""
        return Grant(self.kind, self.value)


class Question(NamedTuple):
    """One escalation as a person is asked about it. All text may come from a model.

    `reason` says who asks and which rule forbids it; `item` is the plan item at work, "" for none;
    `patch` is the change that was made already, b"" for none.
    """

    kind: ApprovalKind
    value: str
    reason: str
    task_id: str
    run_id: str
    item: str = ""
    patch: bytes = b""


def binding_of(*, task_sha256: str, base_sha: str, head_sha: str) -> str:
    """Return what a grant is bound to, as one hash; when it is another, the grant is void.

    Args:
        task_sha256: of the task file's bytes.
        base_sha: the commit that the run works on.
        head_sha: the commit that the checkout stands on.
    """
    commits = base_sha if head_sha == base_sha else f"{base_sha} {head_sha}"
    return sha256_hex(f"{task_sha256} {commits}".encode())


def standing_grants(approvals: Iterable[Approval], binding: str) -> tuple[Grant, ...]:
    """Return what approvals grant that are bound to what holds now."""
    return tuple(one.grant for one in approvals if one.bound_to == binding)


def void_approvals(approvals: Sequence[Approval], binding: str) -> tuple[Approval, ...]:
    """Return the approvals that do not hold any more and were not given again."""
    standing = standing_grants(approvals, binding)
    return tuple(one for one in approvals if one.grant not in standing)


def grant_command(run_id: str, wanted: Sequence[str]) -> str:
    """Return the shell command that grants escalations (`KIND:VALUE`) and resumes the run."""
    words = ["codex-orchestrator", "run", "--resume", run_id]
    for one in wanted:
        words += ["--approve", one]
    return shlex.join(words)


def protected_change(reason: str, paths: Sequence[str], *, patch: bytes = b"") -> OrchestratorError:
    """Return what stops a run whose change touches protected paths.

    A name that does not show as it is cannot be granted: whoever reads it, or a list that holds
    it, sees another one, or several. Then the run has failed.
    """
    message = f"{reason}: {', '.join(map(one_line, paths))}"
    if not all(shows(char) for path in paths for char in path):
        return LimitReachedError(
            message,
            fix="nobody can grant a name with characters that do not show: let the file be named "
            "otherwise",
            reason="protected-paths",
        )
    return ApprovalRequiredError(message, wanted=tuple(map(edit_of, paths)), patch=patch)


def edit_of(path: str) -> str:
    """Return the escalation for edits of exactly one file, with wildcards in its name escaped."""
    return f"{ApprovalKind.EDIT}:{glob_of(path)}"


def parse_grant(text: str) -> Grant:
    """Parse `KIND:VALUE`, for example `edit:.github/workflows/ci.yml`.

    Raises:
        InputError: the kind is unknown or the value is missing.
    """
    kind, colon, value = text.partition(":")
    if not colon or not value or kind not in set(ApprovalKind):
        raise InputError(
            f"{text!r} is not KIND:VALUE with a kind of {', '.join(ApprovalKind)}",
            field="--approve",
            fix="for example edit:AGENTS.md",
        )
    if not is_utf8(value):
        raise InputError(f"{text!r} is not UTF-8", field="--approve", fix="rename the file first")
    if len(value) > MAX_VALUE:
        raise InputError(
            f"{value[:40]!r}… has {len(value)} characters, the limit is {MAX_VALUE}",
            field="--approve",
            fix="it is too long to be shown to a person; make the change without it",
        )
    return Grant(ApprovalKind(kind), value)
