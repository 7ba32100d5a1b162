"""Cut the code of a repository into areas, one spec each: neither one a file nor one for all.

A folder is one area when all of its code has the same owners and it is not too large. Else its
folders are areas of their own, and what is too small for one joins the files beside it.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from codex_orchestrator.text.globs import glob_in

Team = tuple[str, ...]
OWNED: Team = ("\0owned",)
"""Stands for the owners of a file that a spec owns already: it takes part in no area."""


class Piece(NamedTuple):
    """One glob, how many files of code it means, whose they are, and the folder they are in."""

    glob: str
    files: int
    team: Team
    folder: str


class Area(NamedTuple):
    """What one spec would own: disjoint globs below a folder, and whose code it is."""

    folder: str
    globs: tuple[str, ...]
    files: int
    team: Team


class _Folder:
    def __init__(self) -> None:
        self.files: list[tuple[str, Team]] = []
        self.whole: list[Piece] = []
        self.left: list[Piece] = []
        self.is_cut = False


def cut_areas(teams: Mapping[str, Team]) -> list[Area]:
    """Return areas that hold each file of code just once, but for those that are `OWNED`.

    Args:
        teams: path of each file of code to the names of its owners; () when nobody is known.
    """
    total = sum(team is not OWNED for team in teams.values())
    most = min(500, max(10, 2 * math.isqrt(total)))
    least = max(2, most // 6)
    folders: defaultdict[str, _Folder] = defaultdict(_Folder)
    for path, team in sorted(teams.items()):
        folder = path.rpartition("/")[0]
        folders[folder].files.append((path, team))
        while folder:
            folder = folder.rpartition("/")[0]
            if folder in folders:
                break
            folders[folder] = _Folder()
    areas: list[Area] = []
    # A folder comes after all that are in it.
    for name in sorted(folders, key=lambda name: (-name.count("/") - bool(name), name)):
        areas += _cut(name, folders[name], folders[name.rpartition("/")[0]], most, least)
    return sorted(areas, key=lambda area: (area.folder, area.globs))


def _cut(name: str, folder: _Folder, parent: _Folder, most: int, least: int) -> list[Area]:
    """Hand a folder to its parent as a whole, or return the areas in it and hand on the rest."""
    inside = {team for _, team in folder.files} | {piece.team for piece in folder.whole}
    count = len(folder.files) + sum(piece.files for piece in folder.whole)
    if name and not folder.is_cut and len(inside) == 1 and count <= most:
        if not folder.files and len(folder.whole) == 1:
            # A folder of one folder says nothing of what else may come into it.
            parent.whole += folder.whole
            return []
        parent.whole.append(Piece(f"{glob_in(name)}/**", count, inside.pop(), name))
        return []
    parent.is_cut = True
    areas = []
    left = folder.left + _direct(name, folder.files)
    for piece in folder.whole:
        if piece.team is OWNED:
            continue
        if piece.files < least:
            left.append(piece)
        else:
            areas.append(Area(piece.folder, (piece.glob,), piece.files, piece.team))
    by_team: defaultdict[Team, list[Piece]] = defaultdict(list)
    for piece in left:
        by_team[piece.team].append(piece)
    folder.left = []
    for team, pieces in sorted(by_team.items()):
        if name and sum(piece.files for piece in pieces) < least:
            parent.left += pieces
        else:
            areas += _chunks(team, pieces, most)
    return areas


def _direct(name: str, files: list[tuple[str, Team]]) -> list[Piece]:
    """Return the files of one folder: one glob for all, or each by name where owners differ."""
    inside = {team for _, team in files}
    if len(inside) == 1 and OWNED not in inside:
        return [Piece(f"{glob_in(name)}/*" if name else "*", len(files), inside.pop(), name)]
    return [Piece(glob_in(path), 1, team, name) for path, team in files if team is not OWNED]


def _chunks(team: Team, pieces: list[Piece], most: int) -> Iterable[Area]:
    chunk: list[Piece] = []
    for piece in [*sorted(pieces), None]:
        size = sum(known.files for known in chunk)
        if chunk and (piece is None or size + piece.files > most):
            folder = _common([known.folder for known in chunk])
            yield Area(folder, tuple(known.glob for known in chunk), size, team)
            chunk = []
        if piece is not None:
            chunk.append(piece)


def _common(folders: list[str]) -> str:
    """Return the deepest folder that holds all of some folders."""
    first, last = min(folders).split("/"), max(folders).split("/")
    depth = 0
    while depth < min(len(first), len(last)) and first[depth] == last[depth]:
        depth += 1
    return "/".join(first[:depth])
