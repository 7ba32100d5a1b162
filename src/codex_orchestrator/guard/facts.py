"""What the guard knows about the text of one spec. Facts follow from the bytes alone.

No verdict is in here and no date has been judged, so facts may be cached under the blob's id.
"""

from codex_orchestrator.text.globs import glob_problem, literal_prefix
from codex_orchestrator.text.lean_typing import Any, NamedTuple

ApprovalFacts = tuple[str, str, str, int]
"""Role, by, on, line."""


class Facts(NamedTuple):
    """Front matter as written. Lines count from 1 in the file; 0 means missing."""

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
    """The part of each glob in `paths` before its first wildcard, to exclude quickly what cannot
    match."""
    notation: tuple[str, ...] = ()
    """Of a document in another format: the names of its status and of its date as it writes them,
    and what is to be said of its status. Empty for front matter of ours."""

    @property
    def status_name(self) -> str:
        """What the document calls its status."""
        return self.notation[0] if self.notation else "status"

    @property
    def date_name(self) -> str:
        """What the document calls the day of its review."""
        return self.notation[1] if self.notation else "last_review"

    @property
    def remark(self) -> str:
        """What is to be said of the status beyond what it is; "" for nothing."""
        return self.notation[2] if self.notation else ""


NO_SPEC = Facts(status="draft", notation=("status", "date", ""))
"""The facts of a file that only lies among specs: a template, a list of them, a plan of one."""


RawFacts = tuple[Any, ...]
"""Facts as a plain tuple, for the cache and for loops over thousands of specs."""

STATUS = Facts._fields.index("status")
REVIEW = Facts._fields.index("review")
APPROVALS = Facts._fields.index("approvals")
PREFIXES = Facts._fields.index("prefixes")


def malformed(problem: str, line: int) -> Facts:
    """Return the facts of a file whose front matter is not valid."""
    return Facts(problem=problem, problem_line=line)


Values = dict[str, Any]
Lines = dict[str, int]

MAX_GLOBS = 1000
"""Each glob is compiled; a hostile spec must not take more than a second."""

_SINGLE = ("id", "title", "status", "last_review")
_SIGNED = ("role", "by", "on")
_NESTED = (list, dict)
_SCALARS = (str, int)  # a plain number is text here; the strict parser makes it an integer


def build_facts(
    values: Values, lines: Lines, *, offset: int = 0, body_review_line: int = 0
) -> Facts:
    """Make facts from parsed front matter.

    Args:
        values: the mapping; scalars are text, except those that strict YAML converts.
        lines: dotted key to line, counted from 1 within the front matter.
        offset: number of lines above the front matter.
        body_review_line: line of a review date in the body, or 0.
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
    first = lines.get("paths", 0)
    if not isinstance(paths, list):
        return malformed("`paths` must be a list of globs", first + offset)
    if len(paths) > MAX_GLOBS:
        return malformed(f"`paths` has over {MAX_GLOBS} globs", first + offset)
    found = []
    for position, glob in enumerate(paths):
        text = str(glob)
        problem = glob_problem(text) if glob.__class__ in _SCALARS else "must be text"
        if problem:
            line = (lines.get(f"paths.{position}") or first) + offset
            return malformed(f"`paths`: {glob!r:.80} {problem}", line)
        found.append(text)
    return tuple(found)


def _approvals(values: Values, lines: Lines, offset: int) -> tuple[ApprovalFacts, ...] | Facts:
    approvals = values.get("approvals")
    if approvals is None:
        return ()
    first = lines.get("approvals", 0)
    if not isinstance(approvals, list):
        return malformed("`approvals` must be a list of {role, by, on}", first + offset)
    found: list[ApprovalFacts] = []
    for position, entry in enumerate(approvals):
        line = (lines.get(f"approvals.{position}") or first) + offset
        signed = [entry.get(key) for key in _SIGNED] if isinstance(entry, dict) else None
        if signed is None or any(value.__class__ in _NESTED for value in signed):
            return malformed("an approval must have the form {role, by, on}", line)
        role, by, on = map(_text, signed)
        found.append((role, by, on, line))
    return tuple(found)


def _text(value: object) -> str:
    if value is None:
        return ""
    text = str(value).strip()
    return text.lower() if isinstance(value, bool) else text
