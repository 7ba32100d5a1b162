"""Who the commits of a run are from."""

import re
from typing import NamedTuple

from codex_orchestrator.model.errors import InputError

_AUTHOR = re.compile(r"([^<>\n\0]+) <([^<>\s\0]+)>")


class Author(NamedTuple):
    """Who a commit says it is from."""

    name: str
    email: str


def parse_author(text: str) -> Author:
    """Parse `Name <address>`.

    Raises:
        InputError: the text has another form.
    """
    found = _AUTHOR.fullmatch(text.strip())
    if not found:
        raise InputError(f"{text!r} is not an author", fix="write it as: Name <name@example.org>")
    return Author(found[1].strip(), found[2])
