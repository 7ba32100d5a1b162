"""What the guard knows about the text of one spec. Facts follow from the bytes alone.

No verdict is in here and no date has been judged, so facts may be cached under the blob's id.
"""

from typing import Any, NamedTuple

from codex_orchestrator.text.globs import glob_problem, literal_prefix

ApprovalFacts = tuple[str, str, str, int]
"""Role, by, on, line."""


class Facts(NamedTuple):
    """Front matter as written. Lines count from 1 in the file; 0 means: not there."""

    problem: str = ""
    problem_line: int = 0
    spec_id: str = ""
    status: str = ""
    status_line: int = 0
    review: str = ""
    review_line: int = 0
    body_review_line: int = 0
    paths: tuple[str, ...] = ()
    paths_line: int = 0
    approvals: tuple[ApprovalFacts, ...] = ()
    prefixes: tuple[str, ...] = ()
    """What each of `paths` starts with, up to its first wildcard: a quick "cannot match"."""


RawFacts = tuple[Any, ...]
"""Facts as a plain tuple, for the cache and for passes over thousands of specs."""

STATUS = Facts._fields.index("status")
REVIEW = Facts._fields.index("review")
PREFIXES = Facts._fields.index("prefixes")


def malformed(problem: str, line: int) -> Facts:
    """Return the facts of a file whose front matter cannot be trusted."""
    return Facts(problem=problem, problem_line=line)


Values = dict[str, Any]
Lines = dict[str, int]

MAX_GLOBS = 1000
"""Each glob becomes an expression; a hostile spec must not cost more than a second."""

_SINGLE = ("id", "title", "status", "last_review")
_NESTED = (list, dict)
_SCALARS = (str, int)  # a plain number is text to us; the strict parser makes it an integer


def build_facts(
    values: Values, lines: Lines, *, offset: int = 0, body_review_line: int = 0
) -> Facts:
    """Make facts from parsed front matter.

    Args:
        values: the mapping; scalars are text, except what strict YAML makes of plain words.
        lines: dotted key to line, counted from 1 within the front matter.
        offset: lines above the front matter.
        body_review_line: where the body has a review date, 0 when it has none.
    """
    for key in _SINGLE:
        if values.get(key).__class__ in _NESTED:
            return malformed(f"`{key}` must be one value", lines.get(key, 0) + offset)
    paths = _paths(values, lines, offset)
    approvals = _approvals(values, lines, offset)
    if isinstance(paths, Facts):
        return paths
    if isinstance(approvals, Facts):
        return approvals
    return Facts(
        "",
        0,
        _text(values.get("id")),
        _text(values.get("status")).lower(),
        lines["status"] + offset if "status" in values else 0,
        _text(values.get("last_review")),
        lines["last_review"] + offset if "last_review" in values else 0,
        body_review_line,
        paths,
        lines["paths"] + offset if "paths" in values else 0,
        approvals,
        tuple([literal_prefix(glob).rstrip("/") for glob in paths]),
    )


def _paths(values: Values, lines: Lines, offset: int) -> tuple[str, ...] | Facts:
    paths = values.get("paths")
    if paths is None:
        return ()
    if paths.__class__ in _SCALARS:
        paths = [paths]
    if not isinstance(paths, list):
        return malformed("`paths` must be a list of globs", lines.get("paths", 0) + offset)
    if len(paths) > MAX_GLOBS:
        return malformed(f"`paths` has over {MAX_GLOBS} globs", lines.get("paths", 0) + offset)
    found = []
    for position, glob in enumerate(paths):
        text = str(glob)
        problem = glob_problem(text) if glob.__class__ in _SCALARS else "must be text"
        if problem:
            line = lines.get(f"paths.{position}") or lines.get("paths", 0)
            return malformed(f"`paths`: {glob!r:.80} {problem}", line + offset)
        found.append(text)
    return tuple(found)


def _approvals(values: Values, lines: Lines, offset: int) -> tuple[ApprovalFacts, ...] | Facts:
    approvals = values.get("approvals")
    if approvals is None:
        return ()
    if not isinstance(approvals, list):
        line = lines.get("approvals", 0) + offset
        return malformed("`approvals` must be a list of {role, by, on}", line)
    found: list[ApprovalFacts] = []
    for position, entry in enumerate(approvals):
        line = (lines.get(f"approvals.{position}") or lines.get("approvals", 0)) + offset
        if not isinstance(entry, dict):
            return malformed("an approval must have the form {role, by, on}", line)
        role, by, on = entry.get("role"), entry.get("by"), entry.get("on")
        if role.__class__ in _NESTED or by.__class__ in _NESTED or on.__class__ in _NESTED:
            return malformed("an approval must have the form {role, by, on}", line)
        found.append((_text(role), _text(by), _text(on), line))
    return tuple(found)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value.strip()
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
