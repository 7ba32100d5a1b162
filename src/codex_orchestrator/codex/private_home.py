"""A private home for one Codex process, in memory where the system has a memory file system."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from codex_orchestrator.codex.locked_folder import locked_folder, remove_left_behind

MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own with mode 0700 is made inside
_PREFIX = "codex-orchestrator-home-"


class PrivateHome(NamedTuple):
    """Folders of one Codex process, mode 0700, removed at the end.

    `codex` is its CODEX_HOME, `home` an empty HOME (a shell finds no profile there), `temp` the
    temporary folder of sandboxed commands. `temp` lies on disk: what builds put there is large.
    """

    codex: Path
    home: Path
    temp: Path


@contextmanager
def private_home(*, memory: Path = MEMORY) -> Iterator[PrivateHome]:
    """Make the folders, and remove them on every way out.

    What a killed process left behind is removed at the next start: the lock of its folder is
    free.
    """
    temp_parent = Path(tempfile.gettempdir())
    parent = memory if os.access(memory, os.W_OK) else temp_parent
    for place in {parent, temp_parent}:
        remove_left_behind(place, prefix=_PREFIX)
    with (
        locked_folder(parent, prefix=_PREFIX) as private,
        locked_folder(temp_parent, prefix=_PREFIX) as temp,
    ):
        home = PrivateHome(private / "codex", private / "home", temp / "tmp")
        for folder in home:
            folder.mkdir(mode=0o700)
        yield home
