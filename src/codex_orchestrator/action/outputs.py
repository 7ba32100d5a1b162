"""Write the outputs of the action's steps so that no untrusted text can set another output."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from codex_orchestrator.model.errors import InputError
from codex_orchestrator.system.durable import append_line

_KEY = re.compile(r"[a-z][a-z0-9-]{0,63}")


def write_outputs(
    path: str,
    values: Mapping[str, str],
    *,
    declared: frozenset[str],
    new_delimiter: Callable[[], str],
) -> None:
    """Append outputs to the file that GITHUB_OUTPUT names.

    Each value is between two lines with a random delimiter that it does not contain, so that no
    text can end its value and set another output.

    Args:
        path: the file.
        values: output name → value.
        declared: the only names that may be set.
        new_delimiter: returns a new word with at least 128 random bits.

    Raises:
        InputError: a name is not declared, or the path is not a regular file.
        NotCheckedError: there is no permission to write the file.
        ServiceError: the disk is full or broken.
    """
    lines = []
    for key, value in values.items():
        if key not in declared or _KEY.fullmatch(key) is None:
            raise InputError("is not a declared output", field=key)
        delimiter = new_delimiter()
        if delimiter in value:
            raise InputError("contains its own delimiter", field=key)
        lines += [f"{key}<<{delimiter}", value, delimiter]
    append_line(Path(path), "\n".join(lines))
