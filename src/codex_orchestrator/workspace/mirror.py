"""Show folders and files of the checkout in a work tree, without a copy of what is large.

A folder becomes a real folder with a link for each thing in it, so that rules such as
`node_modules/` match it, and tools can write their caches beside the links. Links that lead to
another place of the checkout are copied as they are written: those of a JavaScript workspace then
lead to the work tree's own packages. One link to the whole folder would load the checkout's.
"""

import os
import shutil
from pathlib import Path

from codex_orchestrator.model.errors import InputError, NotCheckedError
from codex_orchestrator.text.shown import one_line

_COPIED_BYTES = 1024 * 1024
# Tools write these; links would make them write to the checkout.
_CACHES = frozenset([".cache", ".vite", ".vite-temp", ".vitest", ".tmp", ".turbo", "__pycache__"])


def linked_place(top: Path, path: str, *, field: str) -> Path:
    """Return the real place of an ignored path of the checkout.

    Args:
        top: the checkout.
        path: below it.
        field: the key of the configuration that names it.

    Raises:
        NotCheckedError: there is nothing.
        InputError: a link leads out of the checkout, or into its git folder.
    """
    place = top / path
    if not os.path.lexists(place):
        raise NotCheckedError(
            f"{field}: {one_line(path)} is not in the checkout, so the work tree cannot have it",
            fix=f"make it in {top}, or take it out of [tool.codex-orchestrator.setup]",
        )
    real = Path(os.path.realpath(place))
    inside = real.relative_to(os.path.realpath(top)) if _is_below(real, top) else None
    if inside is None or not inside.parts or ".git" in inside.parts:
        raise InputError(
            f"{one_line(path)} is a link that leads out of the checkout",
            field=field,
            fix="name a folder of the checkout itself",
        )
    if not real.exists():
        raise NotCheckedError(f"{field}: {one_line(path)} is a link that leads nowhere")
    return real


def _is_below(place: Path, top: Path) -> bool:
    return place.is_relative_to(os.path.realpath(top))


def mirror(source: Path, target: Path, *, top: Path) -> None:
    """Show a folder or file of the checkout at a free place of a work tree.

    Args:
        source: its real place.
        target: the free place.
        top: the checkout.

    Raises:
        NotCheckedError: a link in the folder leads out of the checkout.
    """
    if not source.is_dir():
        os.symlink(source, target)
        return
    target.mkdir(0o755)
    for entry in sorted(os.scandir(source), key=lambda one: one.name):
        place = target / entry.name
        if entry.is_symlink():
            os.symlink(_same_link(entry.path, source, top), place)
        elif entry.is_dir():
            if entry.name == ".bin" or entry.name.startswith("@"):
                mirror(Path(entry.path), place, top=top)
            elif entry.name not in _CACHES:
                os.symlink(entry.path, place)
        elif entry.is_file() and entry.stat().st_size <= _COPIED_BYTES:
            # What tools keep of the state of the folder, they write again.
            shutil.copy2(entry.path, place)
        elif entry.is_file():
            os.symlink(entry.path, place)


def _same_link(link: str, folder: Path, top: Path) -> str:
    """Return what a link of the checkout is in a work tree: relative, to the same place there."""
    text = os.readlink(link)
    meant = Path(os.path.normpath(folder / text))
    if not os.path.isabs(text) and meant.is_relative_to(os.path.realpath(top)):
        return text
    if _is_below(Path(os.path.realpath(meant.parent)), top):
        return os.path.relpath(meant, folder)
    shown = one_line(os.path.relpath(link, top))
    raise NotCheckedError(
        f"{shown} in the checkout is a link that leads out of it, to {one_line(text)}",
        fix="install what the checks need by `run` in [tool.codex-orchestrator.setup]",
    )
