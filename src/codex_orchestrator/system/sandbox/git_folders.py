"""What git keeps for a work tree: what a child in it may see, and what it must not replace."""

import os
import re
from collections.abc import Iterator

from codex_orchestrator.model.confinement import GitPlaces
from codex_orchestrator.system.sandbox.orders import Orders

_SEEN = ("HEAD", "packed-refs", "shallow", "info")
_COPIED = ("objects", "refs", "logs")
_LARGEST_TEXT = 1024 * 1024
_KEPT_SECTIONS = frozenset({"core", "extensions", "user"})
_SECTION = re.compile(r"\s*\[\s*([A-Za-z0-9.-]+)\s*(\"|\])")


_PLAIN = re.compile(
    r"""\s*  |  \[(remote|branch)\ "[\w./-]+"\]
    |  \s*(fetch|merge|remote|url)\s*=\s*(?!.*://[^/]*@)[^?;\#"\\]+""",
    re.VERBOSE,
)


NOTHING = Orders(frozenset())
"""Of a child that has no work tree."""


def find_git_folders(places: GitPlaces, *, hides_settings: bool) -> Orders:
    """Return what a child may see of the git folders that go with a work tree, as part of orders.

    It may change `copy` for itself, read `read`, and never replace `lock`. `files` are settings
    without addresses, headers and helpers, which hold credentials.

    Args:
        places: where they are. Nothing that a child can write says where else to look.
        hides_settings: files can be shown with another text; else settings that may hold
            credentials cannot be read, and git refuses to work.
    """
    pointer = os.path.join(places.tree, ".git")
    if pointer == places.common_dir:
        is_real = os.path.realpath(pointer) == pointer and os.path.isdir(pointer)
        # A child may have written here, so no file in it names another folder.
        return (
            Orders(frozenset(), copy=(pointer,), files=_settings(pointer)) if is_real else NOTHING
        )
    is_pointer = os.path.isfile(pointer) and not os.path.islink(pointer)
    own, common = places.git_dir, places.common_dir
    copied = [own, *(os.path.join(common, name) for name in _COPIED)]
    seen = [os.path.join(common, name) for name in (*_SEEN, "config")]
    files = (*_settings(common), *_settings(own, "config.worktree"))
    if not hides_settings:
        hidden = {path for path, _ in files if not holds_no_credentials(_read(path))}
        copied = [*_entries(own), *copied[1:]]
        copied, seen = ([path for path in paths if path not in hidden] for paths in (copied, seen))
        files = ()
    return Orders(
        frozenset(),
        copy=tuple(path for path in copied if os.path.exists(path)),
        read=(*(path for path in seen if os.path.exists(path)), *_alternates(common)),
        lock=(pointer,) if is_pointer else (),
        files=files,
    )


def harmless_settings(text: str) -> str:
    """Return the part of a git configuration that says how to read the repository."""
    return "".join(line for line, is_kept in _marked_lines(text) if is_kept)


def holds_no_credentials(text: str) -> bool:
    """Say whether a git configuration has, besides that part, only names and plain addresses.

    All that is not understood counts as credentials, and so does a text that was cut or not read.
    """
    is_whole = 0 < len(text) < _LARGEST_TEXT
    return is_whole and all(
        is_kept or _PLAIN.fullmatch(line.rstrip("\n")) for line, is_kept in _marked_lines(text)
    )


def _marked_lines(text: str) -> Iterator[tuple[str, bool]]:
    is_kept = False
    for line in text.splitlines(keepends=True):
        if section := _SECTION.match(line):
            is_kept = section[1].lower() in _KEPT_SECTIONS and section[2] == "]"
        yield line, is_kept


def _settings(folder: str, name: str = "config") -> tuple[tuple[str, str], ...]:
    path = os.path.join(folder, name)
    return ((path, harmless_settings(_read(path))),) if os.path.isfile(path) else ()


def _entries(folder: str) -> list[str]:
    with os.scandir(folder) as entries:
        return [entry.path for entry in entries]


def _alternates(common: str) -> tuple[str, ...]:
    objects = os.path.join(common, "objects")
    lines = _read(os.path.join(objects, "info", "alternates")).splitlines()
    named = (line for line in lines if line and not line.startswith("#") and "\0" not in line)
    return tuple(os.path.realpath(os.path.join(objects, line)) for line in named)


def _read(path: str) -> str:
    """Return the text of a small file; "" when there is none."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ""
    with open(fd, encoding="utf-8", errors="surrogateescape") as stream:
        return stream.read(_LARGEST_TEXT)
