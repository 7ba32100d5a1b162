"""A file, and what its name says of it."""

import re
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from codex_orchestrator.text.globs import to_regex
from codex_orchestrator.verbs.code_names import LANGUAGE_OF, NEVER_NAMED


class KnownFile(NamedTuple):
    """A file: its path, and its language if it is code; else the glob of its name, and why not."""

    path: str
    language: str
    why: tuple[str, str] | None

    @property
    def name(self) -> str:
        """The name without its folders."""
        return self.path.rpartition("/")[2]

    @property
    def suffix(self) -> str:
        """The end of the name from its last dot; "" when it has none, or begins with it."""
        stem, dot, suffix = self.name.rpartition(".")
        return f".{suffix}" if dot and stem else ""

    @property
    def is_test(self) -> bool:
        """Whether the name is that of a test."""
        return self.why is not None and self.why[1] == "tests"


def know(path: str) -> KnownFile:
    """Return what the name of a file says."""
    file = KnownFile(path, "", None)
    match, named = _never_named(file.suffix)
    if found := match(file.name):
        return file._replace(why=named[(found.lastindex or 1) - 1])
    return file._replace(language=LANGUAGE_OF.get(file.suffix[1:], ""))


@cache
def _never_named(
    suffix: str,
) -> tuple[Callable[[str], re.Match[str] | None], list[tuple[str, str]]]:
    """Return a matcher for names with a suffix, each group for one glob, and those globs."""
    ends = (suffix, "*", ".*") if suffix else ("*",)
    named = [
        (glob, why)
        for why, globs in NEVER_NAMED.items()
        for glob in globs.split()
        if glob.endswith(ends) or "." not in glob
    ]
    return re.compile("|".join(f"({to_regex(glob)})" for glob, _ in named)).fullmatch, named
