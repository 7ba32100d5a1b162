"""Places in a work tree that something of ours is put at, never through a link in the tree."""

import os
from pathlib import Path

from codex_orchestrator.model.errors import NotCheckedError
from codex_orchestrator.system.folders import remove_tree
from codex_orchestrator.text.shown import one_line


def free_place(root: Path, path: str) -> Path:
    """Return a place in a tree that is free now: what had the name is gone.

    The folders above it are made.

    Args:
        root: the tree.
        path: below it, in forward slashes.

    Raises:
        NotCheckedError: something on the way is a link or no folder.
    """
    *folders, name = path.split("/")
    place = root
    for folder in folders:
        place /= folder
        if place.is_symlink() or (os.path.lexists(place) and not place.is_dir()):
            shown = one_line(place.relative_to(root).as_posix())
            raise NotCheckedError(
                f"{one_line(path)} cannot be put into the work tree: {shown} is no folder there",
                fix="leave it out of the configuration of set-up",
            )
        place.mkdir(0o755, exist_ok=True)
    place /= name
    if place.is_symlink() or (os.path.lexists(place) and not place.is_dir()):
        place.unlink()
    else:
        remove_tree(place)
    return place
