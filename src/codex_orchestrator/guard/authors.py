"""Who wrote most of the commits of a year, by area of the code. Names only, no addresses."""

import re
from collections import Counter
from collections.abc import Mapping

from codex_orchestrator.system.git import Git
from codex_orchestrator.text.shown import folded, shows, visible

YEAR_SECONDS = 365 * 86_400
MAX_COMMITS = 20_000
_MOST = 3
_BOTS = ("[bot]", "-bot", " bot")


def busiest_authors(git: Git, area_of: Mapping[bytes, int]) -> dict[int, tuple[str, ...]]:
    """Return the up to three authors with most commits for each area, of the year up to HEAD.

    Merges and bots do not count; `.mailmap` does. At most 20,000 commits are looked at.

    Args:
        git: the repository's git.
        area_of: the path of each file as git writes it, to its area.

    Raises:
        NotCheckedError: git cannot read the history.
    """
    newest = git.answer("log", "-1", "--format=%ct", "--no-show-signature", "HEAD")
    if newest is None:
        return {}  # no commit yet
    since = int(newest.split()[-1]) - YEAR_SECONDS
    counts: dict[int, Counter[str]] = {}
    touched: set[int] = set()
    author = ""
    options = ("--no-merges", "--no-renames", "--no-ext-diff", "--no-show-signature")
    limits = (f"--since=@{since}", f"--max-count={MAX_COMMITS}")
    for part in git.rows("log", "-z", "--name-only", "--format=%x01%aN", *options, *limits, "HEAD"):
        for row in part.split(b"\0")[:-1]:
            if row.startswith(b"\x01"):
                author, touched = _name(row[1:]), set()
                continue
            area = area_of.get(row.removeprefix(b"\n"))
            if area is not None and author and area not in touched:
                touched.add(area)
                counts.setdefault(area, Counter())[author] += 1
    return {area: _first(count) for area, count in counts.items()}


def _first(count: Counter[str]) -> tuple[str, ...]:
    ranked = sorted(count.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple(name for name, _ in ranked[:_MOST])


def _name(raw: bytes) -> str:
    """Return an author's name; of an address in its place what stands before the `@`."""
    text = visible(raw.decode("utf-8", "replace"))
    name = folded("".join(char if shows(char) else " " for char in text), 100)
    if name.lower().endswith(_BOTS):
        return ""
    return re.sub(r"[<(]*([^\s<>()@]+)@[^\s@]+", r"\1", name)
