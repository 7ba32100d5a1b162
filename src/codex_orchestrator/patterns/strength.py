"""How much one assertion says, read from its text, and how many cases a table has."""

import re

from codex_orchestrator.patterns.dialects import Dialect

TAUTOLOGY, WEAK, EXACT, STRICT = range(4)
"""Nothing; something; that one value is another; that its type or its message is, too."""

_QUOTED = r"\"\"\".*?\"\"\"|'''.*?'''|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`"
_COMMENT = r"//[^\n]*|#(?!!?\[)[^\n]*|/\*.*?\*/"
_NOISE = re.compile(f"{_QUOTED}|{_COMMENT}", re.DOTALL)
_BRACKETED = re.compile(r"\((?:[^()]|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))*\)")
_MAX_NESTING = 50
_TESTIFY = re.compile(r"(?:assert|require)\.[A-Z]")
_NOISY = re.compile(r"[\"'`#/]")
_NESTED = re.compile(r"[\"'`#/()\[\]{}]")
_PIECE = re.compile(
    f"(?P<comment>{_COMMENT})|{_QUOTED}|\\s+|[^\\s\\[\\](){{}},\"'`/#]+|.", re.DOTALL
)
_WORD = re.compile(r"[A-Za-z_$][\w$]*")
_LITERALS = frozenset(
    [
        "True",
        "False",
        "None",
        "true",
        "false",
        "nil",
        "null",
        "undefined",
        "not",
        "is",
        "in",
        "and",
        "or",
    ]
)
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
_BUILDER = re.compile(
    r"&|new\s+|vec!|(?:\w+\.)?(?:of|asList|arguments)(?=\()|(?:tuple|set|list|sorted|enumerate|reversed)(?=\()"
    r"|struct\s*\{[^}]*\}|map(?=\[)|[\w.*]+(?=\[\])|\[[\w.*]*\]\s*(?=[\w*{\[])|[\w.*]+(?=\{)"
)


def bare(code: str) -> str:
    """Return code without comments and without what its strings hold, with single spaces."""
    if not _NOISY.search(code):
        return " ".join(code.split())
    kept = _NOISE.sub(lambda found: '""' if found[0][0] in "\"'`" else " ", code)
    return " ".join(kept.split())


def split(code: str) -> list[str]:
    """Return what the commas outside brackets separate, up to an unmatched closing bracket."""
    if not _NESTED.search(code):
        return [part.strip() for part in code.split(",") if part.strip()]
    parts, depth, start, end, is_filled = [], 0, 0, len(code), False
    for found in _PIECE.finditer(code):
        piece = found[0]
        if found["comment"] is not None or piece.isspace():
            continue
        if piece == "," and depth == 0:
            parts.append(code[start : found.start()].strip())
            start, is_filled = found.end(), False
            continue
        if piece in "[({":
            depth += 1
        elif piece in "])}":
            depth -= 1
            if depth < 0:
                end = found.start()
                break
        is_filled = True
    return [*parts, code[start:end].strip()] if is_filled else parts


def count_elements(code: str, sizes: dict[str, int]) -> int | None:
    """Return how many elements a table has that is written out, or has a name in `sizes`."""
    code = bare(code)
    while found := _BUILDER.match(code):
        code = code[found.end() :].lstrip()
    if code[:1] in {"[", "(", "{"}:
        parts = split(code[1:])
        if len(parts) == 1 and parts[0][:1] in {"[", "{"} and code[0] == "(":
            return count_elements(parts[0], sizes)
        return None if re.search(r"\bfor\b", bare(parts[0] if parts else "")) else len(parts)
    return next((sizes[word] for word in _WORD.findall(code) if word in sizes), None)


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
        first = first[1:-1] if _BRACKETED.fullmatch(first) else first
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
    words = [word for word in _WORD.findall(flat) if word not in _LITERALS | {"if"}]
    if not words or any(_SAME.fullmatch(part) for part in flat[3:].split("&&")):
        return TAUTOLOGY
    is_exact = re.search(r"!=(?! ?nil)|Equal\(|Diff\(|== false", flat) and "&&" not in flat
    return EXACT if is_exact else WEAK


def _says_nothing(called: str, first: str, parts: list[str], text: str, subject: str) -> bool:
    if called == "assert" and _BRACKETED.fullmatch(first) and "," in _flattened(first[1:-1]):
        return True  # a tuple, which is true
    if called == "assert" or _BOOLEAN.search(called):
        if _SAME.fullmatch(first) or _ALWAYS.search(first):
            return True
        return _is_constant(first) and not _NEVER_TRUE.fullmatch(first)
    if re.search(r"[fF]ail\w*$|panic$|unreachable$|bail$|Run$", called):
        return False
    raw = split(text)
    if subject:
        return raw[:1] == [subject.strip()] or (not raw and _is_constant(bare(subject)))
    return (len(raw) > 1 and raw[0] == raw[1]) or (
        bool(parts) and all(map(_is_constant, parts[:2]))
    )


def _flattened(code: str) -> str:
    """Return code without what its brackets hold."""
    inner = re.compile(r"[(\[{][^()\[\]{}]*[)\]}]")
    for _ in range(_MAX_NESTING):
        code, count = inner.subn("", code)
        if not count:
            break
    return code


def _is_constant(code: str) -> bool:
    return all(word in _LITERALS for word in _WORD.findall(code.replace('""', "")))
