"""How much one assertion says, read from its text."""

import re

from codex_orchestrator.patterns.code_text import bare, split
from codex_orchestrator.patterns.dialects import Dialect

TAUTOLOGY, WEAK, EXACT, STRICT = range(4)
"""Nothing; something; that one value is another; that its type or its message is, too."""

_BRACKETED = re.compile(r"\((?:[^()]|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))*\)")
_MAX_NESTING = 50
_TESTIFY = re.compile(r"(?:assert|require)\.[A-Z]")
_MOCK = re.compile(r"\.assert_(?:called|any|has|await|not)\w*$")
_OTHER_WORD = re.compile(
    r"(?<![\w$])(?!(?:True|False|None|true|false|nil|null|undefined|not|is|in|and|or|if)\b)[A-Za-z_$]"
)
_LONGEST = 2000
"""Of a longer condition nobody says that it compares a thing with itself."""
_SAME = re.compile(r"(.+?) ?(?:===?|\bis\b|!=) ?\1")
_ALWAYS = re.compile(r"(?:\bor|\|\|) ?(?:True|true|1)$|^(?:True|true|1) ?(?:or\b|\|\|)")
_NEVER_TRUE = re.compile(r"\W*(?:False|false|0|not True|!true)\W*")
_EQUALS = re.compile(r"===?|\bis\b(?! not)")
_INEXACT = re.compile(
    r"\bor\b|\|\||\bapprox\b|isclose\(|\bmatches!|\b(?:mock\.)?ANY\b|expect\.any|mock\.Anything"
)
_TRUTH = re.compile(r"== ?(?:True|False|true|false|\[\]|\{\}|\(\))$")
_ERROR = re.compile(
    r"(?:raises|[Rr]aises\w*|Throws\w*|toThrow\w*|[^.]rejects|expected|should_panic)$"
)
_ANY_ERROR = re.compile(
    r"\b(?:Base)?Exception(?:\.class)?$|\b(?:Throwable|RuntimeException|Error)(?:\.class)?$"
)
_BOOLEAN = re.compile(r"(?:^|[.:])(?:(?:debug_|prop_)?assert|assert(?:True|That)|True|ok)$")
_STRICT = re.compile(r"[sS]trict(?:Deep)?Equal$|[rR]aisesRegexp?$")


def rank(called: str, text: str, dialect: Dialect, *, subject: str = "") -> int:
    """Return how much an assertion says.

    Args:
        called: the name of the call; `assert` for the statement.
        text: its arguments, without the brackets.
        dialect: the language.
        subject: what the first call of a chain got, as in `expect(subject).toBe(text)`.
    """
    if _TESTIFY.match(called):
        text = text.partition(",")[2]
    flat = bare(text)
    parts = [part for part in split(flat) if part]
    first = parts[0] if parts else ""
    if _says_nothing(called, first, parts, text, subject):
        return TAUTOLOGY
    if _ERROR.search(called):
        return STRICT if "match=" in flat or _STRICT.search(called) else rank_error(first)
    if _BOOLEAN.search(called):
        first = first[1:-1] if _is_bracketed(first) else first
        is_inexact = _INEXACT.search(flat) or _TRUTH.search(first)
        return EXACT if _EQUALS.search(_flattened(first)) and not is_inexact else WEAK
    if dialect.weak.search(called) or _INEXACT.search(flat):
        return WEAK
    if not subject and any(part in {"True", "False", "true", "false"} for part in parts[:2]):
        return WEAK
    return STRICT if _STRICT.search(called) else EXACT


def rank_error(expected: str) -> int:
    """Return how much an assertion says that expects an error, from which one it expects."""
    is_any = not expected or _ANY_ERROR.search(expected.strip("() "))
    return WEAK if is_any else EXACT


def rank_condition(condition: str) -> int:
    """Return how much an `if` says whose block fails the test."""
    if not condition:
        return EXACT
    flat = bare(condition).rpartition(";")[2]
    if _is_constant(flat) or any(map(is_same, flat[3:].split("&&"))):
        return TAUTOLOGY
    is_exact = re.search(r"!=(?! ?nil)|Equal\(|Diff\(|== false", flat) and "&&" not in flat
    return EXACT if is_exact else WEAK


def _says_nothing(called: str, first: str, parts: list[str], text: str, subject: str) -> bool:
    if called == "assert" and _is_bracketed(first) and "," in _flattened(first[1:-1]):
        return True  # a tuple, which is true
    if called == "assert" or _BOOLEAN.search(called):
        if is_same(first) or _ALWAYS.search(first):
            return True
        return _is_constant(first) and not _NEVER_TRUE.fullmatch(first)
    if re.search(r"[fF]ail\w*$|panic$|unreachable$|bail$|Run$", called):
        return False
    raw = split(text)
    if subject:
        return raw[:1] == [subject.strip()] or (not raw and _is_constant(bare(subject)))
    is_fixed = len(parts) > 1 and all(map(_is_constant, parts[:2])) and not _MOCK.search(called)
    return is_fixed or (len(raw) > 1 and raw[0] == raw[1])


def _flattened(code: str) -> str:
    """Return code without what its brackets hold."""
    inner = re.compile(r"[(\[{][^()\[\]{}]*[)\]}]")
    for _ in range(_MAX_NESTING):
        code, count = inner.subn("", code)
        if not count:
            break
    return code


def _is_bracketed(code: str) -> bool:
    return len(code) < _LONGEST and _BRACKETED.fullmatch(code) is not None


def is_same(condition: str) -> bool:
    """Say whether a condition compares a thing with itself."""
    return len(condition) < _LONGEST and _SAME.fullmatch(condition) is not None


def _is_constant(code: str) -> bool:
    return _OTHER_WORD.search(code) is None
