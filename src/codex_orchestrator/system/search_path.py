"""What every command of ours does about its variables at the start; see `own_process` for more.

PATH loses its relative entries: a file of a work tree must not pass for `git` or `pytest`.
"""

import os
from collections.abc import Mapping

HANDED_OVER = "CODEX_ORCHESTRATOR_VARIABLES_FD"
"""Names the descriptor from which a process of ours reads variables that it must not show."""


def search_path(environ: Mapping[str, str]) -> str:
    """Return the absolute entries of PATH, the system's own path when it is not set.

    An empty entry stands for the current folder, so it is dropped as well.
    """
    entries = environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(entry for entry in entries if os.path.isabs(entry))
