"""What the guard knows about the text of one spec. Facts follow from the bytes alone.

No verdict is in here and no date has been judged, so facts may be cached under the blob's id.
"""

from typing import NamedTuple

from codex_orchestrator.guard.globs import glob_problem

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


def malformed(problem: str, line: int) -> Facts:
    """Return the facts of a file whose front matter cannot be trusted."""
    return Facts(problem=problem, problem_line=line)


def build_facts(
    values: dict[str, object], lines: dict[str, int], *, offset: int = 0, body_review_line: int = 0
) -> Facts:
    """Make facts from parsed front matter.

    Args:
        values: the mapping; scalars are text, except what strict YAML makes of plain words.
        lines: dotted key to line, counted from 1 within the front matter.
        offset: lines above the front matter.
        body_review_line: where the body has a review date, 0 when it has none.
    """

    def line(key: str) -> int:
        return lines.get(key, 0) + offset

    for key in ("id", "title", "status", "last_review"):
        if isinstance(values.get(key), (list, dict)):
            return malformed(f"`{key}` must be one value", line(key))
    paths = values.get("paths")
    if paths is None:
        paths = []
    if isinstance(paths, str):
        paths = [paths]
    if not isinstance(paths, list):
        return malformed("`paths` must be a list of globs", line("paths"))
    for position, glob in enumerate(paths):
        problem = glob_problem(glob) if isinstance(glob, str) else "must be text"
        if problem:
            return malformed(f"`paths`: {glob!r:.80} {problem}", line(f"paths.{position}"))
    approvals = values.get("approvals")
    if approvals is None:
        approvals = []
    if not isinstance(approvals, list):
        return malformed("`approvals` must be a list of {role, by, on}", line("approvals"))
    found: list[ApprovalFacts] = []
    for position, entry in enumerate(approvals):
        place = line(f"approvals.{position}")
        if not isinstance(entry, dict) or any(isinstance(v, (list, dict)) for v in entry.values()):
            return malformed("an approval must have the form {role, by, on}", place)
        role, by, on = (_text(entry.get(name)) for name in ("role", "by", "on"))
        found.append((role, by, on, place))
    return Facts(
        spec_id=_text(values.get("id")),
        status=_text(values.get("status")).lower(),
        status_line=line("status") if "status" in values else 0,
        review=_text(values.get("last_review")),
        review_line=line("last_review") if "last_review" in values else 0,
        body_review_line=body_review_line,
        paths=tuple(str(glob) for glob in paths),
        paths_line=line("paths") if "paths" in values else 0,
        approvals=tuple(found),
    )


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip()
