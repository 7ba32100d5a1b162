"""PATH without its relative entries: a file of a work tree must not pass for `git` or `pytest`."""

import os
from collections.abc import Mapping


def search_path(environ: Mapping[str, str]) -> str:
    """Return the absolute entries of PATH, the system's own path when it is not set.

    An empty entry stands for the current folder, so it is dropped as well.
    """
    entries = environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(entry for entry in entries if os.path.isabs(entry))
