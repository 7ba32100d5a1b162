"""Codemods: change a text as rules say, or leave it exactly as it is and say why."""

from collections.abc import Sequence
from typing import NamedTuple

from codex_orchestrator.patterns.asset import Additions, Asset
from codex_orchestrator.patterns.engine import (
    Hit,
    count_errors,
    expand,
    find_config,
    find_hits,
    parse,
)
from codex_orchestrator.patterns.files import SkipFile
from codex_orchestrator.patterns.imports import Insertion, compiles, plan_additions
from codex_orchestrator.patterns.prefilter import needs_of
from codex_orchestrator.patterns.rule import Rule

_MAX_PASSES = 20
_MAX_EDITS = 20_000


class Edit(NamedTuple):
    """Replace the characters from `start` to `end`."""

    start: int
    end: int
    text: str


class _Plan(NamedTuple):
    """Edits of one pass in order of place, and how deep matches lie in each other."""

    edits: list[Edit]
    depth: int


class ChangedText(NamedTuple):
    """A text after a codemod, and how many places it changed. Zero edits: the same text."""

    text: str
    edits: int


def change_text(asset: Asset, text: str, language: str) -> ChangedText:
    """Apply a codemod to one text until it changes nothing more.

    Raises:
        SkipFile: the file is to be left alone, or the result would not be safe: edits that
            overlap, new syntax errors, or a codemod that matches its own output.
    """
    rules = [rule for rule in asset.rules if rule.language == language]
    if not any(needs_of(rule).is_met_by(text) for rule in rules):
        return ChangedText(text, 0)
    root = parse(text, language)
    plan = _plan(text, find_hits(text, root, rules))
    if not plan.edits:
        return ChangedText(text, 0)
    for unless in asset.source.unless:
        if find_config(root, {"rule": unless.rule.config()}, source=asset.source.id):
            raise SkipFile(unless.reason)
    result = _settle(text, plan, rules, language, asset.source.adds)
    _refuse_broken(text, count_errors(root), result.text, language)
    return result


def _settle(
    text: str, plan: _Plan, rules: Sequence[Rule], language: str, adds: Additions
) -> ChangedText:
    """Edit in passes: inner matches wait for the next pass, all others must be gone by then."""
    count = 0
    insertions: list[Insertion] = []
    if adds != Additions():
        insertions = plan_additions(
            text, imports=adds.imports, statement=adds.statement, first_use=plan.edits[0].start
        )
    for _ in range(_MAX_PASSES):
        if plan.depth > _MAX_PASSES:
            break
        count += len(plan.edits)
        if count > _MAX_EDITS:
            raise SkipFile(f"more than {_MAX_EDITS} places to change")
        text = apply_edits(text, plan.edits, insertions)
        insertions = []
        may_go_on = plan.depth > 1
        plan = _plan(text, find_hits(text, parse(text, language), rules))
        if not plan.edits:
            return ChangedText(text, count)
        if not may_go_on:
            raise SkipFile("the codemod matches its own output")
    raise SkipFile(f"still changing after {_MAX_PASSES} passes")


def _plan(text: str, hits: list[Hit]) -> _Plan:
    """Plan the outermost edits; matches inside an edit wait for the next pass."""
    edits: list[Edit] = []
    depth = 0
    open_ends: list[int] = []
    for hit in hits:
        while open_ends and open_ends[-1] <= hit.start:
            open_ends.pop()
        last = edits[-1] if edits else None
        if last is not None and hit.start < last.end and (hit.start, hit.end) != last[:2]:
            if hit.end > last.end:
                raise SkipFile(f"edits overlap at line {hit.line}")
            open_ends.append(hit.end)
            depth = max(depth, len(open_ends))
            continue
        new = expand(hit.rule.fix or "", hit, text)
        if last is not None and (hit.start, hit.end) == last[:2]:
            if new != last.text:
                raise SkipFile(f"edits overlap at line {hit.line}")
        elif new != text[hit.start : hit.end]:
            edits.append(Edit(hit.start, hit.end, new))
            open_ends = [hit.end]
            depth = max(depth, 1)
    return _Plan(edits, depth)


def apply_edits(text: str, edits: list[Edit], insertions: list[Insertion]) -> str:
    """Return a text with edits and insertions made; insertions at the same place keep their order.

    Raises:
        SkipFile: an insertion lies inside an edit.
    """
    pieces: list[str] = []
    place = 0
    newline = "\r\n" if "\r\n" in text else "\n"
    steps = [Edit(found.offset, found.offset, found.text) for found in insertions]
    for edit in sorted([*steps, *edits], key=lambda step: (step.start, step.end)):
        if edit.start < place:
            raise SkipFile("edits overlap")
        pieces.append(text[place : edit.start])
        new = edit.text
        if edit.start == edit.end == place and "".join(pieces[-2:]).endswith(newline * 2):
            new = new.removeprefix(newline)
        pieces.append(new)
        place = edit.end
    return "".join([*pieces, text[place:]])


def _refuse_broken(before: str, errors: int, after: str, language: str) -> None:
    if count_errors(parse(after, language)) > errors:
        raise SkipFile("the result would have new syntax errors")
    if language == "python" and compiles(before) and not compiles(after):
        raise SkipFile("the result would not be valid Python")
