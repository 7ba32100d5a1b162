"""Private folders: made, checked, removed."""

import errno
import os
import shutil
import stat
from pathlib import Path

from codex_orchestrator.model.errors import InputError, ServiceError
from codex_orchestrator.system.disk import DISK, Disk
from codex_orchestrator.system.durable import sync_folder
from codex_orchestrator.system.files import convert_storage_errors

_PRIVATE = 0o700


def make_folder(path: Path, *, disk: Disk = DISK) -> bool:
    """Make a private folder in a folder that exists, and sync it; return whether it is new.

    Raises:
        InputError: something else has that name, or others may write to the folder.
    """
    with convert_storage_errors(path, "make folder"):
        try:
            disk.mkdir(str(path), _PRIVATE)
            made = True
        except FileExistsError:
            made = False
        # Synced also when it exists: the process that made it may have died before it did so.
        sync_folder(path.parent, disk=disk)
    check_private(path)
    return made


def make_folders(path: Path) -> None:
    """Make a private folder and the missing ones above it, whatever the umask is. Not synced.

    Raises:
        OSError: one of them cannot be made, or something else has its name.
    """
    missing = []
    place = path
    while not place.exists():
        missing.append(place)
        place = place.parent
    for folder in reversed(missing):
        # Another process may make it at the same moment.
        folder.mkdir(_PRIVATE, exist_ok=True)
    if not path.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))


def check_private(path: Path) -> None:
    """Check that a folder is no link, belongs to this user, and that no other user may write to it.

    Raises:
        InputError: names the folder and the fix.
    """
    facts = os.lstat(path)
    if stat.S_ISLNK(facts.st_mode):
        raise InputError(
            "is a symbolic link", path=str(path), fix="remove the link; a plain folder is made"
        )
    if not stat.S_ISDIR(facts.st_mode):
        raise InputError("is not a folder", path=str(path), fix="move it out of the way")
    if hasattr(os, "geteuid") and facts.st_uid != os.geteuid():
        raise InputError(
            f"belongs to user {facts.st_uid}, and this is user {os.geteuid()}",
            path=str(path),
            fix="run as its owner, or move the folder out of the way",
        )
    if facts.st_mode & 0o022:
        raise InputError("can be written by other users", path=str(path), fix=f"chmod go-w {path}")


def remove_tree(folder: Path) -> None:
    """Remove a folder and everything in it, read-only folders included.

    Raises:
        ServiceError: something in it cannot be removed.
    """
    if not os.path.lexists(folder):
        return
    try:
        shutil.rmtree(folder)
    except (OSError, RecursionError):
        try:
            _flatten(folder)
        except OSError as error:
            raise ServiceError(
                f"{error.filename or folder} cannot be removed: {error.strerror}",
                fix=f"remove {folder} by hand",
            ) from error


def _flatten(folder: Path) -> None:
    """Remove a folder whose folders may be closed to their owner, or nested however deep.

    What lies in a folder is moved up one level, so that no path grows long.
    """
    if folder.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(folder))
    moved = 0
    os.chmod(folder, _PRIVATE)
    while names := os.listdir(folder):
        for name in names:
            place = os.path.join(folder, name)
            if os.path.islink(place) or not os.path.isdir(place):
                os.unlink(place)
                continue
            os.chmod(place, _PRIVATE)
            for inner in os.listdir(place):
                below = os.path.join(place, inner)
                if os.path.islink(below) or not os.path.isdir(below):
                    os.unlink(below)
                    continue
                # Moving a folder changes its entry `..`, which its owner must be allowed to.
                os.chmod(below, _PRIVATE)
                while os.path.lexists(free := os.path.join(folder, str(moved))):
                    moved += 1
                os.rename(below, free)
            os.rmdir(place)
    os.rmdir(folder)


def folder_problem(root: Path, folder: str) -> str:
    """Return why a folder below another one cannot be used, "" if it can.

    Args:
        root: the folder above; it may be a link.
        folder: relative to it; `.` is the folder above itself.
    """
    place = os.path.normpath(os.path.join(os.path.realpath(root), folder))
    if folder != "." and os.path.realpath(place) != place:
        return f"the folder {folder!r} is a link, or lies behind one"
    return "" if folder == "." or os.path.isdir(place) else f"there is no folder {folder!r}"
