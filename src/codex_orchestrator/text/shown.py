r"""Text of strangers made safe to show: every escaper, one for each place that text goes to.

Two things differ between them. A character that does not show as itself (controls, terminal codes,
bidirectional and invisible characters) is *escaped* (`\u202e`) where a person decides or looks for
a file by its name, and *removed* where the text is published or logged, for there it is noise. And
line ends stay where text has lines, and are escaped where text must be one line.

The hook imports this module on every commit: nothing is compiled when it is loaded.
"""

import functools

_BYTES = range(0xDC80, 0xDD00)
"""Lone surrogates, which represent bytes that were not UTF-8."""
_SURROGATES = range(0xD800, 0xE000)
# Unicode's `Default_Ignorable_Code_Point`: displayed with no width.
_IGNORED = (
    *(range(0xAD, 0xAE), range(0x34F, 0x350), range(0x61C, 0x61D), range(0x115F, 0x1161)),
    *(range(0x17B4, 0x17B6), range(0x180B, 0x1810), range(0x200B, 0x2010), range(0x202A, 0x202F)),
    *(range(0x2060, 0x2070), range(0x3164, 0x3165), range(0xFE00, 0xFE10), range(0xFEFF, 0xFF00)),
    *(range(0xFFA0, 0xFFA1), range(0xFFF0, 0xFFF9), range(0x1BCA0, 0x1BCA4)),
    *(range(0x1D173, 0x1D17B), range(0xE0000, 0xE1000)),
)
_TERMINAL_CODES = (
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # operating system commands
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # colours, cursor
    r"|\x1b[PX^_][^\x1b]*(?:\x1b\\)?|\x1b."
)


@functools.lru_cache(maxsize=4096)
def shows(char: str) -> bool:
    """Return whether a character is displayed as itself; of all spaces only U+0020 is."""
    return char.isprintable() and not _is_ignored(char)


def _is_ignored(char: str) -> bool:
    return not char.isascii() and any(ord(char) in codes for codes in _IGNORED)


def printable(text: str) -> str:
    r"""Return text for a terminal, which shows all of it and obeys none of it.

    Newline and tab stay; other characters that do not show become escapes such as `\u202e`.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char in "\n\t" or shows(char) else _escape(char) for char in text)


def one_line(text: str, *, limit: int | None = 300) -> str:
    r"""Return text as one line in which every character shows.

    Line ends and other characters that do not show become escapes such as `\x0a` and `\u202e`.
    More than `limit` characters are cut visibly in the middle; with None nothing is cut.
    """
    if limit is not None and len(text) > limit:
        tail = limit // 3
        start, end = text[: limit - tail], text[len(text) - tail :]
        cut = len(text) - limit
        return f"{one_line(start, limit=None)}[… {cut} characters …]{one_line(end, limit=None)}"
    return "".join(map(_shown, text))


@functools.lru_cache(maxsize=4096)
def _shown(char: str) -> str:
    return char if shows(char) else _escape(char)


def utf8_text(text: str) -> str:
    r"""Return text that UTF-8 can hold, for a document; bytes that were not UTF-8 show as `\xff`.

    All else stays: whoever reads a document compares its names with those in git.
    """
    return "".join(_escape(char) if ord(char) in _SURROGATES else char for char in text)


def _escape(char: str) -> str:
    code = ord(char)
    if code in _BYTES:
        code -= 0xDC00
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def visible(text: str) -> str:
    """Return text to publish or to log: what is obeyed or not seen is removed.

    That is controls, terminal codes, bidirectional and invisible characters. Newlines and tabs
    stay; carriage returns become newlines; lone surrogates become U+FFFD.
    """
    import re

    text = re.sub(_TERMINAL_CODES, "", text.replace("\r\n", "\n").replace("\r", "\n"))
    shown = (char for char in text if char in "\n\t" or not _is_hidden(char))
    return "".join("\ufffd" if ord(char) in _SURROGATES else char for char in shown)


@functools.lru_cache(maxsize=4096)
def _is_hidden(char: str) -> bool:
    import unicodedata

    return _is_ignored(char) or unicodedata.category(char) in {"Cc", "Cf", "Zl", "Zp"}


def shortened(text: str, limit: int) -> str:
    """Return text of at most `limit` characters; a cut is marked by `…`."""
    return text if len(text) <= limit else text[: max(limit - 1, 0)] + "…"


def folded(text: str, limit: int) -> str:
    """Return text as one line of at most `limit` characters, with white space collapsed."""
    return shortened(" ".join(text.split()), limit)


def counted(count: int, word: str) -> str:
    """Return a number with its word, in the plural unless it is one."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def workflow_command(name: str, message: str, **properties: str | int) -> str:
    """Return one command to GitHub's runner, for example an `error` with `file` and `line`.

    Properties without a value are left out. Text in it starts no other command.
    """
    stated = ",".join(
        f"{key}={_property(str(value))}" for key, value in properties.items() if value
    )
    return f"::{name}{' ' + stated if stated else ''}::{_message(message)}"


def _message(text: str) -> str:
    # The runner also accepts an old form of commands in the middle of a line.
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return printable(escaped).replace("##[", "## [")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
