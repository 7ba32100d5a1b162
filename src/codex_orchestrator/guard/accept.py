"""Accept a spec: set review date, one approval and the status, and change no other byte."""

import re

from codex_orchestrator.guard.config_table import ROLE
from codex_orchestrator.guard.dates import parse_day
from codex_orchestrator.guard.frontmatter import FrontMatter, read_mapping
from codex_orchestrator.guard.new_spec import quote
from codex_orchestrator.guard.specs import APPROVED, DRAFT
from codex_orchestrator.model.errors import InputError

MAX_NAME = 200

_REVIEW = re.compile(r"(?m)^([\"']?last_review[\"']?:[ ]*)[^#\r\n]*?([ ]*(?: #[^\r\n]*)?)(\r?)$")
_STATUS = re.compile(r"(?m)^([\"']?status[\"']?:)[^#\r\n]*?([ ]*(?: #[^\r\n]*)?)(\r?)$")
_HEADER = re.compile(r"(?m)^[\"']?approvals[\"']?:[ ]*(\[[ ]*\])?[ ]*(?:#[^\r\n]*)?\r?\n?$")
_ITEM = re.compile(r"^([ ]*)-[ ]")


def accept(
    data: bytes, *, path: str, reviewer: str, role: str, day: str, has_own_status: bool = False
) -> bytes:
    """Return the spec's bytes, approved: the review of a day and the approval of a role.

    Args:
        data: the spec as it is.
        path: its name, for messages.
        reviewer: who reviewed.
        role: in which role; an earlier approval of that role is replaced.
        day: the day of the review, `YYYY-MM-DD`.
        has_own_status: whether the status has words of its own, which the caller sets.

    Raises:
        InputError: the spec, the name or the role is not valid.
    """
    check_words(reviewer, role)
    before = read_mapping(data)
    if isinstance(before, str):
        fix = "correct the front matter first; see docs/guard.md"
        raise InputError(before, path=path, line=1, fix=fix)
    front = data[before.start : before.end].decode()
    newline = "\r\n" if front.endswith("\r\n") else "\n"
    latest = latest_review(before.values.get("last_review"), day)
    front = _set_review(front, latest, newline)
    values = {**before.values, "last_review": latest}
    if not has_own_status:
        front = _set_status(front, newline, before, path)
        values["status"] = before.values.get("status") if _is_approved(before) else APPROVED
    item = f"- {{role: {role}, by: {quote(reviewer)}, on: {day}}}{newline}"
    front = _set_approval(front, role, item, newline, before, path)
    result = data[: before.start] + front.encode() + data[before.end :]
    entry = {"role": role, "by": reviewer, "on": day}
    _check_result(result, before, values, path=path, entry=entry)
    return result


def latest_review(review: object, day: str) -> str:
    """Return the later of two review days; adding an earlier review keeps the later one."""
    known = parse_day(review) if isinstance(review, str) else None
    new = parse_day(day)
    return str(review) if known is not None and new is not None and known > new else day


def check_words(reviewer: str, role: str) -> None:
    """Check the name and the role of who reviewed.

    Raises:
        InputError: one of them is not valid.
    """
    if not re.fullmatch(ROLE, role):
        raise InputError(
            f"{role!r} is not a valid role",
            field="--role",
            fix="lowercase letters, digits, `.`, `_`, `-`",
        )
    if not reviewer.strip() or not reviewer.isprintable() or len(reviewer) > MAX_NAME:
        raise InputError(
            "the name of a reviewer has 1 to 200 visible characters", field="--reviewer"
        )


def _set_review(front: str, day: str, newline: str) -> str:
    changed, count = _REVIEW.subn(rf"\g<1>{day}\g<2>\g<3>", front, count=1)
    if count:
        return re.sub(r"(?m)^([\"']?last_review[\"']?:)(?=\d)", r"\1 ", changed)
    return f"{front}last_review: {day}{newline}"


def _is_approved(front: FrontMatter) -> bool:
    return str(front.values.get("status")).strip().lower() == APPROVED


def _set_status(front: str, newline: str, before: FrontMatter, path: str) -> str:
    if _is_approved(before):
        return front
    status = str(before.values.get("status") or "").strip().lower()
    if status not in (DRAFT, ""):
        raise InputError(
            f"the status is {status[:40]!r}, and a review does not approve such a spec",
            path=path,
            line=before.lines.get("status", 0) + 1,
            field="status",
            fix=f"set `status: {DRAFT}` first, if the spec is meant to allow code again",
        )
    changed, count = _STATUS.subn(rf"\g<1> {APPROVED}\g<2>\g<3>", front, count=1)
    return changed if count else f"{front}status: {APPROVED}{newline}"


def _set_approval(
    front: str, role: str, item: str, newline: str, before: FrontMatter, path: str
) -> str:
    lines = front.splitlines(keepends=True)
    if "approvals" not in before.values:
        return f"{front}approvals:{newline}  {item}"
    at = next((n for n, line in enumerate(lines) if _HEADER.match(line)), None)
    if at is None or not isinstance(before.values["approvals"] or [], list):
        raise InputError(
            "there must be one approval per line",
            path=path,
            line=before.lines.get("approvals", 0) + 1,
            fix="write `approvals:` and below it one `- {role: …, by: …, on: …}` to a line",
        )
    roles = _roles(before)
    if not roles:
        lines[at] = f"approvals:{newline}  {item}"
        return "".join(lines)
    starts = [before.lines[f"approvals.{number}"] - 1 for number in range(len(roles))]
    found = _ITEM.match(lines[starts[0]])
    ends = [*starts[1:], _end_of_block(lines, starts[-1])]
    item = (found[1] if found else "  ") + item
    if role in roles:
        number = roles.index(role)
        lines[starts[number] : ends[number]] = [item]
    else:
        lines.insert(ends[-1], item)
    return "".join(lines)


def _roles(front: FrontMatter) -> list[str]:
    """Return the role of each approval; "" for an entry without one."""
    return [
        str(entry.get("role", "")).strip().lower() if isinstance(entry, dict) else ""
        for entry in front.values.get("approvals") or []
    ]


def _end_of_block(lines: list[str], start: int) -> int:
    """Return the line after the list entry that starts at a line."""
    found = _ITEM.match(lines[start])
    depth = len(found[1]) if found else 0
    stop = start + 1
    for number in range(start + 1, len(lines)):
        text = lines[number]
        if text.strip() and len(text) - len(text.lstrip(" ")) <= depth:
            break
        if text.strip():
            stop = number + 1
    return stop


def _check_result(
    result: bytes,
    before: FrontMatter,
    values: dict[str, object],
    *,
    path: str,
    entry: dict[str, str],
) -> None:
    """Parse the result: it has the intended values and this approval, and nothing else differs.

    Raises:
        InputError: the front matter has a form that cannot be edited safely.
    """
    after = read_mapping(result)
    role = entry["role"]
    approvals = list(before.values.get("approvals") or [])
    roles = _roles(before)
    if role in roles:
        approvals[roles.index(role)] = entry
    else:
        approvals.append(entry)
    if isinstance(after, str) or after.values != {**values, "approvals": approvals}:
        raise InputError(
            "last_review, status or approvals have a form that cannot be edited safely",
            path=path,
            line=before.lines.get("approvals", before.lines.get("last_review", 0)) + 1,
            fix="write `last_review: YYYY-MM-DD` and one `- {role: …, by: …, on: …}` to a line",
        )
