"""Canaries: values that are planted as secrets, every form of them, and the hunt for them.

The hunt shares no code with the redactor: it makes what it looks for, and the texts that it looks
into, with the standard library alone.
"""

import base64
import binascii
import html
import io
import json
import os
import re
import tarfile
import urllib.parse
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

Encoder = Callable[[bytes], bytes]


def _json_escaped(value: bytes) -> bytes:
    return "".join(f"\\u{ord(char):04x}" for char in value.decode()).encode()


def _percent_all(value: bytes) -> bytes:
    return "".join(f"%{code:02X}" for code in value).encode()


def _percent_small(value: bytes) -> bytes:
    return _percent_all(value).lower()


def _broken(value: bytes, between: bytes, *, size: int = 5) -> bytes:
    return between.join(value[at : at + size] for at in range(0, len(value), size))


def _wrapped(width: int) -> Encoder:
    return lambda value: _broken(base64.b64encode(b"x" * 50 + value + b"y" * 50), b"\n", size=width)


# How a value may be written. Each takes the value and returns the text.
FORMS: Mapping[str, Encoder] = {
    "raw": lambda value: value,
    "reversed": lambda value: value[::-1],
    "json": lambda value: json.dumps({"key": value.decode()}).encode(),
    "json twice": lambda value: json.dumps(json.dumps({"key": value.decode()})).encode(),
    "json, every character": _json_escaped,
    "json, every character, twice": lambda value: json.dumps(
        _json_escaped(value).decode()
    ).encode(),
    "base64, first place": base64.b64encode,
    "base64, second place": lambda value: base64.b64encode(b"u" + value + b"\n"),
    "base64, third place": lambda value: base64.b64encode(b"u:" + value + b"\n"),
    "base64 without padding": lambda value: base64.b64encode(b"u:" + value).rstrip(b"="),
    "base64 at 64": _wrapped(64),
    "base64 at 76": _wrapped(76),
    "base64 at 76 with CRLF": lambda value: _wrapped(76)(value).replace(b"\n", b"\r\n"),
    "base64 at 64 in JSON": lambda value: json.dumps(_wrapped(64)(value).decode()).encode(),
    "base64url": base64.urlsafe_b64encode,
    "base64url without padding": lambda value: base64.urlsafe_b64encode(b"a" + value).rstrip(b"="),
    "base64 in a URL": lambda value: urllib.parse.quote(base64.b64encode(value), safe="").encode(),
    **{
        f"base32, place {place}": lambda value, place=place: base64.b32encode(b"a" * place + value)
        for place in range(5)
    },
    "base32, small": lambda value: base64.b32encode(value).lower(),
    "hex": binascii.hexlify,
    "hex, capitals": lambda value: binascii.hexlify(value).upper(),
    "hex, spaced": lambda value: binascii.hexlify(value, " "),
    "hex, colons": lambda value: binascii.hexlify(value, ":").upper(),
    "hex, groups of four": lambda value: binascii.hexlify(value, " ", 2),
    "hex, over lines": lambda value: _broken(binascii.hexlify(value, " "), b"\n    ", size=24),
    "hex escapes": lambda value: "".join(f"\\x{code:02x}" for code in value).encode(),
    "percent": lambda value: urllib.parse.quote(value, safe="").encode(),
    "percent, small": lambda value: re.sub(
        rb"%..", lambda match: match[0].lower(), urllib.parse.quote(value, safe="").encode()
    ),
    "percent, every byte": _percent_all,
    "percent, every byte, small": _percent_small,
    "percent, twice": lambda value: urllib.parse.quote(_percent_all(value)).encode(),
    "XML": lambda value: html.escape(value.decode()).encode(),
    "XML, every character": lambda value: "".join(
        f"&#{ord(char)};" for char in value.decode()
    ).encode(),
    "over lines": lambda value: _broken(value, b"\n"),
    "over lines, CRLF": lambda value: _broken(value, b"\r\n"),
    "over lines, indented": lambda value: _broken(value, b"\n        "),
    "over lines of a diff": lambda value: _broken(value, b"\n+    "),
    "over quoted lines": lambda value: _broken(value, b'"\n    "'),
    "over lines in JSON": lambda value: json.dumps(_broken(value, b"\n  ").decode()).encode(),
    "over lines of a shell": lambda value: _broken(value, b"\\\n"),
    "over lines of a comment": lambda value: _broken(value, b"\n# "),
    "one character a line": lambda value: _broken(value, b"\n", size=1),
    "coloured": lambda value: _broken(value, b"\x1b[31m"),
    "with characters that do not show": lambda value: _broken(value, "\u200b".encode()),
}


