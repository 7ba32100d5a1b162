"""Accept a document in another format: set its status, the day of the review and one approval.

In front matter, review and approval are written as in a spec of ours; else as fields beside those
that the document has, in their notation. Every other byte stays.
"""

from collections.abc import Callable
from functools import partial

from codex_orchestrator.guard.accept import accept, check_words, latest_review
from codex_orchestrator.guard.document_edits import add_field, add_key, replace_value
from codex_orchestrator.guard.document_facts import (
    APPROVED_BY,
    date_field,
    document_facts,
)
from codex_orchestrator.guard.document_status import read_status, status_fields
from codex_orchestrator.guard.documents import (
    FRONT,
    Document,
    Field,
    fold_name,
    plain,
    read_document,
)
from codex_orchestrator.guard.facts import NO_SPEC, Facts
from codex_orchestrator.guard.frontmatter import split
from codex_orchestrator.guard.recipes import ADR_TOOLS, MADR, REVIEWED, Recipe, is_beside_specs
from codex_orchestrator.guard.specs import APPROVED, SUPERSEDED
from codex_orchestrator.model.errors import InputError

_LAST_REVIEWED = "Last reviewed"
_Find = Callable[[Document, Recipe], Field | None]


def accept_document(
    data: bytes, *, path: str, recipe: Recipe, reviewer: str, role: str, day: str
) -> bytes:
    """Return a document's bytes with its status approved, and the review of a day and a role.

    Args:
        data: the document as it is.
        path: its name, for messages.
        recipe: how documents of its format are read.
        reviewer: who reviewed.
        role: in which role; an earlier approval of that role is replaced.
        day: the day of the review, `YYYY-MM-DD`.

    Raises:
        InputError: the document, the name or the role is not valid, it is no spec, or it was
            superseded.
    """
    check_words(reviewer, role)
    before = _facts(data, recipe)
    _require_open(before, data, path, recipe)
    day = latest_review(before.review, day)
    result = _set_status(data, recipe, path)
    has_front = split(data) is not None
    if has_front:
        result = accept(
            result, path=path, reviewer=reviewer, role=role, day=day, has_own_status=True
        )
    # A date that the configuration names is the one that counts, wherever it stands.
    if not has_front or _facts(result, recipe).review != day:
        usual = fold_name(_LAST_REVIEWED) in recipe.dates
        name = _LAST_REVIEWED if usual else recipe.dates[0].capitalize()
        result = _set_field(result, recipe, path, _review_field, name, day)
    if not has_front:
        signed = f"{reviewer} ({role}), {day}"
        find = partial(_approval_field, role=role)
        result = _set_field(result, recipe, path, find, "Approved by", signed)
    _check_result(before, _facts(result, recipe), path=path, day=day, role=role, reviewer=reviewer)
    return result


def _facts(data: bytes, recipe: Recipe) -> Facts:
    return document_facts(data, size=len(data), recipe=recipe)


def _require_open(before: Facts, data: bytes, path: str, recipe: Recipe) -> None:
    if before.problem:
        fix = "correct this first; see docs/how-to/existing-specs.md"
        raise InputError(before.problem, path=path, line=before.problem_line, fix=fix)
    if before == NO_SPEC or is_beside_specs(path, recipe.kind):
        fix = "copy it, fill in status and date, and accept the copy"
        raise InputError(
            "is a template or goes with a spec, and is none itself", path=path, fix=fix
        )
    if before.status == SUPERSEDED:
        problem = f"{before.status_name} is {before.remark}: no review brings it back"
        fix = "write a new record, or correct the status first"
        raise InputError(problem, path=path, line=before.status_line, fix=fix)
    states = status_fields(read_document(data.decode()), recipe)
    if len([field for field in states if plain(field.value)]) > 1:
        places = " and ".join(str(field.line) for field in states)
        problem = f"the status is said more than once, in lines {places}"
        raise InputError(problem, path=path, line=states[0].line, fix="keep one of them")
    if states and before.remark:
        fix = "give the word a meaning in `guard.specs_status`, or write another status"
        raise InputError(before.remark, path=path, line=before.status_line, fix=fix)


def _set_status(data: bytes, recipe: Recipe, path: str) -> bytes:
    document = read_document(data.decode())
    states = status_fields(document, recipe)
    if read_status(states, recipe) == (APPROVED, ""):
        return data
    usual = {MADR: "accepted", ADR_TOOLS: "Accepted"}.get(recipe.kind, "Approved")
    words = [word for word, status in recipe.words if status == APPROVED]
    word = usual if usual.casefold() in words else words[0]
    if states and states[0].place == FRONT:
        word = word.lower()
    if not states and split(data) is not None:
        return add_key(data, recipe.status[0], word.lower())
    if not states:
        return add_field(document, recipe, path, recipe.status[0].capitalize(), word)
    return replace_value(document, states[0], word)


def _set_field(data: bytes, recipe: Recipe, path: str, find: _Find, name: str, value: str) -> bytes:
    document = read_document(data.decode())
    field = find(document, recipe)
    if field is not None:
        return replace_value(document, field, value)
    return add_field(document, recipe, path, name, value)


def _review_field(document: Document, recipe: Recipe) -> Field | None:
    """Return the field to write a review into: never the day on which something was decided."""
    field = date_field(document, recipe)
    is_history = fold_name(_LAST_REVIEWED) in recipe.dates
    return None if field is not None and is_history and field.name not in REVIEWED else field


def _approval_field(document: Document, _recipe: Recipe, *, role: str) -> Field | None:
    for field in document.fields:
        if field.name == APPROVED_BY and f" ({role}), " in field.value:
            return field
    return None


def _check_result(
    before: Facts, after: Facts, *, path: str, day: str, role: str, reviewer: str
) -> None:
    """Require that just what was meant is read from the result.

    Raises:
        InputError: the document has a form that cannot be edited safely.
    """
    said = {(entry[0], entry[1], entry[2]) for entry in after.approvals}
    is_kept = (after.spec_id, after.paths) == (before.spec_id, before.paths)
    others = {entry[:3] for entry in before.approvals if entry[0] != role}
    is_right = after.status == APPROVED and after.review == day and (role, reviewer, day) in said
    if after.problem or not is_kept or not is_right or not others <= said:
        raise InputError(
            "its status or date has a form that cannot be edited safely",
            path=path,
            line=before.status_line,
            fix="write status and date by hand, one to a line; see docs/how-to/existing-specs.md",
        )
