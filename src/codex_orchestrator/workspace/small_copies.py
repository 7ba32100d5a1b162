"""Copy small files of the checkout to a work tree."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from codex_orchestrator.model.errors import InputError
from codex_orchestrator.text.shown import one_line
from codex_orchestrator.workspace.places import free_place

_MOST_BYTES = 64 * 1024 * 1024


def copy_here(source: Path, root: Path, path: str, *, field: str) -> None:
    """Copy a small file or folder of the checkout to a work tree, links and all.

    Raises:
        InputError: it is no file or folder, or has more than 64 MiB.
    """
    size = 0
    for file in _files(source):
        facts = os.lstat(file)
        size += facts.st_size
        problem = "has more than 64 MiB" if size > _MOST_BYTES else ""
        if os.path.islink(file) and not Path(os.path.realpath(file)).is_relative_to(source):
            problem = "holds a link that leads out of it"
        if not problem and not (os.path.isfile(file) or os.path.islink(file)):
            problem = "holds something that is no file"
        if problem:
            raise InputError(
                f"{one_line(path)} {problem}", field=field, fix="name it in `link`, or make it new"
            )
    place = free_place(root, path)
    if source.is_dir():
        shutil.copytree(source, place, symlinks=True)
    else:
        shutil.copy2(source, place)


def _files(source: Path) -> Iterator[str]:
    if not source.is_dir():
        yield str(source)
    for folder, folders, names in os.walk(source):
        yield from (os.path.join(folder, name) for name in names)
        yield from (
            place for name in folders if os.path.islink(place := os.path.join(folder, name))
        )
