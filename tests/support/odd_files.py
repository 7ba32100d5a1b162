"""What may stand in the place of a file: each would hang, flood or mislead a careless reader."""

import os
import shutil
import stat
from pathlib import Path

import pytest

ODD = ("pipe", "link", "endless link", "device", "folder")


def put_in_place_of(path: Path, kind: str, *, aside: Path) -> None:
    """Put something odd in the place of a file; a link leads to it, moved to the folder `aside`."""
    if kind == "link":
        kept = Path(shutil.copy(path, aside))
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "link":
        path.symlink_to(kept)
    elif kind == "endless link":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    elif os.geteuid() == 0:
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5))
    else:
        pytest.skip("only root makes a device")