_LINE_BREAKS = (
    *(rb"[ \t]*\r?\n[ \t]*" + mark + rb"[ \t]*" for mark in (rb"\+", b"-", b"#", b">", rb"\|")),
    rb"""["'][ \t]*\r?\n[ \t]*["']""",
    rb"\\\r?\n[ \t]*",
)


class Hunter:
    """Looks for canaries, in every form, in whatever bytes it is given."""

    def __init__(self, canaries: Iterable[str]) -> None:
        self._needles = {
            (canary, form): needle
            for canary in canaries
            for form, needle in _needles(canary.encode())
        }

    def hunt(self, data: bytes) -> set[tuple[str, str]]:
        """Return the canaries in some data, each with the form that it was found in."""
        found = set()
        for view in _views(data):
            small = view.lower()
            for (canary, form), needle in self._needles.items():
                if needle in (small if form.startswith(("hex", "base32")) else view):
                    found.add((canary, form))
        return found

    def hunt_file(self, path: Path) -> set[tuple[str, str]]:
        """Return the canaries in a file, its name, and in what is packed into it."""
        return self.hunt(os.fsencode(path.name)) | self.hunt(path.read_bytes())


def _needles(value: bytes) -> Iterator[tuple[str, bytes]]:
    yield "raw", value
    yield "reversed", value[::-1]
    yield "hex", binascii.hexlify(value)
    for place in range(3):
        text = base64.b64encode(b"\0" * place + value)
        # Without the characters that hold bits of the neighbours too.
        inner = text[(0, 2, 3)[place] : (place + len(value)) * 8 // 6]
        yield f"base64 {place}", inner
        yield f"base64url {place}", inner.replace(b"+", b"-").replace(b"/", b"_")
    for place in range(5):
        text = base64.b32encode(b"\0" * place + value).lower()
        yield f"base32 {place}", text[(0, 2, 4, 5, 7)[place] : (place + len(value)) * 8 // 5]


def _views(data: bytes) -> Iterator[bytes]:
    """Return data as it is and as it reads when it is unpacked, decoded, or written together."""
    for text in _unpacked(data):
        seen: set[bytes] = set()
        texts = [text]
        for _ in range(3):
            texts = [decoded for one in texts for decoded in _decodings(one) if decoded not in seen]
            seen.update(texts)
        for one in seen | {text}:
            yield one
            yield re.sub(rb"\s+", b"", one)
            yield re.sub(rb"[\s:]+", b"", one)
            for line_break in _LINE_BREAKS:
                yield re.sub(line_break, b"", one)


def _decodings(text: bytes) -> Iterator[bytes]:
    yield text
    yield urllib.parse.unquote_to_bytes(text)
    yield html.unescape(text.decode("latin-1")).encode("utf-8", "replace")
    # Colours, and characters that do not show.
    yield re.sub(rb"\x1b\[[0-9;]*m|\xe2\x80[\x8b-\x8f]", b"", text)
    yield re.sub(rb"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", _unescaped, text, flags=re.DOTALL)


def _unescaped(match: re.Match[bytes]) -> bytes:
    kind, digits = match[1][:1], match[1][1:]
    if kind == b"u" and digits:
        return chr(int(digits, 16)).encode("utf-8", "surrogatepass")
    if kind == b"x" and digits:
        return binascii.unhexlify(digits)
    return {b"n": b"\n", b"r": b"\r", b"t": b"\t"}.get(kind, kind if kind.isascii() else match[0])


def _unpacked(data: bytes) -> Iterator[bytes]:
    yield data
    if data[:1] == b"\x78":  # an object of git
        try:
            yield zlib.decompress(data)
        except zlib.error:
            return
    if data[:2] == b"\x1f\x8b":
        yield zlib.decompress(data, 31)
    if zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            for name in packed.namelist():
                yield name.encode()
                yield packed.read(name)
    elif data[257:262] == b"ustar":
        with tarfile.open(fileobj=io.BytesIO(data)) as packed_tar:
            for member in packed_tar:
                stream = packed_tar.extractfile(member)
                yield stream.read() if stream else member.name.encode()
