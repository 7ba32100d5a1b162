"""The private folder of the runs' work trees: outside every checkout, kept over a crash.

Not inside `.git`: test runners and linters skip everything below a folder of that name. Not
inside the checkout: it would show in `git status`, and tools would use the outer settings.
"""

import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from codex_orchestrator.model.errors import InputError, NotCheckedError, ServiceError
from codex_orchestrator.system.folders import check_private, make_folders


def scratch_folder(top: Path, common_dir: Path, *, environ: Mapping[str, str]) -> Path:
    """Return the folder for a repository's work trees: in the user's cache, else in temp.

    The temp folder is taken when there is no home, or when the repository is the home folder
    itself or above the cache.
    """
    cache = environ.get("XDG_CACHE_HOME") or (
        os.path.join(environ["HOME"], ".cache") if environ.get("HOME") else ""
    )
    key = hashlib.sha256(os.fsencode(common_dir)).hexdigest()[:16]
    if cache and os.path.isabs(cache):
        place = Path(os.path.realpath(cache))
        if not place.is_relative_to(os.path.realpath(top)) and _can_hold(place):
            return place / "codex-orchestrator" / "worktrees" / key
    temp = Path(os.path.realpath(environ.get("TMPDIR") or tempfile.gettempdir()))
    return temp / f"codex-orchestrator-{os.getuid()}" / "worktrees" / key


def _can_hold(place: Path) -> bool:
    while not place.exists():
        place = place.parent
    return os.access(place, os.W_OK | os.X_OK)


def make_scratch_folder(folder: Path) -> None:
    """Make a folder that only its owner enters, and the missing folders above it.

    Raises:
        NotCheckedError: it belongs to another user, or others may write to it.
        ServiceError: it cannot be made.
    """
    try:
        make_folders(folder)
        check_private(folder)
    except InputError as error:
        raise NotCheckedError(
            f"{folder} is not a folder that only you can write to",
            fix="remove it, or set XDG_CACHE_HOME to a folder of your own",
        ) from error
    except OSError as error:
        raise ServiceError(
            f"{folder}: the folder for work trees cannot be made: {error.strerror}",
            fix="free some space or set XDG_CACHE_HOME to a folder that can be written to",
        ) from error
