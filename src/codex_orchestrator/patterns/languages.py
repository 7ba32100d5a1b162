"""The languages that patterns are written for, and the files that hold them."""

import posixpath

from codex_orchestrator.model.errors import InputError

SUFFIXES = {
    "python": (".py", ".pyi"),
    "javascript": (".js", ".mjs", ".cjs", ".jsx"),
    "typescript": (".ts", ".mts", ".cts"),
    "tsx": (".tsx",),
    "go": (".go",),
    "rust": (".rs",),
    "java": (".java",),
    "bash": (".sh", ".bash"),
}
"""The endings of file names by language, the usual one first."""
ANY = "any"
"""The language of an asset that is not bound to one, such as a template."""

_BY_SUFFIX = {suffix: name for name, group in SUFFIXES.items() for suffix in group}


def language_of(path: str) -> str:
    """Return the language of a file by its suffix; "" when no pattern is written for it."""
    return _BY_SUFFIX.get(posixpath.splitext(path)[1].lower(), "")


def known_language(name: str, *, path: str, line: int = 0) -> str:
    """Return a language name as this package writes it (`Python` and `python` are the same).

    The parser library ends the process on a name it does not know, so names are checked here.

    Raises:
        InputError: no patterns can be written for it.
    """
    if name.lower() not in SUFFIXES:
        raise InputError(
            f"unknown language {name!r}",
            path=path,
            line=line,
            field="language",
            fix=f"use one of {', '.join(SUFFIXES)}",
        )
    return name.lower()
