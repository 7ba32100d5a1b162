"""Globs over repository paths: `*` stays in a folder, `**` crosses folders, `?`, `[a-z]`.

A glob without wildcards means the file of that name, or everything below the folder of that name.
Globs come from specs and agents, so a hostile glob must not be slow: all but the last wildcard of a
kind are matched at the first possible position without backtracking, which is exact for globs and
linear.

`matcher` and `path_matcher` are for paths in commits, `matching_glob` for files in a work tree.
docs/decisions/0026 explains the difference.
"""

import functools
import re
from collections.abc import Callable, Iterable

_LONGEST = 4096
"""Longest glob, in characters, whose wildcards are interpreted.

No file system can open longer paths.
"""
_MARK = r"(?s)\*+|\?|\[[!^]?+[^/][^\]/]*\]|."


def literal_prefix(glob: str) -> str:
    """Return the part of a glob before its first wildcard."""
    for mark in "*?[":
        glob = glob.partition(mark)[0]
    return glob


def glob_of(name: str) -> str:
    """Return the glob that means the file of one name, whatever its own characters would mean."""
    return re.sub(r"[*?[]", r"[\g<0>]", name)


def glob_in(path: str) -> str:
    """Return the glob of a path; a character that a configuration cannot hold becomes `?`."""
    from codex_orchestrator.text.shown import shows

    glob = glob_of(path)
    safe = "".join(char if shows(char) and char != "\\" else "?" for char in glob)
    return f"?{safe[1:]}" if safe.startswith("!") else safe


def name_of(glob: str) -> str:
    """Return the name of the file that such a glob means."""
    return re.sub(r"\[([*?[])\]", r"\1", glob)


def glob_problem(glob: str) -> str:
    """Return what is wrong with a glob, or ""."""
    if not glob.strip():
        return "is empty"
    if glob[0] == "/":
        return "starts with `/`; globs are relative to the repository"
    if "\\" in glob:
        return "has a backslash; use forward slashes"
    if len(glob) > 1024:
        return "is longer than 1024 characters"
    may_have_dots = "//" in glob or "./" in glob or glob[-1] == "."
    if may_have_dots and not {"", ".", ".."}.isdisjoint(glob.removesuffix("/").split("/")):
        return "has an empty, `.` or `..` part"
    return ""


def to_regex(glob: str) -> str:
    """Return the regular expression of a glob, for `fullmatch`."""
    if literal_prefix(glob) == glob:
        return re.escape(glob.removesuffix("/")) + "(?:/.*)?"
    parts = (f"{glob}**" if glob.endswith("/") else glob).split("/")
    is_below = parts[-1] == "**"
    runs: list[list[str]] = [[]]
    for part in parts[:-1] if is_below else parts:
        if part != "**":
            runs[-1].append(_segment(part))
        elif runs[-1] or len(runs) == 1:
            runs.append([])
    last = len(runs) - 1
    out = ["".join(f"{part}/" for part in runs[0])]
    for number, run in enumerate(runs[1:], start=1):
        skip = "(?:[^/]*/)*" if number == last else "(?:[^/]*/)*?"
        text = skip + "".join(f"{part}/" for part in run)
        out.append(text if number == last else f"(?>{text})")
    return "".join(out) + ".+" if is_below else "".join(out).removesuffix("/")


def _segment(part: str) -> str:
    """Return the regular expression of one path component with wildcards."""
    pieces: list[str] = [""]
    for mark in re.findall(_MARK, part):
        if mark[0] == "*":
            pieces.append("")
        elif mark == "?":
            pieces[-1] += "[^/]"
        elif mark[0] == "[" and len(mark) > 2:
            pieces[-1] += _set(mark[1:-1])
        else:
            pieces[-1] += re.escape(mark)
    out = [pieces[0]]
    for number, piece in enumerate(pieces[1:], start=1):
        is_last = number == len(pieces) - 1
        out.append(f"[^/]*{piece}" if is_last else f"(?>[^/]*?{piece})")
    return "".join(out)


