"""What a project uses outside of its own folder, by the relative paths that its files name."""

import posixpath
import re
from pathlib import Path

from codex_orchestrator.adapters.interface import read_text
from codex_orchestrator.system.listing import list_files

MOST_FILES = 2000
# Files that say where code is found, and sources of languages that import by relative path.
_NAMING = re.compile(
    r"(?:.*/)?(?:conftest\.py|setup\.py|Makefile|[\w-]*requirements[\w-]*\.(?:txt|in)|go\.(?:mod|work)"
    r"|pom\.xml|[\w.-]+\.(?:toml|cfg|ini|gradle|kts|[cm]?[jt]sx?)|(?:package|tsconfig[\w.-]*|deno)\.jsonc?)"
)
_UPWARDS = re.compile(
    r"""(?<![\w./-])(?:\./)?((?:\.\./)+[\w@.+/-]*|\.\.(?:/\.\.)*(?=["'\s,)\]<]))"""
)


def outside_used(root: Path, folder: str) -> tuple[str, ...]:
    """Return the paths outside of a project's folder that its files name, relative to the top.

    A project with too many files to be read counts as one that uses everything.

    Args:
        root: the top of the work tree.
        folder: the project's folder, relative to the top.

    Returns:
        Folders and files; "." stands for everything.
    """
    if folder == ".":
        return ()
    paths = [path for path in list_files(root) if path.startswith(f"{folder}/")]
    naming = [path for path in paths if _NAMING.fullmatch(path)]
    if len(naming) > MOST_FILES:
        return (".",)
    used = set()
    for path in naming:
        for match in _UPWARDS.finditer(read_text(root / path)):
            named = posixpath.normpath(posixpath.join(posixpath.dirname(path), match[1]))
            if named != ".." and not f"{named}/".startswith(("../", f"{folder}/")):
                used.add(named)
    return tuple(sorted(used))
