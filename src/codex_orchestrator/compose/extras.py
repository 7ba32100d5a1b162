"""Imports of packages of an extra.

A missing package is reported with the command that installs it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from codex_orchestrator.system.installed import missing_extra


@contextmanager
def extra(name: str, *, needed_for: str) -> Iterator[None]:
    """Translate a failed import into an error with the command that installs the extra.

    Raises:
        MissingExtraError: names the extra and the command.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("codex_orchestrator"):
            raise
        raise missing_extra(name, needed_for=needed_for) from error
