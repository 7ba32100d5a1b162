"""The sticky comment: one comment of ours per key, created once, updated later, read back.

A comment is ours when its first line is our marker with our key and its author is us: anyone
can write a marker, so a marker alone proves nothing.
"""

import hashlib
import re
import urllib.parse
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from codex_orchestrator.github.pull_request import (
    Comment,
    CommentGoneError,
    PullRequest,
    RefusedWriteError,
    UnclearWriteError,
)
from codex_orchestrator.model.delivery import Delivery, Posted, Undelivered
from codex_orchestrator.model.errors import ServiceError
from codex_orchestrator.text.markdown import COMMENT_LIMIT, Markdown, capped

_MARKER = re.compile(
    r"<!-- codex-orchestrator:1 key=([A-Za-z0-9%._/-]{1,600}) run=(\d{1,18})\.(\d{1,9}) "
    r"head=([0-9a-f]{40}|[0-9a-f]{64}) digest=([0-9a-f]{64}) -->"
)
_MARKER_ROOM = 1_000
_NOTICE = Markdown("_Cut here: a comment cannot hold more. The job summary has all of it._")
_PAUSES_S = (2.0, 5.0)
"""Seconds to wait after each create whose outcome is unknown."""

CommentAction = Literal["created", "updated", "unchanged", "superseded"]
"""What was done; with `superseded` a newer run's text was left alone."""


@dataclass(frozen=True, kw_only=True)
class StickyText:
    """What the comment shall say, and for which key, run and commit.

    `run` is CI's run number and attempt: of two texts for one key the higher one is newer.
    """

    key: str
    run: tuple[int, int]
    head_sha: str
    text: Markdown

    def body(self) -> str:
        """Return the comment: the marker line, then the text, within GitHub's limit."""
        text = capped(self.text, limit=COMMENT_LIMIT - _MARKER_ROOM, notice=_NOTICE).rstrip()
        run = f"{self.run[0]}.{self.run[1]}"
        return (
            f"<!-- codex-orchestrator:1 key={self.key} run={run} "
            f"head={self.head_sha} digest={_digest(text)} -->\n{text}"
        )


def comment_key(*parts: str) -> str:
    """Return the key of a comment from arbitrary names."""
    return "/".join(urllib.parse.quote(part, safe="")[:150] for part in parts)


def keep_comment(
    pull_request: PullRequest,
    sticky: StickyText,
    *,
    author: str,
    wait: Callable[[float], None],
) -> Delivery:
    """Make sure that the pull request has one comment of ours for the key, and read it back.

    Args:
        pull_request: where the comment is.
        sticky: the text and its key.
        author: the login of the account that our token belongs to.
        wait: sleeps for a number of seconds.

    Raises:
        RefusedWriteError: the token may not write.
        UnclearWriteError: GitHub failed, and the comment does not exist.
        ServiceError: the comment differs from what was written.
    """
    body = sticky.body()
    listed = pull_request.list()
    ours = _ours(listed, sticky.key, author)
    newer = next((found for found in ours if _key_and_run(found)[1] > sticky.run), None)
    if newer is not None:
        return _delivered(newer, "superseded")
    if len(ours) == 1 and _plain(ours[0].body) == body:
        return _delivered(ours[0], "unchanged")
    edited = _edit_oldest(pull_request, ours, body)
    if edited is not None:
        return _read_back(pull_request, edited, body, "updated")
    created = _create_once(pull_request, body, known={found.id for found in listed}, wait=wait)
    earlier = _ours(listed, sticky.key, created.author) if created.author != author else []
    if earlier:
        # The token writes under another name than `author`, and has written here before.
        replaced = _edit_oldest(pull_request, [*earlier, created], body)
        return _read_back(pull_request, replaced or created, body, "updated")
    return _read_back(pull_request, created, body, "created")


def _key_and_run(comment: Comment) -> tuple[str, tuple[int, int]]:
    found = _MARKER.fullmatch(_plain(comment.body).partition("\n")[0])
    return (found[1], (int(found[2]), int(found[3]))) if found else ("", (0, 0))


def _ours(comments: list[Comment], key: str, author: str) -> list[Comment]:
    found = [item for item in comments if item.author == author and _key_and_run(item)[0] == key]
    return sorted(found, key=lambda item: item.id)


def _edit_oldest(pull_request: PullRequest, ours: list[Comment], body: str) -> Comment | None:
    """Edit the oldest comment that can be edited and delete the others.

    None if none can be edited.
    """
    for index, comment in enumerate(ours):
        try:
            edited = pull_request.edit(comment.id, body)
        except (CommentGoneError, RefusedWriteError):
            continue
        for other in ours[index + 1 :]:
            with suppress(CommentGoneError, RefusedWriteError):
                pull_request.delete(other.id)
        return edited
    return None


def _create_once(
    pull_request: PullRequest, body: str, *, known: set[int], wait: Callable[[float], None]
) -> Comment:
    """Create a comment. After a failure with an unknown outcome, look before trying again."""
    for pause_s in _PAUSES_S:
        try:
            return pull_request.create(body)
        except UnclearWriteError as error:
            failure = error
        wait(pause_s)
        for found in pull_request.list():
            if found.id not in known and _plain(found.body) == body:
                return found
    raise failure


def _read_back(
    pull_request: PullRequest, written: Comment, body: str, action: CommentAction
) -> Delivery:
    found = pull_request.get(written.id)
    if _plain(found.body) != body:
        raise ServiceError(
            f"comment {written.id} reads back differently from what was written",
            fix="publish the run again; if this repeats, find out who else edits the comment",
        )
    return _delivered(found, action)


def _delivered(comment: Comment, action: CommentAction) -> Delivery:
    text = _plain(comment.body).partition("\n")[2]
    is_newer = action == "superseded"
    return Delivery(
        posted=Posted.FALSE if is_newer else Posted.TRUE,
        reason=Undelivered.NEWER_RUN if is_newer else None,
        detail="a newer run has published its review, which was not changed" if is_newer else "",
        comment_id=comment.id,
        comment_url=comment.url,
        comment_author=comment.author,
        comment_action=action,
        comment_digest=_digest(text),
    )


def _plain(body: str) -> str:
    """Return a body with normalised line ends, because GitHub's editor writes different ones."""
    return body.replace("\r\n", "\n").rstrip()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
