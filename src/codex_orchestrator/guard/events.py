"""Events: what pre-commit or GitHub says the change is."""

from collections.abc import Mapping
from typing import Any

from codex_orchestrator.guard.views import NOTHING, Wanted
from codex_orchestrator.model.errors import NotCheckedError

MAX_EVENT_BYTES = 32 * 1024 * 1024
_AUDITS = ("schedule", "workflow_dispatch")


def choose_wanted(environment: Mapping[str, str]) -> Wanted:
    """Return what to check when no option says it: pre-commit's refs, GitHub's event, the index.

    Raises:
        NotCheckedError: the event is unreadable or has no change.
    """
    from_ref = environment.get("PRE_COMMIT_FROM_REF", "")
    to_ref = environment.get("PRE_COMMIT_TO_REF", "")
    if from_ref and to_ref:
        return Wanted("range", from_ref, to_ref, "pre-commit")
    if environment.get("PRE_COMMIT_REMOTE_BRANCH"):
        # The first push of a history: the hook runner has no ref to start from. All of it is new.
        return Wanted(
            "range", "", environment.get("PRE_COMMIT_LOCAL_BRANCH") or "HEAD", "pre-commit"
        )
    event_name = environment.get("GITHUB_EVENT_NAME", "")
    if event_name and environment.get("GITHUB_ACTIONS") == "true":
        return from_event(event_name, environment)
    return Wanted("staged", source="staged")


def from_event(name: str, environment: Mapping[str, str]) -> Wanted:
    """Return what a GitHub event asks to be checked.

    Raises:
        NotCheckedError: the payload is unreadable, or the event has no change.
    """
    source = f"GitHub event {name}"
    if name in _AUDITS:
        return Wanted("all", head="HEAD", source=source)
    event = _payload(environment.get("GITHUB_EVENT_PATH", ""), source)
    if name in ("pull_request", "pull_request_target"):
        base = _sha(event, "pull_request", "base", "sha")
        return Wanted("range", base, _sha(event, "pull_request", "head", "sha"), source)
    if name == "merge_group":
        base = _sha(event, "merge_group", "base_sha")
        return Wanted("range", base, _sha(event, "merge_group", "head_sha"), source)
    if name == "push":
        return _push(event, source)
    raise NotCheckedError(
        f"the {source} has no change to check",
        fix="say what to check: `guard --base REF`, or `guard --all`",
    )


def _push(event: dict[str, Any], source: str) -> Wanted:
    before, after = _sha(event, "before"), _sha(event, "after")
    if not after.strip("0"):
        return Wanted(NOTHING, source=source)
    if before.strip("0"):
        return Wanted("range", before, after, source)
    branch = str(_at(event, "repository", "default_branch") or "")
    if branch and str(event.get("ref")) != f"refs/heads/{branch}":
        return Wanted("range", f"refs/remotes/origin/{branch}", after, source)
    return Wanted("range", "", after, source)


def _payload(path: str, source: str) -> dict[str, Any]:
    import json

    try:
        with open(path, "rb") as stream:
            event = json.loads(stream.read(MAX_EVENT_BYTES))
    except (OSError, ValueError, RecursionError) as error:
        raise NotCheckedError(
            f"the payload of the {source} cannot be read", fix="GITHUB_EVENT_PATH names its file"
        ) from error
    if not isinstance(event, dict):
        raise NotCheckedError(f"the payload of the {source} is no JSON object")
    return event


def _at(event: object, *names: str) -> object:
    for name in names:
        event = event.get(name) if isinstance(event, dict) else None
    return event


def _sha(event: dict[str, Any], *names: str) -> str:
    value = _at(event, *names)
    if isinstance(value, str) and len(value) in (40, 64) and not value.strip("0123456789abcdef"):
        return value
    raise NotCheckedError(
        f"the GitHub event has no commit at {'.'.join(names)}",
        fix="run the guard in a job of a pull_request, push or merge_group event, or give --base",
    )
