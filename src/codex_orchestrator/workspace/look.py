"""Reading a work tree: list its files, search in them, read lines of a file."""

import re
from collections.abc import Callable, Sequence

from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.tool_results import FileText, SearchHit, SearchHits
from codex_orchestrator.system.confined import ConfinedTree, parts_of
from codex_orchestrator.system.listing import listed_names
from codex_orchestrator.system.safe_git import SafeGit
from codex_orchestrator.text.globs import is_chosen
from codex_orchestrator.text.names import is_utf8

MAX_HITS = 200
MAX_PATHS = 1000
MAX_TEXT = 64 * 1024
MAX_LINE = 400
SEARCH_S = 10.0
_SEARCH_BYTES = 4 * 1024 * 1024
_HIT = re.compile(rb"([^\0\n]+)\0(\d+)[:\0]([^\n]*)\n")


def list_paths(git: SafeGit, globs: Sequence[str]) -> list[str]:
    """Return the names of tracked and new files and links, without what git ignores; sorted.

    Args:
        git: git in the tree.
        globs: paths, folders or globs; none means all.

    Raises:
        NotCheckedError: git cannot list them.
    """
    gone = git.run("ls-files", "-z", "--deleted").split(b"\0")
    paths = (name.decode("utf-8", "replace") for name in listed_names(git.run).difference(gone))
    return sorted(path for path in paths if is_chosen(path, globs))


def _is_there(tree: ConfinedTree, path: str) -> bool:
    try:
        return tree.kind(path) in ("file", "link")
    except InputError:
        return False


def search(
    git: SafeGit,
    tree: ConfinedTree,
    pattern: str,
    *,
    globs: Sequence[str] = (),
    is_regex: bool = False,
    ignores_case: bool = False,
    is_hidden: Callable[[str], bool],
) -> SearchHits:
    """Find lines in files that git does not ignore.

    Args:
        git: git in the tree.
        tree: the tree.
        pattern: plain text, or a POSIX extended regular expression.
        globs: paths, folders or globs; none means all.
        is_regex: read the pattern as a regular expression.
        ignores_case: compare without regard to case.
        is_hidden: says that a file must not be shown.

    Raises:
        InputError: the pattern is not valid, or the search took too long.
    """
    if not pattern or "\n" in pattern or "\0" in pattern:
        raise InputError("the pattern must be one line of text")
    options = ["-E" if is_regex else "-F", *(["-i"] if ignores_case else [])]
    status, out, err = git.read_some(
        *("grep", "--untracked", "--no-recurse-submodules", "-z", "-n", "-I", "--no-color"),
        *("--full-name", *options, "-e", pattern),
        limit=_SEARCH_BYTES,
        timeout_s=SEARCH_S,
    )
    if status is None and not out:
        raise InputError(f"the search took more than {SEARCH_S:.0f} s", fix="use a simpler pattern")
    if status not in (0, 1, None):
        raise InputError(f"the pattern cannot be searched for: {err.strip()[:300]}")
    hits: list[SearchHit] = []
    shown: dict[bytes, bool] = {}
    for name, number, text in _HIT.findall(out):
        if name not in shown:
            path = name.decode("utf-8", "replace")
            shown[name] = is_chosen(path, globs) and not is_hidden(path) and _is_there(tree, path)
        if shown[name]:
            if len(hits) == MAX_HITS:
                return SearchHits(hits=tuple(hits), is_cut=True)
            line = text.decode("utf-8", "replace").rstrip("\r")
            path = name.decode("utf-8", "replace")
            hits.append(SearchHit(path=path, line=int(number), text=line[:MAX_LINE]))
    return SearchHits(hits=tuple(hits), is_cut=status is None)


def read_lines(tree: ConfinedTree, path: str, *, first: int, count: int) -> FileText:
    """Return lines of a text file, at most 64 KiB of them.

    Raises:
        InputError: there is no such text file, or no such line.
    """
    data = tree.read(path).data
    if b"\0" in data:
        raise InputError(f"is a binary file of {len(data)} bytes", path="/".join(parts_of(path)))
    lines = data.decode("utf-8", "replace").split("\n")
    if lines[-1] == "":
        lines.pop()
    if first > max(1, len(lines)):
        raise InputError(f"has {len(lines)} lines, so none at {first}", path=path)
    chosen: list[str] = []
    size = 0
    for line in lines[first - 1 : first - 1 + count]:
        if size + len(line) > MAX_TEXT:
            if not chosen:
                chosen.append(line[:MAX_TEXT])
            break
        chosen.append(line)
        size += len(line) + 1
    last = first + len(chosen) - 1
    is_whole = not chosen or len(chosen[-1]) == len(lines[last - 1])
    return FileText(
        path=path,
        text="".join(f"{line}\n" for line in chosen),
        first_line=first,
        last_line=last,
        total_lines=len(lines),
        is_cut=last < len(lines) or not is_whole,
        is_lossy=not is_utf8(data),
    )
