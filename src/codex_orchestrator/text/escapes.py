r"""Escaped text decoded, with a way back: JSON and shell escapes, percent codes, XML references.

What shows nothing decodes to nothing: colours of a terminal and characters without width, because
text is published without them.
"""

import re
from bisect import bisect_right
from functools import cache, lru_cache
from typing import NamedTuple

_CONTROLS = dict(zip(b"nrtbfvae", b"\n\r\t\b\f\v\a\x1b", strict=True))
_REFERENCES = {b"&amp;": b"&", b"&lt;": b"<", b"&gt;": b">", b"&quot;": b'"', b"&apos;": b"'"}
# Every escape begins with one of these.
_FIRST = (b"\\", b"%", b"&", b"\x1b", b"\xe2", b"\xef\xbb", b"\xc2")


@cache
def _pattern() -> re.Pattern[bytes]:
    return re.compile(
        rb"""%[0-9A-Fa-f]{2}|\\[nrtbfvae"'\\/`$]|\\x[0-9A-Fa-f]{2}|\\[0-3][0-7]{2}"""
        rb"|\\u[dD][89abAB][0-9A-Fa-f]{2}\\u[dD][c-fC-F][0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}"
        rb"|\\u\{[0-9A-Fa-f]{1,6}\}|\\U[0-9A-Fa-f]{8}"
        rb"|&#[0-9]{1,7};|&#[xX][0-9A-Fa-f]{1,6};|&amp;|&lt;|&gt;|&quot;|&apos;"
        rb"|\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]{0,2000}(?:\x07|\x1b\\)"
        rb"|\xe2\x80[\x8b-\x8f\xaa-\xae]|\xe2\x81[\xa0-\xaf]|\xef\xbb\xbf|\xc2\xad"
    )


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


def has_escapes(data: bytes) -> bool:
    """Say whether something in the data may be an escape."""
    return any(first in data for first in _FIRST)


def decode(data: bytes) -> bytes:
    """Return data with every escape decoded once; data without one is returned as it is."""
    return _pattern().sub(_replacement, data) if has_escapes(data) else data


def decode_all(data: bytes, *, times: int) -> bytes:
    """Return data decoded until nothing changes any more, at most so many times."""
    for _ in range(times):
        data, before = decode(data), data
        if data == before:
            break
    return data


def decode_with_places(data: bytes) -> Decoded:
    """Return data decoded once, with the place of each escape."""
    parts: list[bytes] = []
    decoded = Decoded(b"", [], [], [], [])
    size = end = 0
    for match in _pattern().finditer(data):
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
    return _decoded(match[0])


@lru_cache(maxsize=4096)
def _decoded(escape: bytes) -> bytes:
    """Return what one escape stands for."""
    first, kind = escape[:1], escape[1:2]
    if first == b"%":
        return bytes.fromhex(escape[1:].decode())
    if first == b"&":
        return _REFERENCES.get(escape) or _character(_number(escape), escape)
    if first != b"\\":
        return b""
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
