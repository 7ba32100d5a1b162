"""What commands of set-up made, kept in the user's cache for later work trees."""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from codex_orchestrator.model.errors import InputError
from codex_orchestrator.system.folders import check_private, remove_tree
from codex_orchestrator.workspace.places import free_place
from codex_orchestrator.workspace.scratch import make_scratch_folder

MOST_KEPT = 5
"""How many results are kept of a repository; the oldest go first."""


def take_kept(folder: Path, key: str, root: Path) -> bool:
    """Put the kept result of commands into a work tree; say whether there was one."""
    kept = folder / key
    try:
        check_private(folder)
        names = (kept / "paths").read_text("utf-8").split("\0")
        os.utime(kept)
        for number, path in enumerate(filter(None, names)):
            _copy(kept / str(number), free_place(root, path))
    except (OSError, InputError):
        return False
    return True


def keep(folder: Path, key: str, root: Path, paths: tuple[str, ...]) -> str:
    """Keep what commands made in a work tree; return why that is not possible, or ""."""
    for path in paths:
        if os.path.lexists(root / path / "pyvenv.cfg"):
            return f"{path} names its own place, so no other tree can use it"
    make_scratch_folder(folder)
    try:
        draft = Path(tempfile.mkdtemp(prefix="draft-", dir=folder))
        try:
            for number, path in enumerate(paths):
                _copy(root / path, draft / str(number))
            (draft / "paths").write_text("\0".join(paths), "utf-8")
            remove_tree(folder / key)
            os.rename(draft, folder / key)
        finally:
            remove_tree(draft)
        kept = sorted(folder.iterdir(), key=lambda place: place.stat().st_mtime)
    except OSError as error:
        return f"it cannot be kept: {error.strerror}"
    for place in kept[:-MOST_KEPT]:
        with contextlib.suppress(OSError):
            remove_tree(place)
    return ""


def _copy(source: Path, target: Path) -> None:
    """Copy a file or folder as it is: links, times and modes too."""
    if source.is_dir() and not source.is_symlink():
        shutil.copytree(source, target, symlinks=True)
    else:
        shutil.copy2(source, target, follow_symlinks=False)
