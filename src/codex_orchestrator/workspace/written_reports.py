"""Reports of tests that a check writes into the work tree: an old one is removed before it runs."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from codex_orchestrator.model.errors import InputError
from codex_orchestrator.system.confined import ConfinedTree
from codex_orchestrator.system.files import UnusableFileError
from codex_orchestrator.text.globs import matching_glob

MAX_BYTES = 64 * 1024 * 1024
_MAX_FILES = 10_000
_NOT_ENTERED = (".git", "node_modules", ".venv")


def remove_written(root: Path, globs: Sequence[str]) -> None:
    """Remove the files of a work tree that globs choose as reports: they are of an earlier run.

    Raises:
        OSError: one cannot be removed.
    """
    for path in _written(root, globs):
        # No folder on the way is a link: the walk enters none.
        (root / path).unlink()


def keep_written(root: Path, globs: Sequence[str], kept: Path, *, since_ns: int) -> str:
    """Copy the reports that a check wrote to a folder, under their paths in the work tree.

    Nothing is copied when one of them cannot be used.

    Args:
        root: the work tree.
        globs: which files are reports.
        kept: the folder, outside the work tree; it is made when there is a report.
        since_ns: when the check started, in nanoseconds as files have it; what is older is no
            report of this run.

    Returns:
        Why they cannot be used, or "".
    """
    reports: dict[str, bytes] = {}
    left = MAX_BYTES
    tree = ConfinedTree(root, max_bytes=MAX_BYTES, allows_any_name=True)
    try:
        for path in _written(root, globs):
            with tree.opened(path) as descriptor:
                is_older = os.fstat(descriptor).st_mtime_ns < since_ns
            if is_older:
                return f"its report {path} is older than this run"
            reports[path] = tree.read(path).data
            left -= len(reports[path])
            if left < 0 or len(reports) > _MAX_FILES:
                return f"its reports are more than {_MAX_FILES} files or {MAX_BYTES} bytes"
    except UnusableFileError as error:
        return f"its report {error.path or ''} {error.problem}"
    except InputError:
        return "its reports cannot be read"
    finally:
        tree.close()
    if reports:
        kept.mkdir(0o700)
        _write(kept, reports)
    return ""


def _write(kept: Path, reports: dict[str, bytes]) -> None:
    folder = ConfinedTree(kept, max_bytes=MAX_BYTES, allows_any_name=True)
    try:
        for path, data in reports.items():
            folder.replace(path, data, mode=0o600, makes_folders=True)
    finally:
        folder.close()


def _written(root: Path, globs: Sequence[str]) -> Iterator[str]:
    """Yield the paths of all that lies in a work tree under the name of a report, in order."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in _NOT_ENTERED)
        base = os.path.relpath(folder, root)
        for name in sorted(names):
            path = name if base == "." else f"{base}/{name}"
            # A glob that names a folder means the XML in it; a program writes text there as well.
            if path in globs or (name.endswith(".xml") and matching_glob(path, globs)):
                yield path
