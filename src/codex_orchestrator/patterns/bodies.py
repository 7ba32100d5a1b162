"""What can be said of the body of one test without the other version of it."""

import re

from codex_orchestrator.patterns.code_text import bare
from codex_orchestrator.patterns.file_facts import Measure
from codex_orchestrator.patterns.outlines import Unit


def has_only(unit: Unit) -> bool:
    """Say whether a mark keeps the other tests of the file from running."""
    return any(
        re.search(
            r"\.only\b|(?:^|\.)(?:f(?:it|describe|test)|iit|ddescribe)\b|^\{.*\bonly\s*:\s*true",
            mark,
        )
        for mark in unit.marks
    )


def body_of(unit: Unit) -> str:
    """Return the code of a test without its name and without white space."""
    text = unit.body.text if unit.node.role == "call" and unit.body else unit.node.text
    text = re.sub(r"\(self(?:,\s*|(?=\)))", "(", text, count=1)
    return re.sub(r"\s", "", text.replace(unit.node.name, "", 1) if unit.node.name else text)


def forgets(main: Unit, measure: Measure) -> bool:
    """Say whether Go's `TestMain` does not end with what the tests gave."""
    code = bare(main.node.text)
    runs = re.search(r"TestMain\(\s*(\w+)", code)
    run = rf"{runs[1] if runs else 'm'}\.Run\(\)"
    result = re.search(rf"(\w+) :?= {run}", code)
    kept = rf"{result[1] if result else run}|{run}|[1-9]\d*"
    is_reset = result is not None and re.search(rf"\b{result[1]} = 0\b", code) is not None
    ends = re.findall(r"os\.Exit\(((?:[^()]|\(\))*)\)", code)
    is_other = any(not re.fullmatch(kept, end) for end in ends)
    return is_reset or is_other or measure.total == 0 or measure.early_returns > 0


def is_lazy(unit: Unit) -> bool:
    """Say whether a call makes a coroutine or a generator that nothing has to run."""
    code = bare(unit.node.text)
    is_coroutine = code.startswith("async def") and not re.search(
        r"\b(?:await|async (?!def))", code
    )
    return is_coroutine or re.search(r"\byield\b", code) is not None


def is_empty(unit: Unit) -> bool:
    """Say whether a body does nothing."""
    body = unit.body
    block = (
        next((kid for kid in reversed(body.kids) if kid.role == "block"), None) if body else None
    )
    if block is None:
        return body is None
    code = re.sub(r'""|\b(?:pass|return|Ok|None|nil|undefined)\b', "", bare(block.text))
    return re.search(r"\w", code) is None
