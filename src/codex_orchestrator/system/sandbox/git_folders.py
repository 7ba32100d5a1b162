"""What git keeps for a work tree: what a child in it may see, and what it must not replace."""

import os
import re
from typing import NamedTuple

_SEEN = ("HEAD", "packed-refs", "shallow", "info")
_COPIED = ("objects", "refs", "logs")
_LARGEST_TEXT = 1024 * 1024
_KEPT_SECTIONS = frozenset({"core", "extensions", "user"})
_SECTION = re.compile(r"\s*\[\s*([A-Za-z0-9.-]+)\s*(\"|\])")


class GitFolders(NamedTuple):
    """Paths of git that go with a work tree.

    `copy` may be changed for the child alone, `read` be read, `lock` never be replaced. `files`
    are shown with another text: settings without addresses, headers and helpers, which hold
    credentials.
    """

    copy: tuple[str, ...] = ()
    read: tuple[str, ...] = ()
    lock: tuple[str, ...] = ()
    files: tuple[tuple[str, str], ...] = ()


def find_git_folders(tree: str) -> GitFolders:
    """Return what git keeps for a folder; nothing when it is no work tree.

    A linked work tree counts only when git's own folder points back to it and lies in the folder
    that it shares: a `.git` file that a child wrote must not open another folder to the next one.
    """
    pointer = os.path.join(tree, ".git")
    if os.path.islink(pointer) or not os.path.lexists(pointer):
        return GitFolders()
    if os.path.isdir(pointer):
        if os.path.lexists(os.path.join(pointer, "commondir")):
            return GitFolders(lock=(pointer,))
        read = _alternates(pointer)
        return GitFolders(copy=(pointer,), read=read, files=_settings(pointer))
    own = _target(tree, _read(pointer).removeprefix("gitdir:"))
    common = _target(own, _read(os.path.join(own, "commondir"))) if own else ""
    back = _read(os.path.join(own, "gitdir")).strip() if own else ""
    is_linked = os.path.realpath(back or "/") == os.path.realpath(pointer)
    if not is_linked or os.path.dirname(own) != os.path.join(common, "worktrees"):
        return GitFolders(lock=(pointer,))
    copied = [own, *(os.path.join(common, name) for name in _COPIED)]
    seen = [os.path.join(common, name) for name in (*_SEEN, "config")]
    return GitFolders(
        copy=tuple(path for path in copied if os.path.isdir(path)),
        read=(*(path for path in seen if os.path.exists(path)), *_alternates(common)),
        lock=(pointer,),
        files=(*_settings(common), *_settings(own, "config.worktree")),
    )


def harmless_settings(text: str) -> str:
    """Return the part of a git configuration that says how to read the repository."""
    kept, is_kept = [], False
    for line in text.splitlines(keepends=True):
        if section := _SECTION.match(line):
            is_kept = section[1].lower() in _KEPT_SECTIONS and section[2] == "]"
        if is_kept:
            kept.append(line)
    return "".join(kept)


def _settings(folder: str, name: str = "config") -> tuple[tuple[str, str], ...]:
    path = os.path.join(folder, name)
    return ((path, harmless_settings(_read(path))),) if os.path.isfile(path) else ()


def _alternates(common: str) -> tuple[str, ...]:
    objects = os.path.join(common, "objects")
    lines = _read(os.path.join(objects, "info", "alternates")).splitlines()
    return tuple(_target(objects, line) for line in lines if line and not line.startswith("#"))


def _target(folder: str, text: str) -> str:
    return os.path.realpath(os.path.join(folder, text.strip())) if text.strip() else ""


def _read(path: str) -> str:
    """Return the text of a small file; "" when there is none."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ""
    with open(fd, encoding="utf-8", errors="surrogateescape") as stream:
        return stream.read(_LARGEST_TEXT)
