"""The work of an unfinished run, packed for another clone."""

import re
from typing import NamedTuple

from codex_orchestrator.model.canonical import sha256_hex

WORK_KIND = "work-pack.v1"
"""The kind of artifact that a pack is: the schema of what it holds."""

MAX_PACK_BYTES = 50 * 1024 * 1024
_NAME = re.compile(r"work-[0-9a-f]{16}\.pack")


class WorkPack(NamedTuple):
    """Recorded states as one git pack, thin against the run's base commit.

    `data` is empty when the base holds all of them. `problem` says why there is none.
    """

    data: bytes = b""
    problem: str = ""


def work_pack_name(data: bytes) -> str:
    """Return the file name of a pack, made from its content.

    So that a newer pack does not overwrite an older one.
    """
    return f"work-{sha256_hex(data)[:16]}.pack"


def is_work_pack_name(name: str) -> bool:
    """Return whether a file name was made by `work_pack_name`."""
    return _NAME.fullmatch(name) is not None
