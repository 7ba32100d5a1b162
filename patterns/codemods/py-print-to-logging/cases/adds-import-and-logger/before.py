"""Tea."""

from __future__ import annotations

import os
from pathlib import Path

CUPS = 3


def brew(leaf):
    print("brewing")
    print(f"brewing {leaf}")
    print("cups:", CUPS)
    print(leaf, CUPS, os.name)
    print("a", "b", "c", "d")
    print("a", "b", "c", "d", "e")
    print()
    print("100%")
    print("to a file", file=Path("x").open("w"))
    print(*leaf)
    print("no end", end="")
    return print("used as a value")
