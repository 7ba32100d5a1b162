"""Front matter: parse the bytes of a spec into facts. Quick for plain files, strict for all.

Imported when there is something to read: expressions take time to compile, and a hook that finds
all in its cache needs none of them. The scanner's wait for the first spec of no usual shape.
"""

import re

from codex_orchestrator.guard.facts import Facts, build_facts, malformed
from codex_orchestrator.guard.usual import usual_facts
from codex_orchestrator.text.lean_typing import Any, NamedTuple

BOM = b"\xef\xbb\xbf"
MAX_FRONT_BYTES = 256 * 1024
MAX_ODD_BYTES = 32 * 1024
"""The strict parser reads about 100 KB per second.

A hostile file must not take more than a second.
"""

_BODY_REVIEW = rb"(?mi)^[ \t>*_`-]*+last[_ ]review[*_`]*[ \t]*:"


def split(data: bytes) -> tuple[int, int, int] | None:
    """Return where front matter starts and ends, and where the body starts.

    None when the first line is not `---`, or no line within the data closes it.
    """
    if data.startswith(b"---\n"):
        end = data.find(b"\n---\n", 3)
        if end >= 0 and data.find(b"\n---", 3) == end:
            return 4, end + 1, end + 5
    at = len(BOM) if data.startswith(BOM) else 0
    start = data.find(b"\n", at) + 1
    if start == 0 or data[at:start].rstrip() != b"---" or not data.startswith(b"---", at):
        return None
    end = data.find(b"---", start)
    while end >= 0:
        stop = data.find(b"\n", end)
        after = len(data) if stop < 0 else stop + 1
        if data[end - 1 : end] == b"\n" and data[end:after].rstrip() == b"---":
            return start, end, after
        end = data.find(b"\n---", end) + 1 or -1
    return None


class FrontMatter(NamedTuple):
    """Values, the line of each dotted key (from 1 within the front matter), and where it is.

    `start` and `end` are those of the text between the `---` lines; `body` is what follows.
    """

    values: dict[str, Any]
    lines: dict[str, int]
    start: int
    end: int
    body: int


def parse_facts(data: bytes, *, size: int) -> Facts:
    """Return the facts of a file.

    Args:
        data: the start of the file, at least `MAX_FRONT_BYTES` or all of it.
        size: the whole size of the file in bytes.
    """
    usual = usual_facts(data)
    if usual is not None:
        return Facts._make(usual)
    parts = split(data)
    if parts is None:
        return _without_front_matter(data, size)
    try:
        found = _read_between(data, parts)
    except _MalformedError as error:
        return malformed(*error.args)
    review_line = 0 if "last_review" in found.values else _body_review_line(data, found.body)
    return build_facts(found.values, found.lines, offset=1, body_review_line=review_line)


def read_mapping(data: bytes) -> FrontMatter | str:
    """Return the front matter of any document, or what is wrong with it."""
    parts = split(data)
    if parts is None:
        return "no front matter"
    try:
        return _read_between(data, parts)
    except _MalformedError as error:
        return str(error.args[0])


class _MalformedError(Exception):
    """Problem and line in the file."""


def _read_between(data: bytes, parts: tuple[int, int, int]) -> FrontMatter:
    from codex_orchestrator.guard.scanner import scan

    start, end, body = parts
    if end - start > MAX_FRONT_BYTES:
        raise _MalformedError(f"front matter has more than {MAX_FRONT_BYTES} bytes", 1)
    try:
        front = data[start : max(start, end - 1)].decode()
    except UnicodeDecodeError as error:
        line = 2 + data.count(b"\n", start, start + error.start)
        raise _MalformedError("front matter is not UTF-8", line) from error
    found = scan(front)
    if found is None:
        if end - start > MAX_ODD_BYTES:
            problem = f"front matter with more than plain values has over {MAX_ODD_BYTES} bytes"
            raise _MalformedError(problem, 2)
        from codex_orchestrator.model.strict_yaml import YamlError, parse_mapping

        try:
            found = parse_mapping(front)
        except YamlError as error:
            raise _MalformedError(str(error), error.line + 1) from error
    return FrontMatter(*found, start, end, body)


def _without_front_matter(data: bytes, size: int) -> Facts:
    first = data.removeprefix(BOM)
    if first.startswith(b"---") and first.split(b"\n", 1)[0].rstrip() == b"---":
        if size > len(data):
            return malformed(f"front matter has more than {MAX_FRONT_BYTES} bytes", 1)
        return malformed("front matter is not closed by a line `---`", 1)
    facts = malformed("no front matter", 1)
    return facts._replace(body_review_line=_body_review_line(data, 0))


def _body_review_line(data: bytes, start: int) -> int:
    found = re.compile(_BODY_REVIEW).search(data, start)
    return data.count(b"\n", 0, found.end()) + 1 if found else 0