def _set(inside: str) -> str:
    is_negated = inside[0] in "!^"
    body = inside[1:] if is_negated else inside
    chars = ""
    for first, last, char in re.findall(r"(?s)(.)-(.)|(.)", body):
        if char:
            chars += re.escape(char)
        elif first <= last:  # a reversed range such as [z-a] is empty
            chars += f"{re.escape(first)}-{re.escape(last)}"
    if not chars:
        return "[^/]" if is_negated else "(?!)"
    return f"(?!/)[{'^' if is_negated else ''}{chars}]"


def matcher(globs: Iterable[str]) -> Callable[[str], bool]:
    """Return a function that tells whether a path matches any of the globs.

    Most globs are `folder/**` and need no regular expression, whose compilation is slower than its
    use.
    """
    starts: list[str] = []
    parts: list[str] = []
    for glob in globs:
        folder = glob.removesuffix("**")
        if folder.endswith("/") and literal_prefix(folder) == folder and folder != glob:
            starts.append(folder)
        else:
            parts.append(to_regex(glob))
    beginnings = tuple(starts)
    if not parts:
        return lambda path: path.startswith(beginnings)
    match = re.compile("|".join(f"(?:{part})" for part in parts), re.DOTALL).fullmatch
    return lambda path: path.startswith(beginnings) or match(path) is not None


def path_matcher(globs: Iterable[str]) -> Callable[[str], bool]:
    """Return a function that tells whether the globs select a path.

    A glob that starts with `!` excludes.
    """
    listed = tuple(globs)
    if len(listed) == 1 and (found := _files_below(listed[0])):
        start, end = found
        return lambda path: path.startswith(start) and path.endswith(end)
    is_meant = matcher(glob for glob in listed if not glob.startswith("!"))
    excluded = tuple(glob[1:] for glob in listed if glob.startswith("!"))
    if not excluded:
        return is_meant
    is_excluded = matcher(excluded)
    return lambda path: is_meant(path) and not is_excluded(path)


def _files_below(glob: str) -> tuple[str, str] | None:
    """Return prefix and suffix of the paths that `folder/**/*.end` matches.

    None for other globs.
    """
    start, middle, end = glob.partition("/**/*")
    is_plain = middle and not glob.startswith("!") and literal_prefix(start + end) == start + end
    return (f"{start}/", end) if is_plain and "/" not in end else None


def matching_glob(path: str, globs: Iterable[str]) -> str:
    """Return the first of the globs that means a file in a work tree; "" when none does.

    Here case is folded, `folder/**` and `folder/` also mean a link or submodule of the folder's
    name, and a name that holds `[`, `*` or `?` may be given as it is. `.` means nothing: see
    `is_chosen`.
    """
    name = path.casefold().removeprefix("./")
    return next((glob for glob in globs if _work_tree_matcher(glob)(name)), "")


def is_chosen(path: str, globs: Iterable[str]) -> bool:
    """Return whether globs choose a file in a work tree: no globs, `.` and "" choose all files."""
    listed = tuple(globs)
    is_everything = any(glob.removeprefix("./").rstrip("/") in ("", ".") for glob in listed)
    return not listed or is_everything or bool(matching_glob(path, listed))


@functools.lru_cache(maxsize=8192)
def _work_tree_matcher(glob: str) -> Callable[[str], bool]:
    """Return the matcher of one glob for case-folded names."""
    glob = glob.casefold().removeprefix("./")
    name = glob.rstrip("/")
    below = f"{name}/"
    if not name or name == ".":
        return lambda _: False
    if literal_prefix(glob) == glob or len(glob) > _LONGEST:
        return lambda path: path == name or path.startswith(below)
    match = re.compile(to_regex(glob), re.DOTALL).fullmatch
    is_folder = glob.endswith(("/**", "/"))
    return lambda path: (
        path == name
        or path.startswith(below)
        or match(path) is not None
        or (is_folder and match(f"{path}/.") is not None)
    )
