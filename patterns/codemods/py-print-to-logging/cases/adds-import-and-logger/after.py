"""Tea."""

from __future__ import annotations

import logging
import os
from pathlib import Path

logger = logging.getLogger(__name__)

CUPS = 3


def brew(leaf):
    logger.info("brewing")
    logger.info(f"brewing {leaf}")
    logger.info("%s %s", "cups:", CUPS)
    logger.info("%s %s %s", leaf, CUPS, os.name)
    logger.info("%s %s %s %s", "a", "b", "c", "d")
    print("a", "b", "c", "d", "e")
    print()
    logger.info("100%")
    print("to a file", file=Path("x").open("w"))
    print(*leaf)
    print("no end", end="")
    return print("used as a value")
