"""The event that started a workflow: which commits, which pull request.

The one place that reads `GITHUB_SHA` and the event payload. The payload is not trusted: it
is read with a size limit and every field that is used is checked.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from codex_orchestrator.model.canonical import CanonicalError, load_strict
from codex_orchestrator.model.errors import InputError, NotCheckedError
from codex_orchestrator.system.files import read_given
from codex_orchestrator.text.names import is_object_name

MAX_PAYLOAD_BYTES = 32 * 1024 * 1024

_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}/[A-Za-z0-9._-]{1,100}")
PULL_REQUEST_EVENTS = frozenset(
    ["pull_request", "pull_request_target", "pull_request_review", "pull_request_review_comment"]
)
_COMMIT_ONLY_EVENTS = frozenset(["workflow_dispatch", "schedule", "repository_dispatch"])


@dataclass(frozen=True, kw_only=True)
class ChangeEvent:
    """What an event says about the change. An empty commit name means: the event does not say.

    `checkout_sha` is the commit that a plain checkout gives: on a pull request, GitHub's merge
    commit. Publish on `head_sha`, never on it. A push that made a branch or tag has no base but a
    `default_branch` to compare it with, unless it made that one.
    """

    name: str
    repository: str
    head_sha: str
    checkout_sha: str
    base_sha: str = ""
    pull_request: int | None = None
    default_branch: str = ""


class BranchDeletedError(NotCheckedError):
    """The event is a push that deleted a branch, so it has no commit to check."""


def read_event(environment: Mapping[str, str], *, commits_only: bool = False) -> ChangeEvent:
    """Read the event of the workflow that this process runs in.

    Args:
        environment: needs GITHUB_EVENT_NAME and GITHUB_REPOSITORY; GITHUB_EVENT_PATH for the
            payload, GITHUB_SHA for the commit that was checked out.
        commits_only: leave out the repository's name and the number of the pull request, which
            only publishing needs.

    Raises:
        NotCheckedError: not in a workflow, or the event names no commit; a BranchDeletedError when
            a push deleted its branch.
        InputError: the payload is missing, too large, or one of its fields is not valid.
    """
    name = environment.get("GITHUB_EVENT_NAME", "")
    if not name:
        raise NotCheckedError(
            "not in a GitHub workflow: GITHUB_EVENT_NAME is not set",
            fix="run it in a workflow, or name the commits and the pull request with options",
        )
    repository = "" if commits_only else environment.get("GITHUB_REPOSITORY", "")
    if not commits_only and _REPOSITORY.fullmatch(repository) is None:
        raise InputError(f"{repository!r} is not OWNER/NAME", field="GITHUB_REPOSITORY")
    checkout_sha = environment.get("GITHUB_SHA", "")
    if checkout_sha:
        _sha(checkout_sha, "GITHUB_SHA")
    event = ChangeEvent(
        name=name, repository=repository, head_sha=checkout_sha, checkout_sha=checkout_sha
    )
    if name in _COMMIT_ONLY_EVENTS:
        return event
    payload = _Payload(environment.get("GITHUB_EVENT_PATH", ""), is_strict=not commits_only)
    if name in PULL_REQUEST_EVENTS:
        return _from_pull_request(payload, event, commits_only=commits_only)
    if name == "push":
        return _from_push(payload, event)
    if name == "merge_group":
        return replace(
            event,
            base_sha=payload.sha("merge_group.base_sha"),
            head_sha=payload.sha("merge_group.head_sha"),
        )
    if name == "workflow_run":
        return _from_workflow_run(payload, event)
    raise NotCheckedError(
        f"the event {name!r} does not say which commits to look at",
        fix="use pull_request, push, merge_group, workflow_run, workflow_dispatch or schedule",
    )


def _from_pull_request(
    payload: "_Payload", event: ChangeEvent, *, commits_only: bool
) -> ChangeEvent:
    return replace(
        event,
        base_sha=payload.sha("pull_request.base.sha"),
        head_sha=payload.sha("pull_request.head.sha"),
        pull_request=None if commits_only else payload.number("pull_request.number"),
    )


def _from_push(payload: "_Payload", event: ChangeEvent) -> ChangeEvent:
    after, before = payload.pushed("after"), payload.pushed("before")
    if not after:
        raise BranchDeletedError(
            "the push deleted a branch, so there is no commit to check",
            fix="skip deletions with `if: ${{ !github.event.deleted }}`",
        )
    default = str(payload.find("repository.default_branch") or "")
    is_new_branch = not before and payload.find("ref") != f"refs/heads/{default}"
    return replace(
        event,
        base_sha=before,
        head_sha=after,
        default_branch=default if is_new_branch else "",
    )


def _from_workflow_run(payload: "_Payload", event: ChangeEvent) -> ChangeEvent:
    event = replace(event, head_sha=payload.sha("workflow_run.head_sha"))
    listed = payload.find("workflow_run.pull_requests")
    for number in range(len(listed) if isinstance(listed, list) else 0):
        entry = f"workflow_run.pull_requests.{number}"
        if payload.sha(f"{entry}.head.sha") == event.head_sha:
            return replace(
                event,
                base_sha=payload.sha(f"{entry}.base.sha"),
                pull_request=payload.number(f"{entry}.number"),
            )
    return event


class _Payload:
    """The payload of the event; fields are found by dotted names and checked when they are read."""

    def __init__(self, path: str, *, is_strict: bool) -> None:
        # Whoever needs the commits alone is not stopped by a strange number in another field.
        parse = load_strict if is_strict else json.loads
        if not path:
            raise InputError("is not set", field="GITHUB_EVENT_PATH")
        data = read_given(path, max_bytes=MAX_PAYLOAD_BYTES + 1)
        if len(data) > MAX_PAYLOAD_BYTES:
            raise InputError(f"more than {MAX_PAYLOAD_BYTES} bytes", path=path)
        try:
            self._values: Any = parse(data)
        except CanonicalError as error:
            raise InputError(str(error), path=path) from error
        except (ValueError, RecursionError) as error:
            raise InputError(f"is not valid JSON: {error}", path=path) from error
        if not isinstance(self._values, dict):
            raise InputError("must be a JSON object", path=path)
        self._path = path

    def find(self, field: str) -> Any:
        """Return the value of a field; None when it or a parent of it is missing."""
        value = self._values
        for part in field.split("."):
            if isinstance(value, list) and part.isdigit() and int(part) < len(value):
                value = value[int(part)]
            elif isinstance(value, dict):
                value = value.get(part)
            else:
                return None
        return value

    def number(self, field: str) -> int:
        """Return a field that must be a positive integer."""
        value = self.find(field)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise InputError("must be a positive integer", path=self._path, field=field)
        return value

    def sha(self, field: str) -> str:
        """Return a field that must be a full commit name."""
        return _sha(self.find(field), field, path=self._path)

    def pushed(self, field: str) -> str:
        """Return one end of a push; "" for the zeros of a branch that is new or deleted.

        A field that is missing says neither, and is an error like any other wrong value.
        """
        value = self.find(field)
        return "" if value in ("0" * 40, "0" * 64) else self.sha(field)


def _sha(value: object, field: str, *, path: str = "") -> str:
    if not isinstance(value, str) or not is_object_name(value) or not value.strip("0"):
        raise InputError("must be a full commit name in lowercase hex", path=path, field=field)
    return value
