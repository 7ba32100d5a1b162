"""The file `.git` of a linked work tree: it says where git's own folder is."""

import os
import stat
from pathlib import Path

from codex_orchestrator.model.confinement import GitPlaces
from codex_orchestrator.system.durable import write_file
from codex_orchestrator.system.folders import remove_tree


def restore_pointer(places: GitPlaces | None) -> None:
    """Put back the file `.git` if something else is in its place.

    Without a mount namespace a check can replace it, and would choose the repository of whatever
    looks for one from the tree. A tree that holds its git folder itself stays as it is, and so does
    a folder that is no work tree.

    Raises:
        ServiceError: it cannot be written.
    """
    if places is None or os.path.join(places.tree, ".git") == places.common_dir:
        return
    pointer = Path(places.tree, ".git")
    wanted = os.fsencode(f"gitdir: {places.git_dir}\n")
    mode = os.lstat(pointer).st_mode if os.path.lexists(pointer) else 0
    if stat.S_ISREG(mode) and pointer.read_bytes() == wanted:
        return
    if stat.S_ISDIR(mode):
        remove_tree(pointer)
    elif mode:
        pointer.unlink()
    write_file(pointer, wanted, is_cache=True)
