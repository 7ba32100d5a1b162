"""Names from outside that become part of paths: always parsed before they are joined."""

import os
import re
import unicodedata
from collections.abc import Mapping

HANDED_OVER = "CODEX_ORCHESTRATOR_VARIABLES_FD"
"""The variable with the descriptor from which a process of ours reads what it must not show."""

_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_OBJECT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_DEVICES = frozenset(
    ("con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10)))
)
# Bidirectional controls, zero-width and tag characters: names with them look like other names.
_INVISIBLE = frozenset("\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u180e\ufeff") | {
    chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
}


def is_identifier(text: str) -> bool:
    """Say whether text may be an id of a task, run, pattern or plan item."""
    return (
        _ID.fullmatch(text) is not None
        and ".." not in text
        and not text.endswith(".")
        and text.split(".", maxsplit=1)[0] not in _DEVICES
    )


def is_object_name(text: str) -> bool:
    """Say whether text is the full name of a git object, such as a commit, in hexadecimal."""
    return _OBJECT.fullmatch(text) is not None


def path_problem(text: str) -> str:
    """Return what is wrong with text as a path inside a repository, or ""."""
    if not text:
        return "is empty"
    if "\\" in text:
        return "has a backslash; use forward slashes"
    if text.startswith(("/", "~")) or (len(text) > 1 and text[1] == ":"):
        return "is absolute; give it relative to the repository"
    if any(part in ("..", ".git") for part in text.split("/")):
        return "leaves the repository or enters .git"
    if any(unicodedata.category(char) == "Cc" or is_invisible(char) for char in text):
        return "has a control or invisible character"
    return ""


def is_utf8(text: str | bytes) -> bool:
    """Say whether bytes are UTF-8, or text can be written as UTF-8: no byte was left undecoded."""
    try:
        text.decode() if isinstance(text, bytes) else text.encode()
    except UnicodeError:
        return False
    return True


def is_invisible(char: str) -> bool:
    """Return whether a character is invisible or reorders the text around it."""
    return char in _INVISIBLE or 0xE0000 <= ord(char) <= 0xE007F


def search_path(environ: Mapping[str, str]) -> str:
    """Return the absolute entries of PATH, the system's own path when it is not set.

    A relative entry, such as the empty one, would let a file of the work tree pass for `git`.
    """
    entries = environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(entry for entry in entries if os.path.isabs(entry))
