"""What a step says to the runner: outputs that no text can forge, files that no check can write."""

import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from codex_orchestrator.model.errors import InputError
from codex_orchestrator.system.durable import append_line, write_file
from codex_orchestrator.system.files import UnusableFileError, read_file

STEP_FILES = (
    *("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STATE", "GITHUB_STEP_SUMMARY"),
)
"""Variables that name the files by which a step sets outputs, variables, programs and a summary."""
_MAX_BYTES = 64 * 1024 * 1024
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


@contextmanager
def kept_step_files(environment: Mapping[str, str]) -> Iterator[list[str]]:
    """Put the step's files back as they were once foreign code has ended.

    Without a sandbox it could find and write them: as the same user, in a folder that is known.
    The runner reads them when the step has ended, by their names.

    Yields:
        Names of the variables whose file was written to; they are there after the block.

    Raises:
        InputError: at the start one of them is no regular file.
    """
    paths = {name: Path(environment[name]) for name in STEP_FILES if environment.get(name)}
    before = {name: _content(path) for name, path in paths.items()}
    written: list[str] = []
    try:
        yield written
    finally:
        for name, path in paths.items():
            if not _is_as_before(path, before[name]):
                written.append(name)
                _put_back(path, before[name])


def _content(path: Path) -> bytes | None:
    try:
        return read_file(path, max_bytes=_MAX_BYTES)
    except FileNotFoundError:
        return None


def _is_as_before(path: Path, content: bytes | None) -> bool:
    try:
        return _content(path) == content
    except UnusableFileError:
        return False


def _put_back(path: Path, content: bytes | None) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    if content is not None:
        write_file(path, content)
    elif os.path.lexists(path):
        path.unlink()
