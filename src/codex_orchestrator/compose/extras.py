"""Imports of what an extra brings: a package that is missing is named with its install line."""

from collections.abc import Iterator
from contextlib import contextmanager

from codex_orchestrator.model.errors import MissingExtraError


@contextmanager
def extra(name: str, *, needed_for: str) -> Iterator[None]:
    """Turn the import of a package that is not installed into the line that installs it.

    Raises:
        MissingExtraError: names the extra and the exact command.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("codex_orchestrator"):
            raise
        raise MissingExtraError(name, needed_for=needed_for) from error
