"""Code as text: without comments and strings, in parts, and how many elements a table has."""

import re

# What is not closed reaches to the end, so that a search takes no time per place.
_QUOTED = (
    r"\"\"\".*?(?:\"\"\"|\Z)|'''.*?(?:'''|\Z)|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'"
    r"|`(?:\\.|[^`\\])*(?:`|\Z)"
)
_COMMENT = r"//[^\n]*|#(?!!?\[)[^\n]*|/\*.*?(?:\*/|\Z)"
_NOISE = re.compile(f"{_QUOTED}|{_COMMENT}", re.DOTALL)
_NOISY = re.compile(r"[\"'`#/]")
_NESTED = re.compile(r"[\"'`#/()\[\]{}]")
_PIECE = re.compile(
    f"(?P<comment>{_COMMENT})|{_QUOTED}|\\s+|[^\\s\\[\\](){{}},\"'`/#]+|.", re.DOTALL
)
_WORD = re.compile(r"[A-Za-z_$][\w$]*")
_NOTHING = re.compile(r"range\(0\)|0 ?\.\. ?0\b|\w+\[:0\]")
_PARTIAL = re.compile(r"\w\[[^\]]*:[^\]]*\]|\bif\b|\.(?:slice|skip|take|filter)\(")
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
        if any(part.startswith(("*", "...")) for part in parts):
            counts = [_count_spread(part, sizes) for part in parts]
            return None if None in counts else sum(count or 0 for count in counts)
        if not re.search(r"\bfor\b", parts[0] if parts else ""):
            return len(parts)
    if _NOTHING.match(code):
        return 0
    size = next((sizes[word] for word in _WORD.findall(code) if word in sizes), None)
    # Who takes a part of a table takes fewer; how many fewer is not said.
    return size if size is None or not _PARTIAL.search(code) else max(size - 1, 0)


def _count_spread(part: str, sizes: dict[str, int]) -> int | None:
    """Return how many elements a part of a table adds: `*range(3)` adds three."""
    inner = part.lstrip("*.")
    if inner == part:
        return 1
    found = re.fullmatch(r"range\((\d+)\)", inner)
    return int(found[1]) if found else count_elements(inner, sizes)
