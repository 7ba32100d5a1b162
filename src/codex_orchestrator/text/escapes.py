r"""Escaped text decoded, with a way back: JSON and shell escapes, percent codes, XML references.

What is no part of the text decodes to nothing: colours of a terminal and characters without width,
because text is published without them; symbols such as the lines of a table; numbers of lines.
"""

import re
from bisect import bisect_right
from functools import cache, lru_cache
from typing import NamedTuple

_CONTROLS = dict(zip(b"nrtbfvae", b"\n\r\t\b\f\v\a\x1b", strict=True))
_REFERENCES = {b"&amp;": b"&", b"&lt;": b"<", b"&gt;": b">", b"&quot;": b'"', b"&apos;": b"'"}
# Replaced all at once, because a call for each takes long. What could begin another escape is kept
# apart until the end, behind a byte that no UTF-8 holds.
_APART = ((rb"\\", b"\xff0", b"\\"), (b"%25", b"\xff1", b"%"), (b"&amp;", b"\xff2", b"&"))
_SIMPLE = tuple((b"\\%c" % code, bytes((_CONTROLS.get(code, code),))) for code in b"nrtbfva\"'/`$")
_GONE = b"\xff3"
# Colours; symbols and lines of tables; marks without width.
_INVISIBLE = rb"\x1b\[[0-?]*[ -/]*[@-~]|\xe2[\x80-\xaf][\x80-\xbf]|\xef\xbb\xbf|\xc2[\x80-\xbf]"
# A line with its number, of which the line is left.
_NUMBERED = rb"\n[ \t]{0,12}[0-9]{1,7}(?:[ \t]{0,4}(?:[:|)\]]|\xe2\x94\x82)|\t)"
# Every escape begins with one of these.
_FIRST_SHOWN, _FIRST_GONE = (b"\\", b"%", b"&"), (b"\x1b", b"\xe2", b"\xef\xbb", b"\xc2")


@cache
def _pattern(*, joins_codes: bool = False) -> re.Pattern[bytes]:
    """Return the pattern of an escape; of several codes in a row, when they are joined."""
    digit = rb"[0-9A-Fa-f]"
    percent, code = rb"%HH", rb"\\xHH"
    if joins_codes:
        percent, code = (rb"%b(?:%b)*+" % (one, one) for one in (percent, code))
    # By the first character: what is none is passed over quickly.
    pattern = (
        percent + rb"|\\[nrtbfvae\"'\\/`$]|" + code + rb"|\\(?:[0-3][0-7]{2}|UH{8}"
        rb"|u(?:[dD][89abAB]HH\\u[dD][c-fC-F]HH|H{4}|\{H{1,6}\}))"
        rb"|&(?:#(?:[0-9]{1,7}|[xX]H{1,6})|amp|lt|gt|quot|apos);"
        rb"|\x1b\][^\x07\x1b]{0,2000}(?:\x07|\x1b\\)|" + _INVISIBLE
    )
    return re.compile(pattern.replace(b"H", digit))


@cache
def _invisible() -> re.Pattern[bytes]:
    return re.compile(_INVISIBLE)


@cache
def _numbered() -> re.Pattern[bytes]:
    return re.compile(_NUMBERED)


class Decoded(NamedTuple):
    """Decoded bytes, and of each escape: where its first decoded byte is, and where it stood."""

    data: bytes
    marks: list[int]
    widths: list[int]
    starts: list[int]
    ends: list[int]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where the decoded bytes from `start` to `end` stood."""
        return self._place(start)[0], self._place(end - 1)[1]

    def _place(self, index: int) -> tuple[int, int]:
        number = bisect_right(self.marks, index) - 1
        if number < 0:
            return index, index + 1
        beyond = index - self.marks[number] - self.widths[number]
        if beyond < 0:
            return self.starts[number], self.ends[number]
        return self.ends[number] + beyond, self.ends[number] + beyond + 1


def decode(data: bytes) -> bytes:
    """Return data with every escape decoded once; data without one is returned as it is."""
    has_gone = _has(data, _FIRST_GONE)
    if not has_gone and not _has(data, _FIRST_SHOWN):
        return data
    # The title of a terminal is one escape, whatever stands in it.
    if b"\xff" in data or b"\x1b]" in data:
        return _pattern(joins_codes=True).sub(_replacement, data)
    text = _invisible().sub(_GONE, data) if has_gone else data
    for escape, apart, _ in _APART:
        text = text.replace(escape, apart)
    for escape, plain in _SIMPLE if b"\\" in text else ():
        text = text.replace(escape, plain)
    if _has(text, _FIRST_SHOWN):
        text = _pattern(joins_codes=True).sub(_replacement, text)
    for _, apart, plain in (*_APART, (b"", _GONE, b"")):
        text = text.replace(apart, plain)
    return data if text == data else text


def decode_all(data: bytes, *, times: int) -> bytes:
    """Return data decoded until nothing changes any more, at most so many times."""
    for _ in range(times):
        data, before = decode(data), data
        if data == before:
            break
    return data


def _has(data: bytes, any_of: tuple[bytes, ...]) -> bool:
    return any(text in data for text in any_of)


def without_numbers(data: bytes) -> bytes:
    """Return data whose lines have no numbers; a value that begins with one loses that too."""
    return _numbered().sub(b"\n", data)


def decode_with_places(data: bytes, *, is_numbered: bool = False) -> Decoded:
    """Return data decoded once, with the place of each escape; or of each line's number."""
    parts: list[bytes] = []
    decoded = Decoded(b"", [], [], [], [])
    size = end = 0
    for match in (_numbered() if is_numbered else _pattern()).finditer(data):
        value = _replacement(match)
        parts += (data[end : match.start()], value)
        size += match.start() - end
        decoded.marks.append(size)
        decoded.widths.append(len(value))
        decoded.starts.append(match.start())
        decoded.ends.append(match.end())
        size += len(value)
        end = match.end()
    return decoded._replace(data=b"".join((*parts, data[end:])))


def _replacement(match: re.Match[bytes]) -> bytes:
    escape = match[0]
    if len(escape) > 4 and escape.startswith((b"%", rb"\x")):
        return bytes.fromhex(escape.translate(None, rb"%\x").decode())
    return _decoded(escape)


@lru_cache(maxsize=4096)
def _decoded(escape: bytes) -> bytes:
    """Return what one escape stands for."""
    first, kind = escape[:1], escape[1:2]
    if first == b"%":
        return bytes.fromhex(escape[1:].decode())
    if first == b"&":
        return _REFERENCES.get(escape) or _character(_number(escape), escape)
    if first != b"\\":
        return b"\n" if first == b"\n" else b""
    if kind == b"x":
        return bytes.fromhex(escape[2:].decode())
    if kind in b"0123":
        return bytes((int(escape[1:], 8),))
    if kind in b"uU":
        if len(escape) == 12:
            pair = bytes.fromhex(escape.replace(rb"\u", b"").decode())
            return pair.decode("utf-16-be").encode()
        return _character(int(escape[2:].strip(b"{}"), 16), escape)
    return bytes((_CONTROLS.get(escape[1], escape[1]),))


def _number(reference: bytes) -> int:
    digits = reference[2:-1]
    return int(digits[1:], 16) if digits[:1] in b"xX" else int(digits)


def _character(code: int, escape: bytes) -> bytes:
    return chr(code).encode("utf-8", "surrogatepass") if code < 0x110000 else escape
