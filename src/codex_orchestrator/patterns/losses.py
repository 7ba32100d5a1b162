"""What the new version of a test judges less than the old one, by their measures."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Literal

from codex_orchestrator.patterns.file_facts import Measure
from codex_orchestrator.patterns.strength import EXACT, STRICT, WEAK
from codex_orchestrator.text.shown import counted

Kind = Literal[
    "skipped",
    "only",
    "removed",
    "renamed",
    "emptied",
    "assertion-removed",
    "loosened",
    "parameters-removed",
    "returns-early",
    "unreadable",
]
_CONSTANT_CONDITION = re.compile(r"[iI]f\(\s*(?:True|true|False|false|1|0|not \w+)\s*[,)]")
_CALL = re.compile(r"[\w.]+\([^()]*\)")
_RECORDS = re.compile(r"(?:assert )?(?:[A-Z]\w*)?[(\[].*[)\]] == (?:[A-Z]\w*)?[(\[].*[)\]]")


def compare_assertions(before: Measure, after: Measure) -> Iterator[tuple[Kind, str]]:
    """Say which assertions are gone, or say less than before."""
    is_same_shape = len(before.tables) == len(after.tables)
    old = _repeated(before, with_tables=not is_same_shape)
    new = _repeated(after, with_tables=not is_same_shape)
    lost, gained = old - new, new - old
    fewer = _count(lost, WEAK) - _count(gained, WEAK)
    if fewer > 0 and not _is_merged(lost, gained):
        text = next(text for (text, strength) in lost if strength >= WEAK)
        always = "; another cannot fail" if _count(gained, 0) > _count(gained, WEAK) else ""
        yield "assertion-removed", f"{counted(fewer, 'assertion')} fewer: {text}{always}"
        return
    now_conditional = after.conditional - before.conditional
    if now_conditional > 0 and after.total - after.conditional < before.total - before.conditional:
        yield "assertion-removed", f"{counted(now_conditional, 'assertion')} only on a condition"
        return
    for strength in (STRICT, EXACT):
        if _count(lost, strength) > _count(gained, strength):
            was = [text for (text, known) in lost if known >= strength]
            now = [text for (text, known) in gained if known < strength]
            pairs = [(old, new) for old in was for new in now if _words(old) & _words(new)]
            if pairs:
                yield "loosened", "says less than before: {}, now {}".format(*pairs[0])
                return


def _is_merged(lost: Counter[tuple[str, int]], gained: Counter[tuple[str, int]]) -> bool:
    """Say whether comparisons of tuples or records hold the calls of all that is gone."""

    def calls(assertions: Counter[tuple[str, int]]) -> Counter[str]:
        texts = Counter[str]()
        for (text, _), count in assertions.items():
            texts.update(_CALL.findall(text) * count)
        return texts

    records = Counter({key: n for key, n in gained.items() if _RECORDS.fullmatch(key[0])})
    return (
        all(_CALL.search(text) for text, _ in lost)
        and _count(records, EXACT) > 0
        and calls(lost) <= calls(records)
    )


def _words(assertion: str) -> set[str]:
    return set(re.findall(r"\w+", assertion)) - {"assert", "expect", "self", "t", "if", "not", "is"}


def _repeated(measure: Measure, *, with_tables: bool) -> Counter[tuple[str, int]]:
    """Count assertions; where a table is new or gone, by how often they are repeated."""
    found: Counter[tuple[str, int]] = Counter()
    for (text, strength, factor), count in measure.assertions.items():
        found[text, strength] += count * (factor if with_tables else 1)
    return found


def _count(assertions: Counter[tuple[str, int]], strength: int) -> int:
    return sum(count for (_, known), count in assertions.items() if known >= strength)


def fewer_cases(before: list[int], after: list[int]) -> str:
    """Say how many cases are left where there are fewer; "" where there are not."""
    if 0 in after and 0 not in before:
        return "no cases are left"
    if len(before) == len(after):
        fewer = [(old, new) for old, new in zip(before, after, strict=True) if new < old]
        return ", ".join(f"{new} of {old} cases are left" for old, new in fewer)
    return ""


def new_skip(before: list[str], after: list[str]) -> str:
    """Return what keeps a test from judging that did not before; "" if nothing does."""

    def is_always(skip: str) -> bool:
        return "if" not in skip.lower() or _CONSTANT_CONDITION.search(skip) is not None

    new = [skip for skip in after if skip not in before]
    is_other_build = any(skip.startswith("//go:build") for skip in new) and any(
        skip.startswith("//go:build") for skip in before
    )
    is_more = len(after) > len(before) or sum(map(is_always, after)) > sum(map(is_always, before))
    return [*new, *after][0] if is_more or is_other_build else ""
